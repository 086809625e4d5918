"""What goes wrong outside: killed at any point, the database away, told to stop, a clock that jumps."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bot_api import BotApi
from bot_api_text import ApiError
from database_away import away, database
from harness import Lotse, running
from program import PATIENCE, Program, handled
from stores import KINDS, fresh_url, postgresql_server

from bot.catalogs import Catalogs
from bot.channels import telegram_http
from flows.core.knowledge import Knowledge
from tests.flows.small import made


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    server = BotApi()
    await server.start()
    yield server
    await server.stop()


@pytest.mark.parametrize(("kind", "scene", "every"), [("sqlite", "case", "47"), ("postgresql", "first", "89")])
async def test_killed_at_any_await_between_intake_and_receipt_nothing_is_lost_and_nothing_handled_twice(
    kind: str, scene: str, every: str
) -> None:
    """A spread of the points; `kill_at_awaits.py` without `--every` takes all."""
    if kind == "postgresql":
        postgresql_server()  # or skip
    script = Path(__file__).with_name("kill_at_awaits.py")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(script), kind, scene, "--every", every],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kills = [int(n) for n in re.findall(r"(\d+) kills; lost, handled twice or in a wrong state: 0;", done.stdout)]
    assert kills
    assert kills[0] >= 7, "a spread of the awaits"


@pytest.mark.parametrize("how", ["stopped", "silent", "locked"])
async def test_while_the_database_is_away_the_program_lives_and_afterwards_all_is_answered_once_and_in_order(
    how: str, tmp_path: Path
) -> None:
    """For a moment; `database_away.py` does it for half a minute."""
    if how != "locked":
        postgresql_server()  # or skip
    told = await away(how, 3.0, tmp_path)
    assert (told.lost, told.doubled, told.out_of_order, told.handled_wrongly) == (0, 0, 0, 0), told
    if how == "locked":  # it can still be read
        assert told.ready
    else:
        assert told.not_ready


async def test_while_the_database_is_away_nothing_is_confirmed(api: BotApi, catalogs: Catalogs, tmp_path: Path) -> None:
    import asyncpg

    url = await fresh_url("postgresql", tmp_path)
    name = url.split("?")[0].rsplit("/", 1)[1]
    admin = await asyncpg.connect(postgresql_server())
    person = api.person()
    async with running(Lotse(api=api, url=url, knowledge=made(), catalogs=catalogs)) as lotse:
        person.writes("/start")
        await lotse.until(lambda: person.received, "the first answer")
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        person.writes("/start")
        await asyncio.sleep(2.0)
        assert len(api.updates) == 1
        assert len(person.received) == 1
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await lotse.until(lambda: len(person.received) == 2, "the second answer")
        await lotse.settled()
    await admin.close()
    assert len(person.received) == 2


async def test_told_to_stop_it_finishes_what_is_being_sent(api: BotApi, tmp_path: Path) -> None:
    url = await fresh_url("sqlite", tmp_path)
    program = Program(tmp_path, url, api)
    person = api.person()
    api.fails("sendMessage", "hang")
    person.writes("/start")
    try:
        await program.start()
        await program.until(lambda: api.made("sendMessage"), "the answer is on its way")
        stopping = asyncio.create_task(program.stop())
        await asyncio.sleep(0.5)
        assert program.lives
        assert not person.received
        api.goes_on.set()
        assert await asyncio.wait_for(stopping, PATIENCE) == 0
        assert len(person.received) == 1
        await program.start()
        await program.ready()
        await program.until(lambda: not api.updates, "it polls again")
        assert await program.stop() == 0
    finally:
        await program.kill_if_alive()
    assert len(person.received) == 1


async def test_told_to_stop_it_does_not_wait_for_ever_and_what_was_not_sent_is_sent_after_the_start(
    api: BotApi, tmp_path: Path
) -> None:
    url = await fresh_url("sqlite", tmp_path)
    program = Program(tmp_path, url, api)
    person = api.person()
    api.fails("sendMessage", "hang")
    person.writes("/start")
    try:
        await program.start()
        await program.until(lambda: api.made("sendMessage"), "the answer is on its way")
        assert await asyncio.wait_for(program.stop(), PATIENCE) == 0
        assert not person.received
        await program.start()
        await program.until(lambda: person.received, "the answer")
        assert await program.stop() == 0
    finally:
        await program.kill_if_alive()


async def test_told_to_stop_while_the_database_is_silent_it_ends(api: BotApi, tmp_path: Path) -> None:
    postgresql_server()  # or skip
    person = api.person()
    async with database("silent", tmp_path) as (url, silent):
        program = Program(tmp_path, url, api)
        try:
            await program.start()
            await program.ready()
            person.writes("/start")
            await program.until(lambda: person.received, "it answers")
            async with silent():
                person.writes("/start")
                await asyncio.sleep(1.0)
                assert await asyncio.wait_for(program.stop(), PATIENCE) == 0
        finally:
            await program.kill_if_alive()


GARBAGE: dict[str, object] = {
    "429": ApiError(429, "Too Many Requests: retry after 1", retry_after=1),
    "500": ApiError(500, "Internal Server Error"),
    "502 as a page": 502,
    "a page": 200,
    "half an answer": b'{"ok": true, "resu',
    "another answer": b'{"ok": true, "result": "yes"}',
    "an answer without a result": b'{"ok": true}',
    "a list": b"[]",
    "no answer": "drop",
    "no answer for long": "hang",
}


async def test_whatever_telegram_answers_nothing_is_lost_and_nothing_is_handled_twice(
    api: BotApi, catalogs: Catalogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram_http, "READ_SECONDS", 0.5)
    url = await fresh_url("sqlite", tmp_path)
    people = {name: api.person() for name in GARBAGE}
    for name, answer in GARBAGE.items():
        api.fails("sendMessage", answer, chat=people[name].id)
    async with running(Lotse(api=api, url=url, knowledge=made(), catalogs=catalogs)) as lotse:
        for answer in (GARBAGE["429"], GARBAGE["half an answer"], GARBAGE["another answer"], "drop"):
            api.fails("getUpdates", answer)
        for person in people.values():
            person.writes("/start")
        await lotse.until(lambda: all(person.received for person in people.values()), "everybody is answered")
        await lotse.settled()
    assert set(await handled(url, list(people.values()))) == {1}
    for name, person in people.items():
        assert len(person.received) == 1, name


async def test_on_a_full_disk_nothing_is_confirmed_and_when_there_is_room_again_all_is_answered_once(
    api: BotApi, tmp_path: Path
) -> None:
    url = await fresh_url("sqlite", tmp_path)
    program = Program(tmp_path, url, api)
    person = api.person()
    try:
        await program.start()
        person.writes("/start")
        await program.until(lambda: person.received and not api.updates, "the first answer")
        assert program.process is not None
        nothing, most = 0, resource.RLIM_INFINITY
        resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, (nothing, most))  # no file can be written to
        person.writes("/start")
        await asyncio.sleep(2.0)
        assert program.lives
        assert len(api.updates) == 1
        assert len(person.received) == 1
        resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, (most, most))
        await program.until(lambda: len(person.received) == 2, "the second answer")
        await program.until(lambda: not api.updates, "all is confirmed")
        assert await program.stop() == 0
    finally:
        await program.kill_if_alive()
    assert len(person.received) == 2
    assert await handled(url, [person]) == [2]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_clock_that_jumps_changes_neither_order_nor_number(
    kind: str, api: BotApi, catalogs: Catalogs, knowledge: Knowledge, tmp_path: Path
) -> None:
    url = await fresh_url(kind, tmp_path)
    person = api.person()
    says = ("/start v1_de___", "/privacy", "/language", "/privacy", "/language")
    async with running(Lotse(api=api, url=url, knowledge=knowledge, catalogs=catalogs)) as lotse:
        for text, jump in zip(says, (0, -7200, 86400, -86400, 0), strict=True):
            lotse.app.clock = lotse.channel._clock = lambda jump=jump: (
                dt.datetime.now(dt.UTC)
                + dt.timedelta(  # type: ignore[misc]
                    seconds=jump
                )
            )
            before = len(person.received)
            person.writes(text)
            await lotse.until(lambda before=before: len(person.received) > before, f"an answer to {text}")
            await lotse.settled()
    assert await handled(url, [person]) == [len(says)]
    *_, privacy, language, again, other = person.texts
    assert (privacy, language) == (again, other)
    assert privacy != language
    assert len(person.received) == 2 + 4
