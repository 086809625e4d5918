"""A whole Lotse on Matrix for tests: app, store and channel, as `lotse run` puts them together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from homeserver import NAME, Homeserver
from people import Person

from bot.app import App, make_store, utc_now
from bot.catalogs import Catalogs
from bot.channels.matrix import MatrixChannel
from bot.serve import _channels
from bot.settings import Settings
from flows.core.knowledge import Knowledge

Enter = Callable[..., Awaitable[Person]]
BOT = "lotse"
BOT_ID = f"@{BOT}:{NAME}"
KEY = "11" * 32


@dataclass
class MatrixLotse:
    """A running Lotse; `stop` and `start` again is a restart on the same data folder."""

    server: Homeserver
    folder: Path
    knowledge: Knowledge
    catalogs: Catalogs
    extra: dict[str, object] = field(default_factory=dict)  # settings
    user: str = BOT
    key_seconds: float = 1.0
    new_rooms_a_minute: int = 1000

    @property
    def id(self) -> str:
        return f"@{self.user}:{NAME}"

    @property
    def settings(self) -> Settings:
        return Settings(
            _env_file=None,  # type: ignore[call-arg]
            data_dir=self.folder,
            secret_key=KEY,
            matrix_homeserver=self.server.url,
            matrix_user=self.id,
            matrix_password="secret",
            **self.extra,  # type: ignore[arg-type]
        )

    async def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = make_store(self.settings)
        await self.store.open()
        channels, rooms = _channels(self.settings, self.store, self.knowledge, self.catalogs)
        self.channel = next(c for c in channels if isinstance(c, MatrixChannel))
        self.channel._key_seconds = self.key_seconds
        self.channel._rooms._limit = self.new_rooms_a_minute
        self.app = App(
            store=self.store, knowledge=self.knowledge, catalogs=self.catalogs, channels=channels, rooms=rooms
        )
        self._stop = asyncio.Event()
        self._running = asyncio.create_task(self.app.run(self._stop))

    async def stop(self) -> None:
        self._stop.set()
        await self._running
        await self.app.close()

    async def until(self, true: Callable[[], object], what: str, seconds: float = 20.0) -> None:
        """Wait until something is true."""
        end = time.monotonic() + seconds
        while not true():
            if self._running.done():
                await self._running
                raise AssertionError("Lotse has stopped")
            assert time.monotonic() < end, f"never: {what}"
            await asyncio.sleep(0.02)

    async def settled(self) -> None:
        """Wait until everything is handled and sent."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            figures = await self.store.figures()
            if not figures["inbox_open"] and not figures["outbox_open"]:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"never settled: {figures}")

    # ---- what often happens ----

    async def meets(self, person: Person, language: str = "ar", encrypted: bool = True) -> None:
        """A person opens a chat of two, is greeted, and chooses a language."""
        await person.open_chat(self.id, encrypted=encrypted)
        await person.joined(self.id)
        first = await person.until(lambda: next(iter(person.heard(self.id)), None))
        codes = [choice for choice, _ in first.content["lotse.choices"]]
        await person.writes(str(codes.index(f"language:{language}") + 1))
        await person.until(lambda: any(_offers(s.content, "topic:waste") for s in person.heard(self.id)))

    async def picks(self, person: Person, choice: str) -> None:
        """Answer the last list by the number of that choice."""
        shown = next(s for s in reversed(person.heard(self.id)) if _offers(s.content, choice))
        codes = [code for code, _ in shown.content["lotse.choices"]]
        await person.writes(str(codes.index(choice) + 1))

    async def joins(self, member: Person, name: str, wake: bool = False) -> None:
        """Somebody becomes a member by a code, in a chat of two."""
        await self.store.add_member(name, "member", (), wake)
        code = await self.store.join_code(name, utc_now())
        await member.open_chat(self.id)
        await member.joined(self.id)
        await member.writes(f"!join {code}")
        await member.hears("Willkommen")

    async def hands_over(self, person: Person) -> None:
        """A person asks for a human and agrees."""
        await self.picks(person, "human")
        await person.until(lambda: any(_offers(s.content, "yes") for s in person.heard(self.id)))
        await self.picks(person, "yes")


def _offers(content: dict[str, object], choice: str) -> bool:
    listed = content.get("lotse.choices")
    return isinstance(listed, list) and any(code == choice for code, _ in listed)
