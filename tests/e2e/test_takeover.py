"""Two processes on PostgreSQL: one polls, and when it is killed the other does, within ten seconds."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bot_api import BotApi
from program import Program
from stores import fresh_url

from db.codec import Codec
from db.open import open_store


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    server = BotApi()
    await server.start()
    yield server
    await server.stop()


async def test_when_the_process_that_polls_dies_another_takes_over_within_ten_seconds(
    api: BotApi, tmp_path: Path
) -> None:
    url = await fresh_url("postgresql", tmp_path)
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    one, two = (Program(folder, url, api) for folder in folders)
    person = api.person()
    try:
        await one.start()
        person.writes("/start v1_de___")
        await one.until(lambda: person.received, "the first answers")
        await two.start()
        await two.until(lambda: "is ready" in two.log.read_text(), "the second is ready")
        before = len(person.received)
        await one.kill()
        began = time.monotonic()
        person.writes("Sperrmüll")
        await two.until(lambda: len(person.received) > before, "the second answers")
        assert time.monotonic() - began < 10.0 + 5.0  # and what the test itself takes on a busy machine
        assert await two.stop() == 0, two.log.read_text()
    finally:
        await one.kill_if_alive()
        await two.kill_if_alive()
    assert "another program receives" not in one.log.read_text() + two.log.read_text()


async def test_only_one_leads_and_lets_go_when_it_is_told(tmp_path: Path) -> None:
    url = await fresh_url("postgresql", tmp_path)
    stores = [open_store(url, Codec(bytes(32))) for _ in range(2)]
    for store in stores:
        await store.open()
    first = await stores[0].lead()
    assert first is not None
    assert await stores[1].lead() is None
    await first.release()
    second = await stores[1].lead()
    assert second is not None
    await second.release()
    for store in stores:
        await store.close()
