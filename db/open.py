"""The store that a database URL names, importing only the driver it needs."""

from __future__ import annotations

from pathlib import Path

from db.codec import Codec
from db.store import Store

SQLITE = "sqlite:///"


def open_store(url: str, codec: Codec) -> Store:
    """The store of `sqlite:///<path>` or `postgresql://…`, not yet open; ValueError for another URL."""
    if url.startswith(SQLITE):
        from db.sqlite import SqliteStore

        return SqliteStore(Path(url.removeprefix(SQLITE)), codec)
    if url.startswith(("postgresql://", "postgres://")):
        from db.postgresql import PostgresqlStore

        return PostgresqlStore(url, codec)
    raise ValueError("a database URL begins with sqlite:/// or postgresql://")
