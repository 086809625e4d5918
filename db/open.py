"""The store that a database URL names, importing only the driver it needs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from db.codec import Codec
from db.store import Store

SQLITE = "sqlite:///"


def open_store(url: str, codec: Codec, lease: dt.timedelta | None = None) -> Store:
    """The store of `sqlite:///<path>` or `postgresql://…`, not yet open; ValueError for another URL.

    `lease`: with several processes, how long what one sends is kept from the others.
    """
    if url.startswith(SQLITE):
        from db.sqlite import SqliteStore

        return SqliteStore(Path(url.removeprefix(SQLITE)), codec)
    if url.startswith(("postgresql://", "postgres://")):
        from db.postgresql import LEASE, PostgresqlStore

        return PostgresqlStore(url, codec, lease or LEASE)
    raise ValueError("a database URL begins with sqlite:/// or postgresql://")
