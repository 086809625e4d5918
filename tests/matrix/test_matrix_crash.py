"""What a crash, a restart of the homeserver, or a throttled account do to messages on Matrix: nothing."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from homeserver import Homeserver
from matrix_lotse import Enter, MatrixLotse
from matrix_program import Program, all_answered, ask, meet
from stores import fresh_url

from bot.channels import matrix_intake

SOFA = "أين أرمي الكنبة القديمة"


@pytest.fixture
def program(server: Homeserver, tmp_path: Path) -> Iterator[Program]:
    server.register("killed")
    made = Program(server, tmp_path / "program", "killed")
    yield made
    made.stop()


async def test_a_killed_bot_loses_nothing_sends_nothing_twice_and_everything_can_be_read(
    program: Program, enter: Enter
) -> None:
    program.start()
    await program.ready()
    people = [await enter(f"k{n}") for n in range(5)]
    await asyncio.gather(*(meet(program, p) for p in people))
    before = [len(p.heard()) for p in people]
    asking = asyncio.create_task(ask(people, 8, 0.3))
    for kill in (1, 2):
        await asyncio.sleep(0.7)
        program.kill()
        program.start()
        await program.ready(kill + 1)
    await asking
    await all_answered(people, before, 8, 40)
    assert "xyzzy" not in program.log
    assert "@k1" not in program.log


async def test_what_was_written_while_the_bot_and_the_homeserver_were_away_is_answered_once(
    lotse: MatrixLotse, enter: Enter, fresh_server: Homeserver
) -> None:
    lotse.server = fresh_server
    fresh_server.register(lotse.user)
    await lotse.start()
    p = await enter("away", fresh_server)
    await lotse.meets(p)
    await lotse.settled()
    await lotse.stop()
    await p.client.crypto.crypto_store.remove_outbound_group_session(p.room)  # a new session meanwhile
    await p.writes(SOFA)
    fresh_server.stop(hard=True)
    starting = asyncio.create_task(lotse.start())  # the bot comes before the homeserver does
    await asyncio.sleep(0.5)
    await asyncio.to_thread(fresh_server.start)
    await starting
    p.syncs_again()
    await p.hears("النفايات الضخمة")
    heard = len(p.heard())
    # And away while there is something to say.
    await p.writes("xyzzy plugh")
    fresh_server.stop(hard=True)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(fresh_server.start)
    p.syncs_again()
    await p.until(lambda: len(p.heard()) > heard)
    await lotse.settled()
    assert len(p.heard()) == heard + 1
    assert p.locked == []


async def test_a_throttled_account_waits_as_long_as_it_is_told_and_says_everything(
    lotse: MatrixLotse, enter: Enter
) -> None:
    lotse.extra["matrix_choices"] = "numbers"
    await lotse.start()
    p = await enter("throttled")
    await lotse.meets(p)
    admin = await enter_admin(lotse.server)
    limit = {"messages_per_second": 1, "burst_count": 1}
    lotse.server.ask("POST", f"/_synapse/admin/v1/users/{lotse.id}/override_ratelimit", limit, admin)
    heard = len(p.heard())
    for n in range(3):
        await p.writes(f"xyzzy plugh {n}")
    await p.until(lambda: len(p.heard()) == heard + 3)
    await lotse.settled()
    assert p.locked == []


async def enter_admin(server: Homeserver) -> str:
    """The token of an admin of the homeserver."""
    with contextlib.suppress(KeyError):
        server.register("admin", admin=True)
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "admin"}, "password": "secret"}
    return str(server.ask("POST", "/_matrix/client/v3/login", login)["access_token"])


async def test_what_a_sync_leaves_out_after_a_long_absence_is_fetched_and_answered_in_order(
    lotse: MatrixLotse, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(matrix_intake.FILTER["room"]["timeline"], "limit", 3)
    lotse.extra["matrix_choices"] = "numbers"
    await lotse.start()
    p = await enter("absence")
    await lotse.meets(p)
    await lotse.settled()
    await lotse.stop()
    heard = len(p.heard())
    for n in range(9):
        await p.writes(f"xyzzy plugh {n}")
    await p.writes("3")  # of the list shown last
    await lotse.start()
    await p.until(lambda: len(p.heard()) >= heard + 10)
    await lotse.settled()
    await asyncio.sleep(0.3)
    assert len(p.heard()) == heard + 10


async def test_two_processes_on_one_database_are_two_devices_and_answer_each_message_once(
    lotse: MatrixLotse, enter: Enter, tmp_path: Path
) -> None:
    lotse.extra |= {"matrix_choices": "numbers", "database_url": await fresh_url("postgresql", tmp_path)}
    other = dataclasses.replace(lotse, folder=tmp_path / "other")
    await lotse.start()
    await other.start()
    try:
        p = await enter("two-processes")
        await lotse.meets(p)
        heard = len(p.heard())
        for n in range(3):
            await p.writes(f"xyzzy plugh {n}")
        await p.until(lambda: len(p.heard()) >= heard + 3)
        await lotse.settled()
        await asyncio.sleep(0.5)
        assert len(p.heard()) == heard + 3
        assert p.locked == []
    finally:
        await other.stop()
