"""The embedded store: SQLite in WAL mode, every commit on the disk before anybody is told.

One connection writes, and all operations that wait for it share one transaction (group commit): each within a
savepoint, so that one that fails takes only itself out. Statements run where the event loop runs, because each takes
microseconds and handing it to another thread takes more. A commit puts the transaction into the log at once, where the
next operation sees it; a thread then has the disk write the log (what `synchronous=FULL` does within the commit), and
only after that the callers go on. So one wait for the disk serves all that was committed before it began, and a
message can be taken from the inbox while the disk still writes that it came.

A receipt alone does not wait for the disk: it survives this program's death, and the next write takes it along. After
a power cut at most `RECEIPTS` more messages are sent twice.

Known weakness: one process. A second `lotse run` on the file is kept out by the lock beside it; short commands may
write in between and wait for each other for `BUSY_SECONDS`.
"""

from __future__ import annotations

import asyncio
import os
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
from db.sql import Change, Dialect, Insert, Row, Statement
from db.store import Batch, Lead, Result

T = TypeVar("T")

LARGEST_GROUP = 512
RECEIPTS = 16
"""So many receipts may be committed without waiting for the disk until the next write."""

COPY_AFTER = 32
LONG_LOG = 1000
"""After so many commits, a log of so many pages is copied into the file, by a thread."""

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

    async def together(self, changes: Sequence[Change]) -> list[int]:
        touched = []
        for change, values in changes:
            if isinstance(change, Statement):
                touched.append(await self.run(change, **cast(Mapping[str, Any], values)))
            else:
                rows = [[row[name] for name in change.columns] for row in cast(Sequence[Mapping[str, Any]], values)]
                touched.append(self.connection.executemany(change.text("sqlite"), rows).rowcount)
        return touched

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
    seen: Callable[[], None] | None = None


class _Writer:
    """The connection that writes, one group of operations after the other."""

    def __init__(self, path: Path) -> None:
        self.commits = 0
        self._connection = connect(path, threads=True)
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._tx = _SqliteTx(self._connection)
        self._log = os.open(path.with_name(f"{path.name}-wal"), os.O_RDWR | os.O_CREAT, 0o600)
        self._disk = ThreadPoolExecutor(2, "sqlite")
        self._jobs: list[_Job[Any]] = []
        self._busy = False
        self._small = 0  # commits since one that may have copied the log into the file
        self._relaxed = 0  # receipts committed since the disk was last waited for
        self._unwritten: list[tuple[_Job[Any], Outcome]] = []  # committed; their callers wait for the disk
        self._writing = False
        self._rests = asyncio.Event()
        self._rests.set()

    async def carry_out(
        self,
        operation: Callable[[_SqliteTx], Awaitable[T]],
        erases: bool = False,
        relaxed: bool = False,
        seen: Callable[[], None] | None = None,
    ) -> T:
        """The operation's result, once it is durable; `relaxed`: once it survives this program.

        `seen` is called when others can read it, which is before that.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.append(_Job(operation, future, erases, relaxed, seen))
        self._rests.clear()
        if not self._busy:
            self._busy = True
            loop.call_soon(self._next, loop)  # whoever asks at the same moment shares the transaction
        return await future

    async def close(self) -> None:
        """End after all that is waiting."""
        await self._rests.wait()
        await asyncio.get_running_loop().run_in_executor(self._disk, self._connection.close)
        os.close(self._log)
        self._disk.shutdown()

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._jobs = self._jobs[:LARGEST_GROUP], self._jobs[LARGEST_GROUP:]
        if not group:
            self._busy = False
            if not self._writing:
                self._rests.set()
            return
        whole = any(job.erases for job in group)
        outcomes = None if whole else self._begin(group, wait=False)
        if outcomes is None:  # something is overwritten, or another program holds the file
            waiting = loop.run_in_executor(self._disk, self._whole, group)
        elif self._small >= COPY_AFTER:
            waiting = loop.run_in_executor(self._disk, self._commit, outcomes, True)
        else:
            self._committed(loop, group, self._commit(outcomes))
            loop.call_soon(self._next, loop)
            return
        waiting.add_done_callback(lambda done: self._done(loop, group, done))

    def _done(
        self, loop: asyncio.AbstractEventLoop, group: Sequence[_Job[Any]], done: asyncio.Future[list[Outcome]]
    ) -> None:
        self._committed(loop, group, done.result())
        self._next(loop)

    def _committed(self, loop: asyncio.AbstractEventLoop, group: Sequence[_Job[Any]], outcomes: list[Outcome]) -> None:
        """Tell those whom a receipt is enough; the others wait for the disk."""
        for job, outcome in zip(group, outcomes, strict=True):
            if job.relaxed and self._relaxed < RECEIPTS and outcome[1] is None:
                self._relaxed += 1
                _resolve(job, outcome)
                continue
            self._unwritten.append((job, outcome))
            if job.seen is not None and outcome[1] is None:
                job.seen()
        if self._unwritten and not self._writing:
            self._write(loop)

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._unwritten = self._unwritten, []
        self._writing, self._relaxed = True, 0
        loop.run_in_executor(self._disk, os.fdatasync, self._log).add_done_callback(
            lambda done: self._written(loop, waiting, done.exception())
        )

    def _written(
        self,
        loop: asyncio.AbstractEventLoop,
        waiting: Sequence[tuple[_Job[Any], Outcome]],
        error: BaseException | None,
    ) -> None:
        for job, outcome in waiting:
            _resolve(job, outcome if error is None or outcome[1] is not None else (None, error))
        self._writing = False
        if self._unwritten:
            self._write(loop)
        elif not self._busy:
            self._rests.set()

    def _whole(self, group: Sequence[_Job[Any]]) -> list[Outcome]:
        outcomes = self._begin(group, wait=True)
        assert outcomes is not None
        outcomes = self._commit(outcomes, copies=True)
        if any(job.erases for job in group):
            try:
                # Deleted pages are overwritten in the file; the log must not keep them either.
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                return [(None, error)] * len(group)
        return outcomes

    def _begin(self, group: Sequence[_Job[Any]], wait: bool) -> list[Outcome] | None:
        """All operations in one transaction not yet committed; None when another program holds the file."""
        connection = self._connection
        outcomes: list[Outcome] = []
        try:
            connection.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000) if wait else 0}")
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not wait and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                    return None
                raise
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

    def _commit(self, outcomes: list[Outcome], copies: bool = False) -> list[Outcome]:
        """Put the transaction into the log; `copies`: a long log may be copied into the file, which takes a while."""
        if not self._connection.in_transaction:  # rolled back already
            return outcomes
        try:
            self._connection.execute(f"PRAGMA wal_autocheckpoint={LONG_LOG if copies else 0}")
            self._connection.execute("COMMIT")
        except Exception as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return [(None, error)] * len(outcomes)
        self.commits += 1
        self._small = 0 if copies else self._small + 1
        return outcomes


def _resolve(job: _Job[Any], outcome: Outcome) -> None:
    result, error = outcome
    if job.future.done():  # the caller was cancelled meanwhile
        return
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

    async def _write(
        self,
        operation: Operation[T],
        erases: bool = False,
        relaxed: bool = False,
        seen: Callable[[], None] | None = None,
    ) -> T:
        if self._writer is None:
            raise RuntimeError("the store is not open")
        return await self._writer.carry_out(operation, erases, relaxed, seen)

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
