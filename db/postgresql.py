"""The store for several processes: they share nothing but PostgreSQL.

A batch is a transaction that holds its conversations (`FOR NO KEY UPDATE SKIP LOCKED`) until `finish` or the end:
another process takes other conversations, and one that dies lets go of everything. Accepting takes only a shared lock,
so that it never waits for a step; forgetting waits for whoever is accepting. Lists of rows travel as arrays, one
round trip for each.

Leases and receipts do not wait for the server's disk: they survive the death of every Lotse, and the next message
takes them along. When the server itself dies, at most `RECEIPTS` writes of receipts more are sent twice.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]

from db import finish, inbox, outbox
from db.base import Operation, SqlStore
from db.codec import Codec
from db.schema import older
from db.sql import Change, Dialect, Insert, Row, Statement
from db.store import Batch, Lead, Result, SchemaError, Settlement

T = TypeVar("T")

CONNECTIONS = 8
QUICK_CONNECTIONS = 2
RECEIPTS = 16
"""So many writes of receipts may be made without waiting for the disk until the next message is stored."""

LEASE = dt.timedelta(seconds=90)  # longer than one send may take
ATTEMPTS = 3
LEAD_SECONDS = 2.0
"""How often who leads looks whether they still do; the others look as often whether they may."""

_VALUE = re.compile(r"\$(\d+)")
_LEADING = (0x107 << 32) + 1  # the advisory lock; one below is the one for migrating
# The server hears within six seconds that a machine is gone, and another takes over within ten.
_NOTICE_DEATH = {"tcp_keepalives_idle": "2", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "2"}
_UPGRADE = "run `lotse db upgrade`, with every other Lotse on this database stopped"


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that is given back as it is: nothing here changes its settings, listens, or locks beyond the end."""

    def get_reset_query(self) -> str:
        return ""


class _PostgresqlTx:
    """The transaction of one connection."""

    dialect: Dialect = "postgresql"

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def rows(self, statement: Statement, **values: Any) -> Sequence[Row]:
        sql, _, _ = statement.compiled("postgresql")
        found: Sequence[Row] = await self.connection.fetch(sql, *statement.arguments("postgresql", values))
        return found

    async def run(self, statement: Statement, **values: Any) -> int:
        sql, _, _ = statement.compiled("postgresql")
        return _touched(await self.connection.execute(sql, *statement.arguments("postgresql", values)))

    async def run_many(self, statement: Statement, values: Sequence[Mapping[str, Any]]) -> None:
        if values:
            sql, _, _ = statement.compiled("postgresql")
            await self.connection.executemany(sql, [statement.arguments("postgresql", one) for one in values])

    async def together(self, changes: Sequence[Change]) -> list[int]:
        texts: list[str] = []
        values: list[Any] = []
        for n, (change, given) in enumerate(changes):
            if isinstance(change, Statement):
                text, arguments = change.compiled("postgresql")[0], change.arguments("postgresql", given)  # type: ignore[arg-type]
            else:
                text = change.text("postgresql")
                arguments = [[row[name] for row in given] for name in change.columns]  # type: ignore[index]
            texts.append(f"c{n} AS ({_renumbered(text, len(values))} RETURNING 1)")
            values += arguments
        counts = ", ".join(f"(SELECT count(*) FROM c{n})" for n in range(len(texts)))  # noqa: S608 - only numbers
        return list(await self.connection.fetchrow(f"WITH {', '.join(texts)} SELECT {counts}", *values))

    async def insert(self, insert: Insert, rows: Sequence[Mapping[str, Any]]) -> int:
        columns = [[row[name] for row in rows] for name in insert.columns]
        return _touched(await self.connection.execute(insert.text("postgresql"), *columns))


@lru_cache(maxsize=256)
def _renumbered(text: str, by: int) -> str:
    """The statement with its values standing further back in the list."""
    return _VALUE.sub(lambda found: f"${int(found[1]) + by}", text)


def _touched(status: str) -> int:
    """The number of rows in what PostgreSQL says was done: "UPDATE 3", "INSERT 0 3"."""
    return int(status.rsplit(" ", 1)[-1])


class _PostgresqlBatch:
    """Events whose conversations this transaction holds."""

    def __init__(
        self,
        tx: _PostgresqlTx,
        transaction: Any,
        codec: Codec,
        taken: Sequence[inbox.Taken],
        durable: Callable[[], None],
    ) -> None:
        """`durable`: called when all that was committed before is on the server's disk."""
        self._tx, self._transaction, self._codec, self._taken = tx, transaction, codec, taken
        self._durable = durable
        self.work = tuple(one.work for one in taken)
        self.finished = False

    async def number(self, tickets: Sequence[str]) -> dict[str, int]:
        return await finish.number(self._tx, self._codec, tickets)

    async def finish(self, results: Sequence[Result]) -> None:
        await finish.finish(self._tx, self._codec, self._taken, results)
        self.finished = True
        await self._transaction.commit()
        self._durable()


