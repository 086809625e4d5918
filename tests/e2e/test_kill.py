"""`kill -9` in the middle of many conversations on Telegram: nothing is lost, nothing is handled twice."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from bot_api import TOKEN, BotApi, Person
from stores import KEY, KINDS, fresh_url

from db.codec import Codec
from db.open import open_store
from flows.core.events import Address

PEOPLE = 25
WRITTEN = ("/start v1_de___", "Sperrmüll", "/language", "/privacy", "danke", "/delete")
IN_FLIGHT = 16  # what one crash can double
PATIENCE = 60.0


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    server = BotApi()
    await server.start()
    yield server
    await server.stop()


class Program:
    """`lotse run`, started and killed."""

    def __init__(self, folder: Path, url: str, api: BotApi) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.environment = {
            **os.environ,
            "LOTSE_DATA_DIR": str(folder),
            "LOTSE_DATABASE_URL": url,
            "LOTSE_SECRET_KEY": KEY.hex(),
            "LOTSE_PORT": "0",
            "LOTSE_TELEGRAM_TOKEN": TOKEN,
            "LOTSE_TELEGRAM_API_URL": api.url,
            "LOTSE_TELEGRAM_LIMITS": "off",
        }
        self.process: Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", env=self.environment, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return await self.process.wait()

    async def until(self, true: Callable[[], object], what: str) -> None:
        assert self.process is not None
        end = time.monotonic() + PATIENCE
        while not true():
            if self.process.returncode is not None or time.monotonic() > end:
                await self.kill_if_alive()
                raise AssertionError(f"never: {what}\n{self.log.read_text()[-2000:]}")
            await asyncio.sleep(0.01)

    async def kill_if_alive(self) -> None:
        if self.process is not None and self.process.returncode is None:
            await self.kill()


@pytest.mark.parametrize("kind", KINDS)
async def test_after_kills_in_the_middle_every_message_is_handled_once_and_answered(
    api: BotApi, kind: str, tmp_path: Path
) -> None:
    url = await fresh_url(kind, tmp_path)
    program = Program(tmp_path, url, api)
    people = [api.person() for _ in range(PEOPLE)]
    api.delay = 0.02
    for text in WRITTEN[:3]:
        for person in people:
            person.writes(text)
    try:
        for sent in (20, 60):  # while much is in flight
            await program.start()
            await program.until(lambda sent=sent: len(api.made("sendMessage")) >= sent, f"{sent} messages sent")
            await program.kill()
            if kind == "postgresql":
                await _leases_end(url)
        for text in WRITTEN[3:]:
            for person in people:
                person.writes(text)
        await program.start()
        control = api.person()  # whose conversation nothing interrupts
        for text in WRITTEN:
            control.writes(text)
        await program.until(lambda: control.texts and "alles löschen" in control.texts[-1], "the control is answered")
        expected = Counter(control.texts)
        await program.until(
            lambda: not api.updates and all(set(expected) <= set(p.texts) for p in people), "everybody is answered"
        )
        assert await program.stop() == 0, program.log.read_text()
    finally:
        await program.kill_if_alive()

    assert await _handled(url, people) == {len(WRITTEN)}
    extra = sum((Counter(person.texts) - expected).total() for person in people)
    assert extra <= 2 * IN_FLIGHT
    assert all(_in_order(person.texts, control.texts) for person in people)
    assert [refusal for refusal in api.refusals if refusal[0] != "getupdates"] == []
    assert {"", "de", "ar"} <= set(api.commands)
    log = program.log.read_text()
    assert TOKEN not in log
    assert "Traceback" not in log


async def _handled(url: str, people: list[Person]) -> set[int]:
    """How many events each person's conversation has handled."""
    store = open_store(url, Codec(KEY))
    await store.open()
    try:
        found = [await store.conversation(Address(channel="telegram", peer=str(p.id))) for p in people]
        return {conversation.version if conversation else 0 for conversation in found}
    finally:
        await store.close()


def _in_order(texts: list[str], expected: list[str]) -> bool:
    """Whether the first arrivals of the texts are in that order."""
    return list(dict.fromkeys(texts)) == list(dict.fromkeys(expected))


async def _leases_end(url: str) -> None:
    """The time passes for which a process keeps what it sends from the others."""
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.execute("UPDATE outbox SET leased_until = NULL")
    finally:
        await connection.close()
