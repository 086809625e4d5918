"""`kill -9` in the middle of many conversations on Telegram: nothing is lost, nothing is handled twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bot_api import TOKEN, BotApi
from program import IN_FLIGHT, Program, handled, in_order
from stores import KINDS, fresh_url

PEOPLE = 25
WRITTEN = ("/start v1_de___", "Sperrmüll", "/language", "/privacy", "danke", "/delete")


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    server = BotApi()
    await server.start()
    yield server
    await server.stop()


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
        assert await program.stop() == 0, program.said
    finally:
        await program.kill_if_alive()

    assert set(await handled(url, people)) == {len(WRITTEN)}
    extra = sum((Counter(person.texts) - expected).total() for person in people)
    assert extra <= 2 * IN_FLIGHT
    assert all(in_order(person.texts, control.texts) for person in people)
    assert [refusal for refusal in api.refusals if refusal[0] != "getupdates"] == []
    assert {"", "de", "ar"} <= set(api.commands)
    log = program.said
    assert TOKEN not in log
    assert "Traceback" not in log
