"""`lotse run` as a program of its own that can be killed, and people who write to it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from homeserver import NAME, Homeserver
from people import Person

from bot.settings import ROOT

SMALL = ROOT / "tests" / "knowledge" / "small"
PATIENCE = 60.0


@dataclass
class Program:
    """One installation of the bot."""

    server: Homeserver
    folder: Path
    user: str
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def id(self) -> str:
        return f"@{self.user}:{NAME}"

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text()

    def start(self) -> None:
        """Start it; it is ready when it says so, see `ready`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOTSE_", "PYTHON"))}
        environment = kept | {
            "PYTHONPATH": str(ROOT),
            "LOTSE_DATA_DIR": str(self.folder / "data"),
            "LOTSE_KNOWLEDGE_DIR": str(SMALL),
            "LOTSE_TOWN": "musterstadt",
            "LOTSE_PORT": "0",
            "LOTSE_LOG": "warning",
            "LOTSE_MATRIX_HOMESERVER": self.server.url,
            "LOTSE_MATRIX_USER": self.id,
            "LOTSE_MATRIX_PASSWORD": "secret",
            "LOTSE_MATRIX_CHOICES": "numbers",
            **self.extra,
        }
        with open(self.folder / "log.txt", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent / "run_small.py")],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=environment,
            )

    async def ready(self, times: int = 1) -> None:
        """Wait until it has said so often that it is ready."""
        end = time.monotonic() + PATIENCE
        while self.log.count("is ready:") < times:
            assert self.process is not None
            assert self.process.poll() is None, self.log[-3000:]
            assert time.monotonic() < end, self.log[-3000:]
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)

    def memory(self) -> float:
        """Resident memory in MB."""
        assert self.process is not None
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6

    def seconds(self) -> float:
        """Seconds of CPU."""
        assert self.process is not None
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


async def meet(program: Program, person: Person, language: str = "ar") -> None:
    """Open a chat of two and choose a language."""
    await person.open_chat(program.id)
    first = await person.until(lambda: next(iter(person.heard(program.id)), None), PATIENCE)
    codes = [choice for choice, _ in first.content["lotse.choices"]]
    await person.writes(str(codes.index(f"language:{language}") + 1))
    await person.until(
        lambda: any("topic:waste" in str(s.content.get("lotse.choices")) for s in person.heard()), PATIENCE
    )


async def ask(people: list[Person], rounds: int, pause: float) -> None:
    """Everybody writes so many questions that nobody has an answer to."""

    async def one(person: Person) -> None:
        for n in range(rounds):
            await person.writes(f"xyzzy plugh {n}")
            await asyncio.sleep(pause)

    await asyncio.gather(*map(one, people))


async def all_answered(people: list[Person], before: list[int], rounds: int, seconds: float) -> None:
    """Every question has got one answer, none has got two, and everything could be read."""
    end = time.monotonic() + seconds

    def heard(person: Person) -> int:
        return len({s.id for s in person.heard()})

    while any(heard(p) + len(p.locked) < n + rounds for p, n in zip(people, before, strict=True)):
        missing = {p.name: n + rounds - heard(p) for p, n in zip(people, before, strict=True)}
        assert time.monotonic() < end, f"not answered: { {k: v for k, v in missing.items() if v} }"
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.5)
    assert [p.locked for p in people if p.locked] == []
    assert [heard(p) - n for p, n in zip(people, before, strict=True)] == [rounds] * len(people)
