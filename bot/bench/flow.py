"""The whole way of a message: from the Bot API through inbox, step, render, store and outbox back to it."""

from __future__ import annotations

import asyncio
import pickle
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.bench.figures import Figure, median, percentile
from bot.bench.people import People
from bot.bench.programs import BenchError, Program, lotse, lotse_environment, ordinary
from bot.bench.stores import fill
from bot.settings import Settings

WARM_SECONDS = 3.0
PATIENCE = 120.0


@dataclass(frozen=True)
class Load:
    """How people write."""

    name: str
    delay: float = 0.0
    window: int = 0
    rate: float = 0.0
    before: float = WARM_SECONDS  # seconds that are not counted


WINDOW = Load("64 conversations at once", window=64)
SLOW = Load("40 conversations, the API takes 50 ms", delay=0.05, window=40)
STEADY = Load("100 messages a second", rate=100.0)

Start = Callable[[str, Path], AbstractAsyncContextManager[Program]]


async def measured(load: Load, start: Start, seconds: float) -> dict[str, float]:
    """Rate, latencies and cost of the program that `start` starts, under a load."""
    people = People(load.delay, load.window, load.rate)
    origin = await people.start()
    try:
        with tempfile.TemporaryDirectory(prefix="lotse-bench-") as folder:
            async with start(origin, Path(folder)) as program:
                await program.rests(PATIENCE)
                people.begin()
                await _first_answer(people, program)
                await asyncio.sleep(load.before)
                people.look()
                before = program.cpu_seconds
                await asyncio.sleep(seconds)
                seen, used = people.seen, program.cpu_seconds - before
                people.end()
                if not seen.answered:
                    raise BenchError(f"{load.name}: nobody was answered")
                return {
                    "rate": seen.answered / seconds,
                    "requests": seen.requests / seconds,
                    "p50": median(seen.seconds) * 1000,
                    "p99": percentile(seen.seconds, 0.99) * 1000,
                    "cpu": used / seen.answered * 1000,
                }
    finally:
        await people.stop()


async def _first_answer(people: People, program: Program) -> None:
    async with asyncio.timeout(PATIENCE):
        while not people.seen.answered:
            if program.process.returncode is not None:
                raise BenchError("a program that was to be measured has ended")
            await asyncio.sleep(0.05)


def figures(case: str, found: dict[str, float]) -> list[Figure]:
    """What `measured` found, as figures."""
    return [
        Figure(case=case, metric="messages answered", value=found["rate"], unit="/s"),
        Figure(case=case, metric="time to the answer, p50", value=found["p50"], unit="ms"),
        Figure(case=case, metric="time to the answer, p99", value=found["p99"], unit="ms"),
        Figure(case=case, metric="CPU for a message", value=found["cpu"], unit="ms"),
    ]


def start_lotse(settings: Settings, url: str | None = None, known: int = 0) -> Start:
    """Lotse on a new SQLite file, or on a database, that many people being known to it."""

    @asynccontextmanager
    async def start(origin: str, folder: Path) -> AsyncIterator[Program]:
        database = url or f"sqlite:///{folder / 'lotse.db'}"
        await fill(database, known)
        async with lotse(lotse_environment(settings, folder, database, origin)) as program:
            yield program

    return start


@asynccontextmanager
async def start_ordinary(origin: str, folder: Path, when: str = "sometimes", known: int = 0) -> AsyncIterator[Program]:
    """The ordinary bot, as many people being known to it."""
    file = folder / "states.pickle"
    remember(file, known)
    async with ordinary(origin, file, when) as program:
        yield program


def remember(file: Path, known: int) -> None:
    """A file as PicklePersistence leaves it behind after that many people."""
    said = {"language": "language:de", "topic": "topic:waste", "question": "Wohin mit dem Sofa?", "feedback": "helped"}
    data = {
        "conversations": {"flow": {(n, n): 3 for n in range(10_000_000, 10_000_000 + known)}},
        "user_data": {n: dict(said) for n in range(10_000_000, 10_000_000 + known)},
        "chat_data": {},
        "bot_data": {},
        "callback_data": None,
    }
    file.write_bytes(pickle.dumps(data))
