"""What goes wrong outside: killed at any point, the database away, told to stop, a clock that jumps."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bot_api import BotApi
from database_away import away
from harness import Lotse, running
from program import Program
from stores import fresh_url, postgresql_server

from bot.catalogs import Catalogs
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


async def test_told_to_stop_it_finishes_what_is_in_flight_within_ten_seconds(api: BotApi, tmp_path: Path) -> None:
    url = await fresh_url("sqlite", tmp_path)
    program = Program(tmp_path, url, api)
    person = api.person()
    try:
        await program.start()
        await program.until(lambda: api.offsets, "it polls")
        api.delay = 1.0
        person.writes("/start")
        await program.until(lambda: api.made("sendMessage"), "the answer is on its way")
        began = time.monotonic()
        assert await program.stop() == 0
        assert time.monotonic() - began < 10.0
        await program.start()
        await program.until(lambda: program.log.read_text().count("is ready") == 2, "it is ready again")
        await program.until(lambda: not api.updates, "it polls again")
        assert await program.stop() == 0
    finally:
        await program.kill_if_alive()
    assert len(person.received) == 1


async def test_a_clock_that_jumps_changes_neither_order_nor_number(
    api: BotApi, catalogs: Catalogs, knowledge: Knowledge, tmp_path: Path
) -> None:
    url = await fresh_url("sqlite", tmp_path)
    person = api.person()
    async with running(Lotse(api=api, url=url, knowledge=knowledge, catalogs=catalogs)) as lotse:
        for n, jump in enumerate((0, -7200, 86400, -86400), 1):
            lotse.app.clock = lambda jump=jump: dt.datetime.now(dt.UTC) + dt.timedelta(seconds=jump)  # type: ignore[misc]
            person.writes("/start")
            await lotse.until(lambda n=n: len(person.received) == n, f"answer {n}")
        await lotse.settled()
    assert len(person.received) == 4
