"""The embedded store: SQLite in WAL mode, every commit on the disk before anybody is told.

One connection writes, and all operations that wait for it share one transaction (group commit): each within a
savepoint, so that one that fails takes only itself out. Statements run where the event loop runs, because each takes
microseconds and handing it to another thread takes more; what waits for the disk is done in a thread: commits, what
overwrites deleted pages, and waiting for another program's lock. Sixty-four in a group cost what one does.

A receipt alone does not wait for the disk: it survives this program's death, and the next commit takes it along. After
a power cut at most `RECEIPTS` more messages are sent twice.

Known weakness: one process. A second `lotse run` on the file is kept out by the lock beside it; short commands may
write in between and wait for each other for `BUSY_SECONDS`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from db import finish, inbox
from db.base import Operation, SqlStore
from db.codec import Codec
from db.schema import BUSY_SECONDS, connect, prepare
from db.sql import Dialect, Insert, Row, Statement
from db.store import Batch, Lead, Result

T = TypeVar("T")

LARGEST_GROUP = 512
RECEIPTS = 16
"""So many operations may be committed without waiting for the disk until the next that waits."""

SWITCH_SECONDS = 0.0005
"""How long the event loop may keep a thread that comes back from the disk waiting for Python's lock."""

Outcome = tuple[Any, "BaseException | None"]


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
    erases: bool = False
    relaxed: bool = False


class _Writer:
    """The connection that writes, one group of operations after the other."""

    def __init__(self, path: Path) -> None:
        self.commits = 0
        self._connection = connect(path, threads=True)
        self._tx = _SqliteTx(self._connection)
        self._disk = ThreadPoolExecutor(1, "sqlite")
        self._jobs: list[_Job[Any]] = []
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._relaxed = 0  # operations committed since the disk was last waited for

    async def carry_out(
        self, operation: Callable[[_SqliteTx], Awaitable[T]], erases: bool = False, relaxed: bool = False
    ) -> T:
        """The operation's result, once it is durable; `relaxed`: once it survives this program."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.append(_Job(operation, future, erases, relaxed))
        if not self._busy:
            self._busy = True
            self._idle.clear()
            loop.call_soon(self._next, loop)  # whoever asks at the same moment shares the transaction
        return await future

    async def close(self) -> None:
        """End after all that is waiting."""
        await self._idle.wait()
        await asyncio.get_running_loop().run_in_executor(self._disk, self._connection.close)
        self._disk.shutdown()

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._jobs = self._jobs[:LARGEST_GROUP], self._jobs[LARGEST_GROUP:]
        if not group:
            self._busy = False
            self._idle.set()
            return
        relaxed = all(job.relaxed for job in group) and self._relaxed + len(group) <= RECEIPTS
        if any(job.erases for job in group):
            waiting = loop.run_in_executor(self._disk, self._whole, group)
        else:
            outcomes = self._begin(group, relaxed, wait=False)
            if outcomes is not None and relaxed:
                self._resolve(group, self._commit(outcomes))
                loop.call_soon(self._next, loop)
                return
            if outcomes is None:  # another program holds the file
                waiting = loop.run_in_executor(self._disk, self._whole, group)
            else:
                waiting = loop.run_in_executor(self._disk, self._commit, outcomes)
        waiting.add_done_callback(lambda done: self._done(loop, group, done))

    def _done(
        self, loop: asyncio.AbstractEventLoop, group: Sequence[_Job[Any]], done: asyncio.Future[list[Outcome]]
    ) -> None:
        self._resolve(group, done.result())
        self._next(loop)

    def _whole(self, group: Sequence[_Job[Any]]) -> list[Outcome]:
        outcomes = self._begin(group, relaxed=False, wait=True)
        assert outcomes is not None
        outcomes = self._commit(outcomes)
        if any(job.erases for job in group):
            try:
                # Deleted pages are overwritten in the file; the log must not keep them either.
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                return [(None, error)] * len(group)
        return outcomes

    def _begin(self, group: Sequence[_Job[Any]], relaxed: bool, wait: bool) -> list[Outcome] | None:
        """All operations in one transaction not yet committed; None when another program holds the file."""
        connection = self._connection
        outcomes: list[Outcome] = []
        try:
            connection.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000) if wait else 0}")
            connection.execute(f"PRAGMA synchronous={'NORMAL' if relaxed else 'FULL'}")
            # Copying the log into the file waits for the disk, so a commit that does not wait leaves it to others.
            connection.execute(f"PRAGMA wal_autocheckpoint={0 if relaxed else 1000}")
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not wait and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                    return None
                raise
            self._relaxed = self._relaxed + len(group) if relaxed else 0
            for job in group:
                outcomes.append(self._one(job))
        except Exception as error:  # the disk is full or away: nobody may think that anything is stored
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return [(None, error)] * len(group)
        return outcomes

    def _one(self, job: _Job[Any]) -> Outcome:
        connection = self._connection
        connection.execute("SAVEPOINT job")
        outcome: Outcome
        try:
            outcome = (_drive(job.operation, self._tx), None)
        except Exception as error:
            if not connection.in_transaction:  # SQLite gave up the whole transaction, as on a full disk
                raise
            connection.execute("ROLLBACK TO job")
            outcome = (None, error)
        connection.execute("RELEASE job")
        return outcome

    def _commit(self, outcomes: list[Outcome]) -> list[Outcome]:
        if not self._connection.in_transaction:  # rolled back already
            return outcomes
        try:
            self._connection.execute("COMMIT")
        except Exception as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return [(None, error)] * len(outcomes)
        self.commits += 1
        return outcomes

    @staticmethod
    def _resolve(group: Sequence[_Job[Any]], outcomes: Sequence[Outcome]) -> None:
        for job, (result, error) in zip(group, outcomes, strict=True):
            if job.future.done():  # the caller was cancelled meanwhile
                continue
            if error is not None:
                job.future.set_exception(error)
            else:
                job.future.set_result(result)


class _Reader:
    """The connection that reads what is committed."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._tx = _SqliteTx(self._connection)

    def carry_out(self, operation: Callable[[_SqliteTx], Awaitable[T]]) -> T:
        """The operation's result."""
        self._connection.execute("BEGIN")
        try:
            return _drive(operation, self._tx)
        finally:
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


