"""What was promised is sent in order, settled once, and heard of when it fails."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from made import (
    NOW,
    ROOM,
    handle_all,
    handled,
    later,
    message,
    open_case,
    person,
    reply,
    staff_wrote,
    to_room,
)

from db.store import Settlement, Store
from flows.core.delivery import Delivery
from flows.core.events import Address, AgentWrote, DeliveryFailed, ReplyDelivered


async def promise(store: Store, *deliveries: Delivery, number: int = 1) -> None:
    """Deliveries as the result of one event of person 1."""
    await store.accept([message(number)])
    async with store.batch() as batch:
        (work,) = batch.work
        await batch.finish([handled(work, deliveries=deliveries)])


async def sent(store: Store, delivery: Delivery, *external: str, thread: str | None = None) -> None:
    await store.settle([Settlement(delivery=delivery.id, sent=True, external_ids=external, thread=thread)], NOW)


async def due(store: Store, now: dt.datetime = NOW) -> list[str]:
    """The ids of what is due; a lease of an earlier call has run out."""
    return [delivery.id for delivery in await store.due(now)]


async def test_a_delivery_is_handed_out_as_it_was_promised(store: Store) -> None:
    promised = reply(message(1), text="إلى مركز إعادة التدوير", answers="callback-1")
    await promise(store, promised)
    assert await store.due(NOW) == [promised]


async def test_a_promise_made_twice_is_made_once(store: Store) -> None:
    one = reply(message(1))
    await promise(store, one, one)
    await promise(store, one, number=2)
    await sent(store, one, "501")
    assert await due(store, later(hours=1)) == []


async def test_of_each_lane_only_the_oldest_is_due(store: Store) -> None:
    event = message(1)
    mine = [reply(event, n) for n in range(3)]
    other = reply(event, 7, peer="person-2")
    await promise(store, *mine, other)
    assert await due(store) == [mine[0].id, other.id]
    await sent(store, mine[0], "1")
    assert await due(store, later(minutes=5)) == [mine[1].id, other.id]


async def test_a_thread_made_before_its_message_failed_is_known(store: Store) -> None:
    await open_case(store)
    (brief,) = [d for d in await store.due(NOW) if d.role == "brief"]
    await store.settle([Settlement(delivery=brief.id, sent=False, thread="55", retry_at=later(minutes=1))], NOW)
    (again,) = [d for d in await store.due(later(hours=1)) if d.role == "brief"]
    assert again.thread == "55"


async def test_what_is_due_but_not_taken_is_due_at_once_again_and_the_same(store: Store) -> None:
    event = message(1)
    first, second = reply(event, 0), reply(event, 1, peer="person-2")
    await promise(store, first, second)
    assert await store.due(NOW, take=lambda delivery: delivery.id == second.id) == [second]
    assert await store.due(NOW, but=[second.id]) == [first]


async def test_receipts_beyond_those_that_need_not_wait_for_the_disk_are_stored_too(store: Store) -> None:
    event = message(1)
    replies = [reply(event, n, peer=f"person-{n}") for n in range(40)]
    await promise(store, *replies)
    for delivery in replies:
        await sent(store, delivery, "1")
    assert await due(store, later(hours=1)) == []


async def test_what_is_being_sent_is_left_out_with_what_waits_behind_it(store: Store) -> None:
    event = message(1)
    mine = [reply(event, n) for n in range(2)]
    other = reply(event, 7, peer="person-2")
    await promise(store, *mine, other)
    assert await store.due(NOW, limit=1, but=[mine[0].id]) == [other]


async def test_a_row_that_waits_holds_its_lane_back_and_no_other(store: Store) -> None:
    event = message(1)
    first, second, other = reply(event, 0), reply(event, 1), reply(event, 2, peer="person-2")
    await promise(store, first, second, other)
    await store.settle([Settlement(delivery=first.id, sent=False, retry_at=later(hours=1))], NOW)
    assert await due(store, later(minutes=30)) == [other.id]
    assert await store.next_due() == later(hours=1)
    (again, _) = await store.due(later(hours=2))
    assert (again.id, again.attempt) == (first.id, 1)


async def test_a_settlement_stored_twice_changes_nothing(store: Store) -> None:
    one, two = reply(message(1), 0, role="agent"), reply(message(1), 1)
    await promise(store, one, two)
    await sent(store, one, "1")
    await store.settle([Settlement(delivery=one.id, sent=False, reason="blocked")], NOW)
    await sent(store, one, "1")
    assert await due(store, later(hours=1)) == [two.id]
    assert [work.event.kind for work in await handle_all(store)] == ["delivered"]


async def test_a_members_words_come_back_as_delivered(store: Store) -> None:
    await promise(store, reply(message(1), 0, role="agent"))
    await sent(store, reply(message(1), 0), "501")
    (work,) = await handle_all(store)
    assert isinstance(work.event, ReplyDelivered)
    assert work.event.id == "delivered:telegram:7:1:0"
    assert work.event.source == person()
    assert work.conversation.address == person()


async def test_what_is_given_up_comes_back_as_failed(store: Store) -> None:
    event = message(1)
    one, two = reply(event, 0, role="agent"), reply(event, 1)
    await promise(store, one, two)
    await store.settle([Settlement(delivery=one.id, sent=False, reason="gave-up")], NOW)
    (work,) = await handle_all(store)
    assert isinstance(work.event, DeliveryFailed)
    assert (work.event.delivery, work.event.role, work.event.reason) == (one.id, "agent", "gave-up")
    assert await due(store) == [two.id]


@pytest.mark.parametrize("reason", ["blocked", "gone"])
async def test_a_person_who_cannot_be_reached_is_not_tried_again(store: Store, reason: str) -> None:
    event = message(1)
    mine, other = [reply(event, n) for n in range(3)], reply(event, 5, peer="person-2")
    await promise(store, *mine, other)
    await store.settle([Settlement(delivery=mine[0].id, sent=False, reason=reason)], NOW)  # type: ignore[arg-type]
    assert await due(store, later(hours=1)) == [other.id]
    assert len(await handle_all(store)) == 1


async def test_failure_to_reach_a_staff_room_is_heard_by_the_case(store: Store) -> None:
    case = await open_case(store)
    (brief,) = await store.due(NOW)
    await store.settle([Settlement(delivery=brief.id, sent=False, reason="gone")], NOW)
    (work,) = await handle_all(store)
    assert work.conversation.address == person()
    assert work.ticket is not None
    assert work.ticket.number == case
    assert [d.role for d in await store.due(NOW)] == ["copy"]


async def test_a_case_has_one_thread_which_later_deliveries_know(store: Store) -> None:
    await open_case(store)
    (brief,) = await store.due(NOW)
    assert brief.thread is None
    await sent(store, brief, "900", thread="55")
    (copy,) = await store.due(NOW)
    assert (copy.role, copy.thread) == ("copy", "55")


async def test_a_thread_that_is_gone_begins_again_with_the_brief(store: Store) -> None:
    await open_case(store)
    (brief,) = await store.due(NOW)
    await sent(store, brief, "900", thread="55")
    (copy,) = await store.due(NOW)
    await store.settle([Settlement(delivery=copy.id, sent=False, thread_gone=True, retry_at=NOW)], NOW)
    (first,) = await store.due(NOW)
    assert (first.id, first.thread) == (brief.id, None)
    await sent(store, first, "950", thread="77")
    (then,) = await store.due(NOW)
    assert (then.id, then.thread) == (copy.id, "77")
    await sent(store, then, "951")
    assert await store.due(later(hours=1)) == []


async def test_what_a_reply_in_the_room_points_at_decides_whether_it_quotes_the_person(store: Store) -> None:
    ada = await store.add_member("Ada", "member", (), wake=False)
    code = await store.join_code("Ada", NOW)
    await join(store, code, person("ada"))
    case = await open_case(store, 10)
    other = await open_case(store, 11, person(2))
    for brief, thread, external in zip(await store.due(NOW), ("55", "66"), ("900", "910"), strict=True):
        await sent(store, brief, external, thread=thread)
    for copy, external in zip(await store.due(NOW), ("901", "911"), strict=True):
        await sent(store, copy, external)
    author = person("ada").peer
    asked = {
        "900": "other",  # the brief
        "901": "person",  # our copy of what they wrote
        "911": "other",  # the copy in another case
        "424242": "other",  # nobody's
        None: None,
    }
    for n, points_at in enumerate(asked):
        wrote = staff_wrote(100 + n, thread="55", author=author, text="Ja", reply_to=points_at)
        await store.accept([wrote])
    seen = [work.event for work in await handle_all(store)]
    assert all(isinstance(event, AgentWrote) for event in seen)
    assert [event.quotes for event in seen] == list(asked.values())  # type: ignore[attr-defined]
    assert {(e.ticket, e.member, e.member_name) for e in seen} == {(case, ada.id, "Ada")}  # type: ignore[attr-defined]
    assert other != case


async def test_a_room_that_moved_takes_its_rows_threads_and_messages_along(store: Store) -> None:
    await open_case(store)
    (brief,) = await store.due(NOW)
    await sent(store, brief, "900", thread="55")
    (copy,) = await store.due(NOW)
    await store.settle([Settlement(delivery=copy.id, sent=False, moved_to="-100888", retry_at=NOW)], NOW)
    (again,) = await store.due(NOW)
    assert (again.id, again.peer, again.thread) == (copy.id, "-100888", "55")
    await sent(store, again, "901")
    await store.accept(
        [
            replace(
                staff_wrote(5, text="?", reply_to="901"),
                source=Address(channel="telegram", peer="-100888", thread="55"),
            )
        ]
    )
    (work,) = await handle_all(store)
    assert work.event.quotes == "person"  # type: ignore[attr-defined]
    assert work.conversation.address == person()
    # The room's settings still name the old id: its rows move each time, into the thread that is there.
    await promise(store, to_room(message(30), 1, 1), number=30)
    (old,) = await store.due(NOW)
    assert old.peer == ROOM.peer
    await store.settle([Settlement(delivery=old.id, sent=False, moved_to="-100888", retry_at=NOW)], NOW)
    (moved,) = await store.due(NOW)
    assert (moved.peer, moved.thread) == ("-100888", "55")


async def test_a_correction_names_what_the_vendor_calls_the_message(store: Store) -> None:
    first = reply(message(1), 0)
    await promise(store, first)
    await sent(store, first, "501", "502")
    await promise(store, reply(message(2), 0, edits=first.id), reply(message(2), 1, edits="777"), number=2)
    (correction,) = await store.due(NOW)
    assert correction.edits == "501"
    await sent(store, correction, "501")
    (unknown,) = await store.due(NOW)
    assert unknown.edits == "777"


async def join(store: Store, code: str, address: Address) -> None:
    await store.accept([message(9000, address, text=f"/join {code}")])
    async with store.batch() as batch:
        (work,) = batch.work
        await batch.finish([handled(work, joins=((code, False),))])
    await handle_all(store)
