"""A whole Lotse for tests, against a local Bot API: the app with its loops, a store, people and a staff group."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from bot_api import TOKEN, BotApi, Group, Person, Sent
from stores import KEY

from bot.app import App
from bot.catalogs import Catalogs
from bot.channels.telegram import TelegramChannel
from bot.channels.telegram_setup import telegram_channel
from bot.plan import Room
from bot.settings import Settings
from db.codec import Codec
from db.open import open_store
from flows.core.knowledge import Knowledge

PATIENCE = 20.0
"""Seconds after which a test gives up; no test waits for them when all is well."""


@dataclass
class Lotse:
    """A running Lotse, and what its tests do with it."""

    api: BotApi
    url: str  # of the database
    knowledge: Knowledge
    catalogs: Catalogs
    group: Group | None = None
    mode: str = "origin"
    extra: dict[str, object] = field(default_factory=dict)  # settings

    async def start(self) -> None:
        self.store = open_store(self.url, Codec(KEY))
        await self.store.open()
        self.settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            telegram_token=TOKEN,
            telegram_api_url=self.api.url,
            telegram_staff_chat=self.group.id if self.group else None,
            **{"telegram_limits": "off", **self.extra},  # type: ignore[arg-type]
        )
        self.channel: TelegramChannel = telegram_channel(self.settings, self.store)
        rooms = [Room(channel="telegram", peer=str(self.group.id), mode=self.mode)] if self.group else []
        self.app = App(
            store=self.store, knowledge=self.knowledge, catalogs=self.catalogs, channels=[self.channel], rooms=rooms
        )
        self._stop = asyncio.Event()
        self._running = asyncio.create_task(self.app.run(self._stop))

    async def stop(self) -> None:
        self._stop.set()
        await self._running
        await self.app.close()

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Wait until something is true."""
        end = time.monotonic() + PATIENCE
        while not true():
            if self._running.done():
                await self._running
                raise AssertionError("Lotse has stopped")
            if time.monotonic() > end:
                said = [f"{m.chat}/{m.thread}: {m.text[:200]!r} {m.choices}" for m in self.api.sent]
                raise AssertionError("\n".join([f"never: {what}", *said, *map(str, self.api.refusals)]))
            await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Wait until everything is read, handled and sent."""
        await self.until(lambda: not self.api.updates, "all updates confirmed")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            figures = await self.store.figures()
            if not figures["inbox_open"] and not figures["outbox_open"]:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"never settled: {figures}; {self.api.refusals}")

    # ---- what often happens ----

    async def reads(self, person: Person, part: str) -> Sent:
        """Wait for a message to that person that has this in it."""
        await self.until(lambda: any(part in text for text in person.texts), f"{part!r} to {person.id}")
        return next(m for m in reversed(person.received) if part in m.text)

    async def chooses(self, person: Person, language: str = "ar") -> None:
        """First contact: the language is chosen."""
        person.writes("/start")
        await self.until(lambda: person.received, "the language buttons")
        person.presses(f"language:{language}")
        await self.until(lambda: _has(person, "topic:waste"), "the menu")

    async def joins(self, member: Person, name: str = "Anna", wake: bool = True) -> None:
        """Somebody becomes a member by a code."""
        await self.store.add_member(name, "member", (), wake)
        code = await self.store.join_code(name, self.app.clock())
        member.writes(f"/join {code}")
        await self.reads(member, "Willkommen")

    async def hands_over(self, person: Person, language: str = "ar") -> int:
        """A person asks for a human and agrees; returns the topic of the case."""
        assert self.group is not None
        before = set(self.group.topics)
        await self.chooses(person, language)
        person.presses("human")
        await self.until(lambda: _has(person, "yes"), "the question for consent")
        person.presses("yes")
        await self.until(lambda: self.group and set(self.group.topics) - before, "the topic")
        (topic,) = set(self.group.topics) - before
        await self.settled()
        return topic


def _has(person: Person, choice: str) -> bool:
    return any(choice in m.choices.values() for m in person.received)


@contextlib.asynccontextmanager
async def running(lotse: Lotse) -> AsyncIterator[Lotse]:
    await lotse.start()
    try:
        yield lotse
    finally:
        await lotse.stop()
