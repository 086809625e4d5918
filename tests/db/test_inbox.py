"""Accepting and taking events: nothing lost, nothing twice, in order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made import NOW, handle_all, handled, later, message, open_case, person, reply, staff_wrote

from db.store import Cursor, Store
from flows.core.events import Address, TicketClosed


async def test_an_accepted_event_is_handed_out_as_it_was(store: Store) -> None:
    event = message(1, text="أين أرمي الأريكة؟")
    assert await store.accept([event]) == 1
    async with store.batch() as batch:
        (work,) = batch.work
    assert work.event == event
    assert work.conversation.address == event.source
    assert work.conversation.version == 0
    assert work.ticket is None


async def test_a_duplicate_changes_nothing(store: Store) -> None:
    event = message(1)
    assert await store.accept([event, event]) == 1
    assert await store.accept([event]) == 0
    assert [work.event for work in await handle_all(store)] == [event]


async def test_a_duplicate_is_known_weeks_after_it_was_handled_and_out_of_order(store: Store) -> None:
    await store.accept([message(1), message(2)])
    await handle_all(store)
    await store.purge(later(days=60))
    assert await store.accept([message(2, text="late"), message(1, text="late")]) == 0
    assert await handle_all(store) == []


async def test_the_cursor_comes_with_its_events(store: Store) -> None:
    assert await store.cursor("telegram:7") is None
    await store.accept([message(1)], Cursor(name="telegram:7", value="2"))
    assert await store.cursor("telegram:7") == "2"
    await store.accept([], Cursor(name="telegram:7", value="9"))
    assert await store.cursor("telegram:7") == "9"


async def test_one_conversations_events_come_one_at_a_time_in_order(store: Store) -> None:
    await store.accept([message(3), message(1), message(2)])
    seen = []
    for _ in range(3):
        async with store.batch() as batch:
            (work,) = batch.work
            seen.append(work.event.id)
            await batch.finish([handled(work)])
    assert seen == ["telegram:7:3", "telegram:7:1", "telegram:7:2"]


async def test_a_batch_holds_one_event_of_each_conversation_the_oldest_first(store: Store) -> None:
    await store.accept([message(n, person(n % 3)) for n in range(1, 10)])
    async with store.batch() as batch:
        assert [work.event.id for work in batch.work] == ["telegram:7:1", "telegram:7:2", "telegram:7:3"]
    async with store.batch(limit=2) as batch:
        assert len(batch.work) == 2


async def test_a_conversation_in_hand_is_not_handed_out_again_but_others_are(store: Store) -> None:
    await store.accept([message(1, person(1)), message(2, person(1))])
    async with store.batch() as first:
        assert len(first.work) == 1
        await store.accept([message(3, person(2))])
        async with store.batch() as second:
            assert [work.event.id for work in second.work] == ["telegram:7:3"]
            await second.finish([handled(work) for work in second.work])
        await first.finish([handled(work) for work in first.work])
    assert [work.event.id for work in await handle_all(store)] == ["telegram:7:2"]


async def test_leaving_without_finish_means_that_nothing_happened(store: Store) -> None:
    await store.accept([message(1)])
    async with store.batch() as batch:
        assert len(batch.work) == 1
    with pytest.raises(ZeroDivisionError):
        async with store.batch() as batch:
            raise ZeroDivisionError
    async with store.batch() as batch:
        assert [work.event.id for work in batch.work] == ["telegram:7:1"]


async def test_events_and_states_survive_closing(store: Store, url: str) -> None:
    from stores import KEY

    from db.codec import Codec
    from db.open import open_store

    await store.accept([message(1), message(2)])
    async with store.batch() as batch:
        (work,) = batch.work
        spoken = replace(work.conversation, language="ar", answers={"waste.item": "sofa"})
        await batch.finish([handled(work, conversation=spoken)])
    await store.close()
    again = open_store(url, Codec(KEY))
    await again.open()
    try:
        async with again.batch() as batch:
            (work,) = batch.work
            assert work.event.id == "telegram:7:2"
            assert work.conversation == replace(spoken, version=1)
        assert await again.conversation(person()) == replace(spoken, version=1)
    finally:
        await again.close()
    await store.open()


async def test_a_result_that_cannot_be_stored_leaves_the_whole_batch_undone(store: Store) -> None:
    await store.accept([message(1, person(1)), message(2, person(2))])
    with pytest.raises(KeyError):  # noqa: PT012 - the batch is left by it
        async with store.batch() as batch:
            first, _ = batch.work
            stranger = replace(first, event=message(99))
            await batch.finish([handled(first, deliveries=(reply(first.event),)), handled(stranger)])
    assert await store.due(NOW) == []
    assert len(await handle_all(store)) == 2


async def test_a_failed_step_takes_only_its_own_event_out(store: Store) -> None:
    await store.accept([message(1), message(2)])
    async with store.batch() as batch:
        (work,) = batch.work
        sorry = reply(work.event, text="Das hat nicht geklappt.")
        await batch.finish([replace(handled(work), failed="KeyError", deliveries=(sorry,))])
    assert await store.conversation(person()) is None
    assert [d.message.text for d in await store.due(NOW)] == ["Das hat nicht geklappt."]
    assert (await store.figures())["failed"] == 1
    assert [work.event.id for work in await handle_all(store)] == ["telegram:7:2"]
    assert await store.accept([message(1)]) == 0


async def test_events_say_whether_anybody_is_on_staff(store: Store) -> None:
    await store.accept([message(1)])
    async with store.batch() as batch:
        assert batch.work[0].event.staffed is False
    await store.add_member("Ada", "member", ("de",), wake=False)
    async with store.batch() as batch:
        assert batch.work[0].event.staffed is True


async def test_a_members_event_belongs_to_the_conversation_of_its_case(store: Store) -> None:
    ada = await store.add_member("Ada", "member", (), wake=False)
    case = await open_case(store)
    desk = Address(channel="desk", peer="web")
    await store.accept([TicketClosed(id="desk:1", at=NOW, source=desk, ticket=case, member=ada.id)])
    async with store.batch() as batch:
        (work,) = batch.work
    assert isinstance(work.event, TicketClosed)
    assert work.event.member_name == "Ada"
    assert work.conversation.address == person()
    assert work.conversation.mode == "desk"
    assert work.ticket is not None
    assert work.ticket.number == case


async def test_an_event_of_an_unknown_case_or_member_says_so(store: Store) -> None:
    desk = Address(channel="desk", peer="web")
    await store.accept(
        [
            TicketClosed(id="desk:1", at=NOW, source=desk, ticket=4711, member=12),
            staff_wrote(1, thread="55", author="person-9", text="hm"),
        ]
    )
    async with store.batch() as batch:
        for work in batch.work:
            assert work.event.ticket is None  # type: ignore[attr-defined]
            assert work.event.member is None  # type: ignore[attr-defined]
            assert work.conversation.ticket is None
        assert len(batch.work) == 2


async def test_the_same_effect_always_gets_the_same_case_number(store: Store) -> None:
    await store.accept([message(1)])
    async with store.batch() as batch:
        first = await batch.number(["telegram:7:1:0", "telegram:7:2:0"])
        assert await batch.number(["telegram:7:1:0"]) == {"telegram:7:1:0": first["telegram:7:1:0"]}
        assert len(set(first.values())) == 2
