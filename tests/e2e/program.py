"""`lotse run` as a process of its own: started, watched, told to stop, killed."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp
from bot_api import TOKEN, BotApi, Person
from stores import KEY

from db.codec import Codec
from db.open import open_store
from flows.core.events import Address

IN_FLIGHT = 16  # what one crash can double
LEASE = 3.0
"""Seconds that a killed process's sends are kept from the others; nothing here takes so long to send."""

PATIENCE = 180.0


class Program:
    """`lotse run` in a data folder; `settings` are added to its environment."""

    def __init__(self, folder: Path, url: str, api: BotApi, **settings: str) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.environment = {
            **os.environ,
            "LOTSE_DATA_DIR": str(folder),
            "LOTSE_DATABASE_URL": url,
            "LOTSE_SECRET_KEY": KEY.hex(),
            "LOTSE_SEND_LEASE": str(LEASE),
            "LOTSE_PORT": "0",
            "LOTSE_TELEGRAM_TOKEN": TOKEN,
            "LOTSE_TELEGRAM_API_URL": api.url,
            "LOTSE_TELEGRAM_LIMITS": "off",
            **settings,
        }
        self.starts = 0
        self.process: Process | None = None

    async def start(self) -> None:
        self.starts += 1
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", env=self.environment, stdout=log, stderr=log
            )

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def said(self) -> str:
        """What it has written, in all its lives."""
        return self.log.read_text() if self.log.exists() else ""

    async def ready(self) -> None:
        """Wait until it says that it is ready."""
        await self.until(lambda: self.said.count("is ready") == self.starts, "it is ready")

    async def health(self) -> tuple[int, dict[str, object]]:
        """Status and body of /healthz."""
        url = re.findall(r"is ready: (http://\S+)", self.said)[-1]
        async with aiohttp.ClientSession() as session, session.get(f"{url}/healthz") as answer:
            return answer.status, await answer.json()

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return await self.process.wait()

    async def until(self, true: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        """Wait until something is true, as long as it lives."""
        end = time.monotonic() + patience
        while not true():
            if not self.lives or time.monotonic() > end:
                await self.kill_if_alive()
                raise AssertionError(f"never: {what}\n{self.said[-2000:]}")
            await asyncio.sleep(0.01)

    async def kill_if_alive(self) -> None:
        if self.lives:
            await self.kill()


async def handled(url: str, people: Sequence[Person]) -> list[int]:
    """How many events each person's conversation has handled."""
    store = open_store(url, Codec(KEY))
    await store.open()
    try:
        found = [await store.conversation(Address(channel="telegram", peer=str(p.id))) for p in people]
        return [conversation.version if conversation else 0 for conversation in found]
    finally:
        await store.close()


def in_order(texts: Sequence[str], expected: Sequence[str]) -> bool:
    """Whether the first arrivals of the texts are in that order."""
    return list(dict.fromkeys(texts)) == list(dict.fromkeys(expected))
