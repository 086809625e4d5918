"""Several processes on PostgreSQL: each works, one leads, and when it is killed another does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bot_api import BotApi
from program import IN_FLIGHT, Program, handled
from stores import fresh_url
from three import Several

from db.codec import Codec
from db.open import open_store


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    server = BotApi()
    await server.start()
    yield server
    await server.stop()


async def test_when_the_process_that_polls_dies_another_takes_over(api: BotApi, tmp_path: Path) -> None:
    """How soon says `how_long.py`."""
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
        await two.ready()
        await one.until(lambda: not api.updates, "all is confirmed")
        before, asked = len(person.received), len(api.offsets)
        await one.kill()
        person.writes("Sperrmüll")
        await two.until(lambda: len(person.received) > before, "the second answers")
        assert len(api.offsets) > asked
        assert await two.stop() == 0, two.said
    finally:
        await one.kill_if_alive()
        await two.kill_if_alive()
    assert "another program receives" not in one.said + two.said


async def test_three_processes_behind_one_address_share_the_work_and_one_of_them_leads_also_after_a_kill(
    api: BotApi, tmp_path: Path
) -> None:
    url = await fresh_url("postgresql", tmp_path)
    three = Several(3, tmp_path, url, api)
    people = [api.person("de") for _ in range(6)]
    await three.start()
    try:
        first = await three.leader()
        anyone = three.programs[next(port for port in three.programs if port != first)]
        for person in people:
            person.writes("/start v1_de___")
        await anyone.until(lambda: all(p.received for p in people), "everybody is greeted")
        for text in ("/privacy", "/language"):
            for person in people:
                person.writes(text)
        await anyone.until(lambda: not api.updates, "all is confirmed")
        await anyone.until(lambda: all(len(p.received) >= 4 for p in people), "everybody is answered")
        sent = [await three.figure(port, "lotse_sent_total") for port in three.programs]
        assert all(three.proxy.taken.values())
        assert sum(count > 0 for count in sent) >= 2, sent

        for person in people:
            person.writes("/privacy")
        await three.programs[first].kill()
        second = await three.leader(but=first)
        for person in people:
            person.writes("/language")
        await three.programs[second].until(lambda: not api.updates, "all is confirmed")
        await three.programs[second].until(lambda: all(len(p.received) >= 6 for p in people), "everybody is answered")
        assert await three.leaders() == [second]
        assert await three.stop() == [0, 0]
    finally:
        await three.kill_all()
    assert await handled(url, people) == [5] * len(people)
    greeting, menu, privacy, language = people[0].texts[:4]
    for person in people:
        once = [text for n, text in enumerate(person.texts) if n == 0 or text != person.texts[n - 1]]
        assert once == [greeting, menu, privacy, language, privacy, language]
    assert sum(len(p.received) for p in people) - 6 * len(people) <= IN_FLIGHT


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
