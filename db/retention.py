"""What goes, and when: how long each thing is kept, forgetting somebody, and removing what has expired."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Collection

from sqlalchemy import Text, bindparam, delete, exists, literal_column, null, or_, select, update

from db.sql import Statement, Tx, among, micros
from db.tables import (
    CLOSED,
    OPEN,
    PURGED,
    conversations,
    desk_sessions,
    entries,
    inbox,
    join_codes,
    links,
    outbox,
    questions,
    sent_messages,
    threads,
    ticket_steps,
    tickets,
    timers,
    web_sessions,
)

Withdraw = Callable[[Tx, list[int]], Awaitable[None]]
"""Takes cases out of the staff rooms before they are forgotten."""

CONVERSATION = dt.timedelta(days=90)  # after the last event, when no case is open
CASE = dt.timedelta(days=90)  # after it was closed
EVENT_ID = dt.timedelta(days=180)  # of a handled event, without body: a duplicate may come weeks later
FAILED_EVENT = dt.timedelta(days=30)  # with its body, sealed, so that the bug can be understood
SENT = dt.timedelta(days=30)  # of a message: the vendor's id, without body
WEB_MESSAGE = dt.timedelta(hours=24)  # readable by the browser
WEB_FAREWELL = dt.timedelta(minutes=10)  # the last message to a browser after forgetting
WEB_SESSION = dt.timedelta(hours=24)  # idle
WEB_SESSION_KEPT = dt.timedelta(days=30)  # idle, "keep on this device"
DESK_SESSION = dt.timedelta(hours=12)
DESK_LINK = dt.timedelta(minutes=10)
QUESTION = dt.timedelta(days=180)  # that somebody let us keep
JOIN_CODE = dt.timedelta(hours=24)

_NOTHING = literal_column("''", Text)
_OF = "conversations"
_lane = [
    # Anything but what a person has written since: that is answered, by a bot that does not know them any more.
    Statement(
        update(inbox)
        .where(
            among(inbox.c.conversation, _OF), or_(inbox.c.state != OPEN, inbox.c.origin != literal_column("'person'"))
        )
        .values(state="done", payload=null(), conversation=_NOTHING, error=null(), expires_at=bindparam("ids_until"))
    ),
    Statement(delete(timers).where(among(timers.c.conversation, _OF))),
]
_WAIT = Statement(
    select(conversations.c.id).where(among(conversations.c.id, _OF)).order_by(conversations.c.id).with_for_update()
)
_OUTBOX = Statement(delete(outbox).where(among(outbox.c.conversation, _OF), ~among(outbox.c.event, "but_of_events")))
_BLANK = Statement(
    update(conversations).where(among(conversations.c.id, _OF)).values(state=null(), version=0, ticket=null())
)
_REMOVE = Statement(
    delete(conversations).where(
        among(conversations.c.id, _OF),
        ~exists(select(inbox.c.seq).where(inbox.c.conversation == conversations.c.id, inbox.c.state == OPEN)),
    )
)
_NUMBERS = Statement(select(tickets.c.number).where(among(tickets.c.conversation, _OF)))
_case = [
    *(
        Statement(delete(table).where(among(table.c.ticket, "numbers")))
        for table in (entries, threads, sent_messages, ticket_steps)
    ),
    Statement(
        update(tickets)
        .where(among(tickets.c.number, "numbers"))
        .values(
            state=PURGED,
            conversation=null(),
            language=_NOTHING,
            topic=null(),
            member=null(),
            origin=_NOTHING,
            expires_at=null(),
        )
    ),
]
_CASE_OUTBOX = Statement(
    delete(outbox).where(among(outbox.c.ticket, "numbers"), ~among(outbox.c.event, "but_of_events"))
)


async def forget(
    tx: Tx, lanes: Collection[str], now: dt.datetime, withdraw: Withdraw, but_of_events: Collection[str] = ()
) -> None:
    """Remove what is kept about these conversations, staff's copies included.

    Outbox rows that are effects of `but_of_events` (hashes) stay: they tell the person.
    """
    ids = sorted(lanes)
    if not ids:
        return
    values = {_OF: ids, "ids_until": micros(now + EVENT_ID), "but_of_events": sorted(but_of_events)}
    if tx.dialect == "postgresql":
        await tx.rows(_WAIT, **values)  # for whoever is accepting an event of theirs at this moment
    numbers = [number for (number,) in await tx.rows(_NUMBERS, **values)]
    await _purge_cases(tx, numbers, withdraw, but_of_events)
    for statement in (*_lane, _OUTBOX, _BLANK, _REMOVE):
        await tx.run(statement, **values)


async def _purge_cases(tx: Tx, numbers: list[int], withdraw: Withdraw, but_of_events: Collection[str] = ()) -> None:
    if not numbers:
        return
    await withdraw(tx, numbers)
    for statement in _case:
        await tx.run(statement, numbers=numbers)
    await tx.run(_CASE_OUTBOX, numbers=numbers, but_of_events=sorted(but_of_events))


_expired = [
    Statement(delete(table).where(table.c.expires_at <= bindparam("now")))
    for table in (inbox, outbox, join_codes, links, desk_sessions, questions)
]
_CLOSED_CASES = Statement(
    select(tickets.c.number).where(tickets.c.state == CLOSED, tickets.c.expires_at <= bindparam("now"))
)
_IDLE = Statement(
    select(conversations.c.id).where(
        conversations.c.expires_at <= bindparam("now"),
        ~exists(select(inbox.c.seq).where(inbox.c.conversation == conversations.c.id, inbox.c.state == OPEN)),
        ~exists(
            select(tickets.c.number).where(
                tickets.c.conversation == conversations.c.id, tickets.c.state.not_in([CLOSED, PURGED])
            )
        ),
    )
)
_ENDED_SESSIONS = Statement(
    update(conversations)
    .where(
        conversations.c.id.in_(select(web_sessions.c.conversation).where(web_sessions.c.expires_at <= bindparam("now")))
    )
    .values(expires_at=literal_column("0"))
)
_EXPIRED_SESSIONS = Statement(delete(web_sessions).where(web_sessions.c.expires_at <= bindparam("now")))
# A desk event whose case was forgotten while it was being accepted.
_ORPHANS = Statement(
    update(inbox)
    .where(
        inbox.c.state == OPEN,
        inbox.c.origin == literal_column("'desk'"),
        ~exists(select(conversations.c.id).where(conversations.c.id == inbox.c.conversation)),
    )
    .values(state="done", payload=null(), conversation=_NOTHING, expires_at=bindparam("ids_until"))
)


async def purge(tx: Tx, now: dt.datetime, withdraw: Withdraw) -> int:
    """Remove what has expired; returns how many rows, cases and conversations."""
    at = micros(now)
    removed = 0
    for statement in _expired:
        removed += await tx.run(statement, now=at)
    await tx.run(_ENDED_SESSIONS, now=at)
    removed += await tx.run(_EXPIRED_SESSIONS, now=at)
    numbers = [number for (number,) in await tx.rows(_CLOSED_CASES, now=at)]
    await _purge_cases(tx, numbers, withdraw)
    idle = [lane for (lane,) in await tx.rows(_IDLE, now=at)]
    await forget(tx, idle, now, withdraw)
    removed += await tx.run(_ORPHANS, ids_until=micros(now + EVENT_ID))
    return removed + len(numbers) + len(idle)