class _SqliteBatch:
    """Events taken together from the embedded store."""

    def __init__(self, store: SqliteStore, taken: Sequence[inbox.Taken]) -> None:
        self._store, self._taken = store, taken
        self.work = tuple(one.work for one in taken)

    async def number(self, tickets: Sequence[str]) -> dict[str, int]:
        # On the disk with `finish`, before which nobody hears of the numbers.
        return await self._store._write(lambda tx: finish.number(tx, self._store.codec, tickets), relaxed=True)

    async def finish(self, results: Sequence[Result]) -> None:
        await self._store._write(
            lambda tx: finish.finish(tx, self._store.codec, self._taken, results),
            erases=any(result.forget for result in results),
        )


class _Alone:
    """On a file there is one process, kept alone by the lock of the data folder."""

    async def hold(self) -> None:
        await asyncio.Event().wait()

    async def release(self) -> None: ...


class SqliteStore(SqlStore):
    """Everything remembered, in one file."""

    def __init__(self, path: Path, codec: Codec) -> None:
        super().__init__(codec)
        self.path = path
        self._writer: _Writer | None = None
        self._reader: _Reader | None = None
        self._in_hand: set[str] = set()  # conversations of batches that have not ended

    @property
    def commits(self) -> int:
        """How many transactions have been written since opening."""
        return self._writer.commits if self._writer is not None else 0

    async def open(self) -> None:
        await asyncio.to_thread(prepare, self.path)
        sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
        self._writer, self._reader = _Writer(self.path), _Reader(self.path)

    async def close(self) -> None:
        reader, writer = self._reader, self._writer
        self._writer = self._reader = None
        if reader is not None:
            reader.close()
        if writer is not None:
            await writer.close()

    async def lead(self) -> Lead | None:
        return _Alone()

    async def _write(self, operation: Operation[T], erases: bool = False, relaxed: bool = False) -> T:
        if self._writer is None:
            raise RuntimeError("the store is not open")
        return await self._writer.carry_out(operation, erases, relaxed)

    async def _read(self, operation: Operation[T]) -> T:
        if self._reader is None:
            raise RuntimeError("the store is not open")
        return self._reader.carry_out(operation)

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
