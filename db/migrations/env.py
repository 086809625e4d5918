"""How Alembic reaches the database: the URL that `db.migrate` was given, in one transaction."""

from __future__ import annotations

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection, NullPool, create_engine, event, text

from db.tables import metadata

_UPGRADING = 0x107 << 32  # PostgreSQL's advisory lock: one process migrates, the others wait and find it done


def run(connection: Connection) -> None:
    """Carry out the migrations on an open connection."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADING})
        context.run_migrations()


def sqlite(url: str) -> None:
    """Migrate a file; Python's driver would end the transaction at each change of a table, so it is told not to."""
    engine = create_engine(url, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.connect() as connection:
        run(connection)
    engine.dispose()


async def postgresql(url: str) -> None:
    """Migrate a PostgreSQL database, through the driver the store uses."""
    import asyncpg  # type: ignore[import-untyped]
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


_url: str = context.config.attributes["url"]
if _url.startswith("sqlite:"):
    sqlite(_url)
else:
    asyncio.run(postgresql(_url))
