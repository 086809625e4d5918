"""Cases as staff read them, what is counted, timers, and browsers."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from made import NOW, handle_all, handled, later, message, open_case, person, reply, says

from db.store import Entry, KeptQuestion, Settlement, Store, Tally, TicketChanged, TimerSet
from flows.core.events import Address, AgentWrote, PersonLeft, TimerFired

DESK = Address(channel="desk", peer="web")


async def change(store: Store, number: int, case: int, at: dt.datetime = NOW, **changed: object) -> None:
    """One desk event that moves a case on."""
    event = AgentWrote(id=f"desk:{number}", at=at, source=DESK, ticket=case, text="x", command="note")
    await store.accept([event])
    async with store.batch() as batch:
        (work,) = batch.work
        await batch.finish([handled(work, changed=TicketChanged(**changed))])  # type: ignore[arg-type]


async def test_a_case_is_read_with_its_lines_in_order(store: Store) -> None:
    case = await open_case(store)
    found = await store.case(case)
    assert found is not None
    ticket, views = found
    assert (ticket.number, ticket.state, ticket.language, ticket.topic) == (case, "open", "ar", "jobcenter")
    assert (ticket.origin, ticket.opened_at, ticket.urgent, ticket.member) == ("telegram", NOW, False, None)
    assert [(v.entry.role, v.entry.message.text, v.at) for v in views] == [
        ("brief", "the brief", NOW),
        ("copy", "the copy", NOW),
    ]
    assert await store.case(case + 1) is None


async def test_what_staff_write_in_a_closed_case_stays_in_it_when_the_person_has_another(store: Store) -> None:
    first = await open_case(store, 1)
    await change(store, 1, first, state="closed", outcome="answered")
    second = await open_case(store, 2)
    await store.accept([AgentWrote(id="desk:2", at=NOW, source=DESK, ticket=first, text="x", command="note")])
    async with store.batch() as batch:
        (work,) = batch.work
        mark = Entry(id="desk:2:0", role="mark", message=says("already closed"))
        await batch.finish([handled(work, entries=(mark,))])
    lines = {}
    for case in (first, second):
        found = await store.case(case)
        assert found is not None
        lines[case] = [view.entry.message.text for view in found[1]]
    assert lines == {first: ["the brief", "the copy", "already closed"], second: ["the brief", "the copy"]}


async def test_cases_stand_urgent_first_then_longest_waiting(store: Store) -> None:
    cases = [await open_case(store, n, person(n)) for n in range(1, 5)]
    ada = await store.add_member("Ada", "member", (), wake=False)
    await change(store, 1, cases[0], later(minutes=1), state="waiting-person", member=ada.id)
    await change(store, 2, cases[1], later(minutes=2), state="claimed", member=ada.id)
    await change(store, 3, cases[1], later(minutes=3), state="waiting-staff")
    await change(store, 4, cases[1], later(minutes=9), state="waiting-staff")
    await change(store, 5, cases[3], later(minutes=5), state="open", urgent=True)
    lines = await store.cases()
    assert [line.ticket.number for line in lines] == [cases[3], cases[2], cases[1], cases[0]]
    assert [line.waiting_since for line in lines] == [NOW, NOW, later(minutes=3), None]
    assert (lines[2].ticket.member, lines[2].ticket.member_name) == (ada.id, "Ada")


async def test_a_closed_case_moves_to_the_other_list(store: Store) -> None:
    case = await open_case(store)
    await change(store, 1, case, state="closed", outcome="referred")
    assert await store.cases() == []
    (line,) = await store.cases(closed=True)
    assert (line.ticket.number, line.ticket.outcome, line.waiting_since) == (case, "referred", None)


async def test_a_reply_shows_whether_it_has_arrived(store: Store) -> None:
    case = await open_case(store, in_room=False)
    for number, outcome in enumerate((True, False, None)):
        event = AgentWrote(id=f"desk:{number}", at=NOW, source=DESK, ticket=case, text="Ja", command="reply")
        await store.accept([event])
        async with store.batch() as batch:
            (work,) = batch.work
            words = reply(message(1), peer="person-1", role="agent", id=f"{event.id}:0")
            line = Entry(id=f"{event.id}:1", role="agent", message=says("Ja"))
            await batch.finish([handled(work, deliveries=(words,), entries=(line,))])
        if outcome is not None:
            await store.settle([Settlement(delivery=words.id, sent=outcome, external_ids=("1",))], NOW)
            await handle_all(store)
    found = await store.case(case)
    assert found is not None
    assert [view.delivered for view in found[1] if view.entry.role == "agent"] == [True, False, None]


async def test_the_desks_version_grows_with_every_change_of_a_case_and_with_nothing_else(store: Store) -> None:
    before = await store.desk_version()
    await store.accept([message(50, person(9))])
    await handle_all(store)
    assert await store.desk_version() == before
    case = await open_case(store)
    opened = await store.desk_version()
    assert opened > before
    await change(store, 1, case, state="claimed")
    assert await store.desk_version() > opened


async def test_counts_are_of_this_week(store: Store) -> None:
    now = dt.datetime.now(dt.UTC)
    old = replace(message(1), at=now - dt.timedelta(days=8))
    await store.accept([old, replace(message(2, person(2)), at=now)])
    await handle_all(
        store,
        tallies=(Tally(what="gap", language="ar", topic="waste"), Tally(what="gap", language="ar", topic="waste")),
    )
    assert await store.tallies() == {("gap", "ar", "waste"): 2}


async def test_a_timer_fires_once_when_its_time_has_come(store: Store) -> None:
    await store.accept([message(1)])
    timers = (TimerSet(name="remind", at=later(hours=1)), TimerSet(name="other", at=later(hours=2)))
    await handle_all(store, timers=timers)
    assert await store.next_due() == later(hours=1)
    assert await store.fire_timers(NOW) == 0
    assert await store.fire_timers(later(minutes=61)) == 1
    assert await store.fire_timers(later(minutes=61)) == 0
    (work,) = await handle_all(store, timers=(TimerSet(name="other", at=None),))
    assert isinstance(work.event, TimerFired)
    assert (work.event.name, work.event.source) == ("remind", person())
    assert await store.next_due() is None


async def test_a_timer_set_again_replaces_the_earlier(store: Store) -> None:
    await store.accept([message(1)])
    await handle_all(store, timers=(TimerSet(name="remind", at=later(hours=1)),))
    await store.accept([message(2)])
    await handle_all(store, timers=(TimerSet(name="remind", at=later(hours=5)),))
    assert await store.fire_timers(later(hours=2)) == 0
    assert await store.fire_timers(later(hours=6)) == 1


async def test_figures_tell_what_is_open_and_how_old(store: Store) -> None:
    ago = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10)
    await store.accept([replace(message(1), at=ago), message(2, person(2))])
    figures = await store.figures()
    assert (figures["inbox_open"], figures["outbox_open"], figures["failed"]) == (2, 0, 0)
    assert figures["outbox_oldest_seconds"] == 0
    assert figures["inbox_oldest_seconds"] >= 600
    await handle_all(store)
    assert (await store.figures())["inbox_open"] == 0


async def test_a_browsers_token_stands_for_one_peer_as_long_as_it_is_used(store: Store) -> None:
    peer = await store.web_session("token-1", NOW)
    assert await store.web_session("token-1", later(hours=23)) == peer
    assert await store.web_session("token-1", later(hours=46)) == peer
    assert await store.web_session("token-2", NOW) != peer
    assert await store.web_session("token-1", later(hours=46 + 25)) != peer


async def test_a_kept_browser_lives_longer(store: Store) -> None:
    peer = await store.web_session("token-1", NOW, keep=True)
    assert await store.web_session("token-1", later(days=20)) == peer
    assert await store.web_session("token-1", later(days=45)) == peer


async def test_a_browser_reads_its_messages_by_cursor_missing_and_repeating_nothing(store: Store) -> None:
    peer = await store.web_session("token-1", NOW)
    event = message(1, Address(channel="web", peer=peer))
    await store.accept([event])
    promised = tuple(reply(event, n, text=f"{n}") for n in range(3))
    await handle_all(store, deliveries=promised)
    for one in promised:
        await store.settle([Settlement(delivery=one.id, sent=True)], NOW)
    rows = await store.web_messages(peer, 0)
    assert [delivery.message.text for _, delivery in rows] == ["0", "1", "2"]
    assert [delivery.message.text for _, delivery in await store.web_messages(peer, rows[0][0])] == ["1", "2"]
    assert await store.web_messages(peer, rows[2][0]) == []
    assert await store.web_messages("somebody-else", 0) == []
    await store.purge(later(hours=25))
    assert await store.web_messages(peer, 0) == []


async def test_ending_a_browsers_session_forgets_its_conversation(store: Store) -> None:
    peer = await store.web_session("token-1", NOW)
    address = Address(channel="web", peer=peer)
    event = message(1, address)
    await store.accept([event])
    await handle_all(store, deliveries=(reply(event),))
    assert await store.conversation(address) is not None
    await store.end_web_session("token-1")
    assert await store.conversation(address) is None
    assert await store.web_messages(peer, 0) == []
    assert await store.web_session("token-1", NOW) != peer


async def test_staff_hear_when_a_browser_with_a_case_leaves(store: Store) -> None:
    peer = await store.web_session("token-1", NOW)
    address = Address(channel="web", peer=peer)
    case = await open_case(store, 1, address, in_room=False)
    await store.end_web_session("token-1")
    async with store.batch() as batch:
        (work,) = batch.work
        assert isinstance(work.event, PersonLeft)
        assert work.ticket is not None
        assert work.ticket.number == case
        closed = replace(work.conversation, mode="bot", ticket=None)
        await batch.finish(
            [handled(work, conversation=closed, changed=TicketChanged(state="closed", outcome="unreachable"))]
        )
    assert [line.ticket.number for line in await store.cases(closed=True)] == [case]
    await store.purge(later(minutes=1))
    assert await store.conversation(address) is None
    assert await store.cases(closed=True) == []


async def test_a_question_is_kept_once_without_anything_of_who_asked(store: Store) -> None:
    await store.accept([message(1)])
    kept = KeptQuestion(language="ar", topic="waste", district="04", text="أين أرمي هذا؟")
    await handle_all(store, questions=(kept,))
    found = await store.questions()
    assert [(q.language, q.topic, q.district, q.text) for q in found] == [("ar", "waste", "04", "أين أرمي هذا؟")]
    assert found[0].week.startswith("20")
    await store.purge(later(days=181))
    assert await store.questions() == []
