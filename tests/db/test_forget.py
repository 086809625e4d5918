"""Forgetting: nothing about the person stays, in any table, sealed or not."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from made import NOW, ROOM, handle_all, handled, later, message, open_case, person, reply, staff_wrote, to_room

from db.store import Settlement, Store, TicketChanged, TimerSet
from flows.core.events import Address, DeskEvent, TicketClosed

# Says nothing about anybody: how far a channel has read, which numbers were given, when a case changed.
IMPERSONAL = {"alembic_version", "cursors", "counters", "ticket_numbers", "tallies", "questions"}


async def everything(url: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.row_factory = sqlite3.Row
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in names}
        connection.close()
        return {name: rows for name, rows in found.items() if not name.startswith("sqlite_")}
    import asyncpg

    connected = await asyncpg.connect(url)
    names = [r[0] for r in await connected.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    tables = {name: [dict(row) for row in await connected.fetch(f"SELECT * FROM {name}")] for name in names}
    await connected.close()
    return tables


def sealed(rows: Iterable[dict[str, Any]]) -> list[bytes]:
    return [value for row in rows for value in row.values() if isinstance(value, bytes)]


async def delete(store: Store, number: int, *, deliveries: bool = True) -> None:
    """The person's last word: what the worker stores for Forget."""
    await store.accept([message(number, text="ja, löschen")])
    async with store.batch() as batch:
        work = next(work for work in batch.work if work.event.id == f"telegram:7:{number}")
        receipt = reply(work.event, 0, "Alles gelöscht.")
        result = handled(work, forget=True, deliveries=(receipt,) if deliveries else ())
        if work.ticket is not None:
            result = replace(result, changed=TicketChanged(state="closed", outcome="no-reply"))
        await batch.finish([result])


async def lived(store: Store) -> int:
    """A conversation that has left traces in every table it can; returns its case."""
    await store.accept([message(1, text="Geheimnis eins")])
    await handle_all(store, timers=(TimerSet(name="remind", at=later(hours=5)),))
    case = await open_case(store, 2)
    (brief,) = await store.due(NOW)
    await store.settle([Settlement(delivery=brief.id, sent=True, external_ids=("900",), thread="55")], NOW)
    await store.accept([message(3, text="Geheimnis zwei")])
    async with store.batch() as batch:
        (work,) = batch.work
        unsent = (reply(work.event, 0, "Geheimnis drei"), to_room(work.event, 1, case, text="Geheimnis vier"))
        await batch.finish([handled(work, deliveries=unsent)])
    await store.accept([message(4, text="Geheimnis fünf")])
    async with store.batch() as batch:
        (work,) = batch.work
        await batch.finish([replace(handled(work), failed="KeyError")])
    return case


async def test_after_forgetting_no_row_of_the_person_is_left(store: Store, url: str) -> None:
    await lived(store)
    await delete(store, 5)
    due = await store.due(NOW)
    assert {(d.role, d.message.text, d.thread) for d in due} == {
        ("reply", "Alles gelöscht.", None),
        ("erase", "", "55"),
    }
    await store.settle([Settlement(delivery=d.id, sent=True, external_ids=("1",)) for d in due], NOW)
    left = await everything(url)
    assert {name for name, rows in left.items() if rows} - IMPERSONAL == {"inbox", "tickets"}
    assert all(row["state"] == "done" and row["conversation"] == "" for row in left["inbox"])
    assert [(t["state"], t["conversation"], t["topic"], t["member"]) for t in left["tickets"]] == [
        ("purged", None, None, None)
    ]
    assert [sealed(rows) for rows in left.values() if sealed(rows)] == []


async def test_a_forgotten_case_is_in_no_list(store: Store) -> None:
    case = await lived(store)
    await delete(store, 5)
    assert await store.cases() == []
    assert await store.cases(closed=True) == []
    assert await store.case(case) is None
    assert await store.conversation(person()) is None


async def test_forgetting_one_leaves_the_others_alone(store: Store) -> None:
    other = await open_case(store, 50, person(2), in_room=False)
    await lived(store)
    await delete(store, 5)
    assert [line.ticket.number for line in await store.cases()] == [other]
    assert await store.conversation(person(2)) is not None


async def test_duplicates_of_a_forgotten_person_stay_known(store: Store) -> None:
    await lived(store)
    await delete(store, 5)
    assert await store.accept([message(n) for n in (1, 2, 3, 4, 5)]) == 0
    assert await handle_all(store) == []