class _Lead:
    """An advisory lock, held as long as its connection lives."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def hold(self) -> None:
        while True:
            await asyncio.sleep(LEAD_SECONDS)
            try:
                async with asyncio.timeout(LEAD_SECONDS):
                    await self._connection.fetchval("SELECT 1")
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return

    async def release(self) -> None:
        try:
            async with asyncio.timeout(LEAD_SECONDS):
                await self._connection.close()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()


class PostgresqlStore(SqlStore):
    """Everything remembered, on a server."""

    def __init__(self, url: str, codec: Codec, lease: dt.timedelta = LEASE) -> None:
        super().__init__(codec)
        self.url = url
        self.lease = lease
        self._pool: Any = None
        self._quick: Any = None  # connections that do not wait for the server's disk
        self._relaxed = 0  # writes on them since something was waited for

    async def open(self) -> None:
        pool = await asyncpg.create_pool(self.url, min_size=1, max_size=CONNECTIONS, connection_class=_Connection)
        try:
            async with pool.acquire() as connection:
                found = await connection.fetchval("SELECT version_num FROM alembic_version")
            if older(found, "the database"):
                raise SchemaError(f"the database has an older schema than this release of Lotse: {_UPGRADE}")
        except asyncpg.UndefinedTableError:
            await pool.close()
            raise SchemaError(f"the database has no tables yet: {_UPGRADE}") from None
        except BaseException:
            await pool.close()
            raise
        self._pool = pool
        self._quick = await asyncpg.create_pool(
            self.url,
            min_size=0,
            max_size=QUICK_CONNECTIONS,
            connection_class=_Connection,
            server_settings={"synchronous_commit": "off"},
        )

    async def close(self) -> None:
        pools, self._pool, self._quick = (self._pool, self._quick), None, None
        for pool in pools:
            if pool is not None:
                await pool.close()

    async def lead(self) -> Lead | None:
        connection = await asyncpg.connect(self.url, timeout=LEAD_SECONDS, server_settings=_NOTICE_DEATH)
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LEADING):
            return _Lead(connection)
        await connection.close()
        return None

    async def _write(
        self,
        operation: Operation[T],
        erases: bool = False,
        relaxed: bool = False,
        seen: Callable[[], None] | None = None,
    ) -> T:
        quick = relaxed and self._relaxed < RECEIPTS
        for attempt in range(ATTEMPTS):
            try:
                async with self._connection(quick) as connection, connection.transaction():
                    result = await operation(_PostgresqlTx(connection))
                self._relaxed = self._relaxed + 1 if quick else 0
                return result
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    async def _read(self, operation: Operation[T]) -> T:
        async with self._connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            return await operation(_PostgresqlTx(connection))

    async def settle(self, settlements: Sequence[Settlement], now: dt.datetime) -> None:
        if self._relaxed < RECEIPTS:
            async with self._connection(quick=True) as connection:
                settlements = await outbox.settle_plain(_PostgresqlTx(connection), self.codec, settlements, now)
            self._relaxed += 1
        if settlements:
            await super().settle(settlements, now)

    async def _lend(self, operation: Operation[T]) -> T:
        # One statement, and another only where something has to be given back: no transaction around them.
        async with self._connection(quick=True) as connection:
            return await operation(_PostgresqlTx(connection))

    def _connection(self, quick: bool = False) -> Any:
        pool = self._quick if quick else self._pool
        if pool is None:
            raise RuntimeError("the store is not open")
        return pool.acquire()

    def _durable(self) -> None:
        self._relaxed = 0

    def batch(self, limit: int = 64) -> AbstractAsyncContextManager[Batch]:
        return self._batch(limit)

    @asynccontextmanager
    async def _batch(self, limit: int) -> AsyncIterator[Batch]:
        async with self._connection() as connection:
            tx, transaction = _PostgresqlTx(connection), connection.transaction()
            await transaction.start()
            batch = None
            try:
                lanes = await inbox.lock_lanes(tx, limit)
                taken = await inbox.take_heads(tx, self.codec, lanes) if lanes else []
                batch = _PostgresqlBatch(tx, transaction, self.codec, taken, self._durable)
                yield batch
            finally:
                if batch is None or not batch.finished:
                    await transaction.rollback()
