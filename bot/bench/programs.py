"""Programs started to be measured: Lotse itself and the ordinary bot, each in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bot.bench.people import TOKEN
from bot.errors import LotseError
from bot.settings import Settings

KEY = bytes(range(32))
PATIENCE = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(LotseError):
    """Something that is to be measured did not run; the sentence says what."""


@dataclass
class Program:
    """A running program."""

    process: Process
    ready_after: float = 0.0  # seconds from its start

    @property
    def cpu_seconds(self) -> float:
        """What it has used of the processor, all threads together."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    async def rests(self, patience: float) -> None:
        """Wait until it has done what it does after its start: Lotse makes the indexes of all languages."""
        end, before, quiet = time.monotonic() + patience, -1.0, 0
        while quiet < 3 and time.monotonic() < end:
            await asyncio.sleep(0.3)
            used = self.cpu_seconds
            quiet = quiet + 1 if used - before < 0.03 else 0
            before = used

    @property
    def resident(self) -> int:
        """Bytes of memory that are its own."""
        for line in Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
        raise BenchError("the system does not tell how much memory a program has")


def lotse_environment(settings: Settings, folder: Path, url: str, origin: str) -> dict[str, str]:
    """The environment of a Lotse that answers the people at `origin`, with Telegram's limits switched off."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOTSE_")}
    return {
        **kept,
        "LOTSE_DATA_DIR": str(folder),
        "LOTSE_DATABASE_URL": url,
        "LOTSE_SECRET_KEY": KEY.hex(),
        "LOTSE_KNOWLEDGE_DIR": str(settings.knowledge),
        "LOTSE_TOWN": settings.town,
        "LOTSE_PORT": "0",
        "LOTSE_LOG": "warning",
        "LOTSE_TELEGRAM_TOKEN": TOKEN,
        "LOTSE_TELEGRAM_API_URL": origin,
        "LOTSE_TELEGRAM_LIMITS": "off",
    }


@contextlib.asynccontextmanager
async def lotse(environment: dict[str, str]) -> AsyncIterator[Program]:
    """A `lotse run` that is ready."""
    async with _started([sys.executable, "-m", "bot", "run"], environment, b" is ready: ") as program:
        yield program


@contextlib.asynccontextmanager
async def ordinary(origin: str, file: Path, when: str) -> AsyncIterator[Program]:
    """The ordinary bot."""
    command = [sys.executable, "-m", "bot.bench.ordinary", origin, str(file), when]
    async with _started(command, dict(os.environ)) as program:
        yield program


@contextlib.asynccontextmanager
async def _started(command: list[str], environment: dict[str, str], ready: bytes = b"") -> AsyncIterator[Program]:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**environment, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    program = Program(process)
    reading = asyncio.create_task(_read(program, ready, began))
    try:
        await _or_ended(program, reading)
        yield program
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(15):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _read(program: Program, ready: bytes, began: float) -> None:
    said = b""
    assert program.process.stderr is not None
    while ready and (line := await program.process.stderr.readline()):
        said += line
        if ready in line:
            program.ready_after = time.perf_counter() - began
            break
    else:
        if ready:
            raise BenchError(f"a program that was to be measured did not start:\n{said.decode(errors='replace')}")
    program.rest = asyncio.create_task(_swallow(program.process.stderr))  # type: ignore[attr-defined]


async def _swallow(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass


async def _or_ended(program: Program, reading: asyncio.Task[None]) -> None:
    async with asyncio.timeout(PATIENCE):
        await reading