async def test_what_they_write_after_deleting_is_answered_as_from_a_stranger(store: Store) -> None:
    await lived(store)
    await store.accept([message(5, text="ja, löschen"), message(6, text="Hallo?")])
    async with store.batch() as batch:
        (work,) = batch.work
        await batch.finish([handled(work, forget=True)])
    (work,) = await handle_all(store)
    assert work.event.id == "telegram:7:6"
    assert work.conversation.version == 0
    assert work.conversation.ticket is None
    assert work.ticket is None


async def test_what_staff_and_machinery_had_waiting_for_them_is_dropped(store: Store) -> None:
    case = await lived(store)
    (mine, *_) = [d for d in await store.due(NOW) if d.role == "reply"]
    await store.accept([message(5, text="ja, löschen")])
    await store.accept(
        [
            TicketClosed(id="desk:1", at=NOW, source=Address(channel="desk", peer="web"), ticket=case),
            staff_wrote(80, thread="55", text="Hallo"),
        ]
    )
    async with store.batch() as batch:
        (work,) = batch.work
        assert not isinstance(work.event, DeskEvent)
        await batch.finish([handled(work, forget=True)])
    await store.settle([Settlement(delivery=mine.id, sent=False, reason="blocked")], NOW)
    assert await store.fire_timers(later(days=2)) == 0
    assert await handle_all(store) == []
    # A late word in the room finds no case any more.
    await store.accept([staff_wrote(81, thread="55", text="Hallo", reply_to="900")])
    (late,) = await handle_all(store)
    assert late.event.ticket is None  # type: ignore[attr-defined]
    assert late.conversation.address.peer == ROOM.peer


async def test_the_last_word_to_a_browser_stays_readable_for_minutes(store: Store) -> None:
    peer = await store.web_session("token", NOW)
    event = message(1, Address(channel="web", peer=peer))
    await store.accept([event])
    await handle_all(store, forget=True, deliveries=(reply(event, text="Gelöscht."),))
    (farewell,) = await store.due(NOW)
    await store.settle([Settlement(delivery=farewell.id, sent=True)], NOW)
    assert [d.message.text for _, d in await store.web_messages(peer, 0)] == ["Gelöscht."]
    await store.purge(later(minutes=11))
    assert await store.web_messages(peer, 0) == []


async def test_idle_conversations_and_closed_cases_go_by_themselves(store: Store, url: str) -> None:
    await lived(store)
    await store.purge(later(days=100))
    assert len(await store.cases()) == 1  # an open case keeps its conversation
    await store.accept([TicketClosed(id="desk:1", at=NOW, source=Address(channel="desk", peer="web"), ticket=1)])
    await handle_all(store, changed=TicketChanged(state="closed", outcome="answered"))
    for delivery in [*await store.due(later(days=1)), *await store.due(later(days=2))]:
        await store.settle([Settlement(delivery=delivery.id, sent=True)], NOW)
    assert await store.purge(later(days=200)) > 0
    (withdrawal,) = await store.due(later(days=200))
    assert (withdrawal.role, withdrawal.peer, withdrawal.thread) == ("erase", "-100777", "55")
    await store.settle([Settlement(delivery=withdrawal.id, sent=True)], later(days=200))
    left = await everything(url)
    assert {name for name, rows in left.items() if rows} - IMPERSONAL == {"tickets"}
    assert await store.purge(later(days=200)) == 0


async def test_no_plain_text_and_no_address_is_in_any_row(store: Store, url: str) -> None:
    await store.add_member("Ada Lovelace", "member", (), wake=True)
    code = await store.join_code("Ada Lovelace", NOW)
    await store.accept([message(70, person("ada"))])
    async with store.batch() as batch:
        await batch.finish([handled(batch.work[0], joins=((code, False),))])
    await handle_all(store)
    await store.web_session("browser-token", NOW)
    await lived(store)
    secrets = ["Geheimnis", "person-1", "person-ada", "-100777", "Lovelace", code, "browser-token", "the brief"]
    for name, rows in (await everything(url)).items():
        stored = repr(rows)
        assert [secret for secret in secrets if secret in stored] == [], name


async def test_forgetting_while_another_event_of_theirs_is_accepted_loses_nothing(store: Store) -> None:
    for n in range(10):
        await store.accept([message(1000 + n)])
        async with store.batch() as batch:
            (work,) = batch.work
            await asyncio.gather(
                batch.finish([handled(work, forget=True)]),
                store.accept([message(2000 + n, text="danach")]),
            )
        assert [work.event.id for work in await handle_all(store)] == [f"telegram:7:{2000 + n}"]
