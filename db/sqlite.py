"""The embedded store: SQLite in WAL mode, every commit on the disk before anybody is told.

One thread owns the connection that writes, and all operations that wait for it share one transaction (group commit):
each within a savepoint, so that one that fails takes only itself out. A second thread reads. Waiting for the disk is
what costs; sixty-four in a group cost what one does.

Known weakness: one process. A second `lotse run` on the file is kept out by the lock beside it; short commands may
write in between and wait for each other for `BUSY_SECONDS`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar, cast

from db import finish, inbox
from db.base import Operation, SqlStore
from db.codec import Codec
from db.schema import connect, prepare
from db.sql import Dialect, Insert, Row, Statement
from db.store import Batch, Result

T = TypeVar("T")

LARGEST_GROUP = 512


class _SqliteTx:
    """The transaction of a thread's connection; its coroutines never wait."""

    dialect: Dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    async def rows(self, statement: Statement, **values: Any) -> Sequence[Row]:
        sql, _, _ = statement.compiled("sqlite")
        return self.connection.execute(sql, statement.arguments("sqlite", values)).fetchall()

    async def run(self, statement: Statement, **values: Any) -> int:
        sql, _, _ = statement.compiled("sqlite")
        return self.connection.execute(sql, statement.arguments("sqlite", values)).rowcount

    async def run_many(self, statement: Statement, values: Sequence[Mapping[str, Any]]) -> None:
        if values:
            sql, _, _ = statement.compiled("sqlite")
            self.connection.executemany(sql, [statement.arguments("sqlite", one) for one in values])

    async def insert(self, insert: Insert, rows: Sequence[Mapping[str, Any]]) -> int:
        arguments = [[row[name] for name in insert.columns] for row in rows]
        return self.connection.executemany(insert.text("sqlite"), arguments).rowcount


def _drive(operation: Callable[[_SqliteTx], Awaitable[T]], tx: _SqliteTx) -> T:
    """Carry a coroutine that never waits to its end."""
    steps = operation(tx).__await__()
    try:
        next(steps)
    except StopIteration as ended:
        return cast(T, ended.value)
    raise RuntimeError("an operation of the store waited for something else than its transaction")


@dataclass(frozen=True)
class _Job(Generic[T]):
    operation: Callable[[_SqliteTx], Awaitable[T]]
    future: asyncio.Future[T]
    loop: asyncio.AbstractEventLoop
    erases: bool = False


class _Thread(threading.Thread):
    """A thread that owns a connection and carries out what is put into its queue."""

    def __init__(self, path: Path, writes: bool) -> None:
        super().__init__(name=f"sqlite {'writer' if writes else 'reader'}", daemon=True)
        self.path, self.writes = path, writes
        self.commits = 0
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()

    async def carry_out(self, operation: Callable[[_SqliteTx], Awaitable[T]], erases: bool = False) -> T:
        """The operation's result, once it is durable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(operation, future, loop, erases))
        return await future

    def stop(self) -> None:
        """End after all that is waiting."""
        self._jobs.put(None)

    def run(self) -> None:
        connection = connect(self.path)
        tx = _SqliteTx(connection)
        going_on = True
        while going_on:
            jobs = [self._jobs.get()]
            try:
                while len(jobs) < LARGEST_GROUP:
                    jobs.append(self._jobs.get_nowait())
            except Empty:
                pass
            group = [job for job in jobs if job is not None]
            going_on = len(group) == len(jobs)
            if group:
                _report(group, self._group(tx, group))
        connection.close()

    def _group(self, tx: _SqliteTx, group: Sequence[_Job[Any]]) -> list[tuple[Any, BaseException | None]]:
        """All operations in one transaction; for each its result, or what it raised."""
        connection = tx.connection
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE" if self.writes else "BEGIN")
            for job in group:
                connection.execute("SAVEPOINT job")
                try:
                    outcomes.append((_drive(job.operation, tx), None))
                except Exception as error:
                    if not connection.in_transaction:  # SQLite gave up the whole transaction, as on a full disk
                        raise
                    connection.execute("ROLLBACK TO job")
                    outcomes.append((None, error))
                connection.execute("RELEASE job")
            connection.execute("COMMIT")
            self.commits += 1
            if any(job.erases for job in group):
                # Deleted pages are overwritten in the file; the log must not keep them either.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except Exception as error:  # the disk is full or away: nobody may think that anything is stored
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return [(None, error)] * len(group)
        return outcomes


def _report(group: Sequence[_Job[Any]], outcomes: Sequence[tuple[Any, BaseException | None]]) -> None:
    """Wake the callers, each loop once."""
    for loop in {job.loop for job in group}:
        mine = [(job.future, outcome) for job, outcome in zip(group, outcomes, strict=True) if job.loop is loop]
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(outcomes: Sequence[tuple[asyncio.Future[Any], tuple[Any, BaseException | None]]]) -> None:
    for future, (result, error) in outcomes:
        if future.done():  # the caller was cancelled meanwhile
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


class _SqliteBatch:
    """Events taken together from the embedded store."""

    def __init__(self, store: SqliteStore, taken: Sequence[inbox.Taken]) -> None:
        self._store, self._taken = store, taken
        self.work = tuple(one.work for one in taken)

    async def number(self, tickets: Sequence[str]) -> dict[str, int]:
        return await self._store._write(lambda tx: finish.number(tx, self._store.codec, tickets))

    async def finish(self, results: Sequence[Result]) -> None:
        await self._store._write(
            lambda tx: finish.finish(tx, self._store.codec, self._taken, results),
            erases=any(result.forget for result in results),
        )


class SqliteStore(SqlStore):
    """Everything remembered, in one file."""

    def __init__(self, path: Path, codec: Codec) -> None:
        super().__init__(codec)
        self.path = path
        self._writer: _Thread | None = None
        self._reader: _Thread | None = None
        self._in_hand: set[str] = set()  # conversations of batches that have not ended

    @property
    def commits(self) -> int:
        """How many transactions have been written since opening."""
        return self._writer.commits if self._writer is not None else 0

    async def open(self) -> None:
        await asyncio.to_thread(prepare, self.path)
        self._writer, self._reader = _Thread(self.path, writes=True), _Thread(self.path, writes=False)
        self._writer.start()
        self._reader.start()

    async def close(self) -> None:
        for thread in (self._reader, self._writer):
            if thread is not None:
                thread.stop()
                await asyncio.to_thread(thread.join)
        self._writer = self._reader = None

    async def _write(self, operation: Operation[T], erases: bool = False) -> T:
        if self._writer is None:
            raise RuntimeError("the store is not open")
        return await self._writer.carry_out(operation, erases)

    async def _read(self, operation: Operation[T]) -> T:
        if self._reader is None:
            raise RuntimeError("the store is not open")
        return await self._reader.carry_out(operation)

    def batch(self, limit: int = 64) -> AbstractAsyncContextManager[Batch]:
        return self._batch(limit)

    @asynccontextmanager
    async def _batch(self, limit: int) -> AsyncIterator[Batch]:
        held = frozenset(self._in_hand)
        heads = await self._read(lambda tx: inbox.heads(tx, limit + len(held)))
        # Looked at again: while this batch was reading, another may have begun.
        free = [(lane, seq) for lane, seq in heads if lane not in self._in_hand | held][:limit]
        mine = {lane for lane, _ in free}
        self._in_hand |= mine
        try:
            taken = await self._read(lambda tx: inbox.take(tx, self.codec, [seq for _, seq in free])) if free else []
            yield _SqliteBatch(self, taken)
        finally:
            self._in_hand -= mine
