"""Times that were set: turning them into events when they have come."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import bindparam, delete, func, literal_column, select

from db.codec import Codec
from db.inbox import enqueue
from db.sql import Statement, Tx, micros, moment
from db.tables import OPEN, conversations, outbox, timers
from flows.core.events import Address, TimerFired

_NEXT_TIMER = Statement(select(func.min(timers.c.at)))
_NEXT_RETRY = Statement(
    select(func.min(outbox.c.due_at)).where(outbox.c.state == OPEN, outbox.c.due_at > literal_column("0"))
)
_DUE_TIMERS = Statement(
    select(timers.c.conversation, timers.c.name, timers.c.at, conversations.c.address)
    .join(conversations, conversations.c.id == timers.c.conversation)
    .where(timers.c.at <= bindparam("now"))
    .order_by(timers.c.at)
    .with_for_update(skip_locked=True, of=timers)
)
_FIRED = Statement(delete(timers).where(timers.c.conversation == bindparam("of"), timers.c.name == bindparam("called")))


async def next_due(tx: Tx) -> dt.datetime | None:
    """When the earliest timer or retry comes."""
    times = [at for statement in (_NEXT_TIMER, _NEXT_RETRY) for (at,) in await tx.rows(statement) if at is not None]
    return moment(min(times)) if times else None


async def fire_timers(tx: Tx, codec: Codec, now: dt.datetime) -> int:
    """Turn due timers into events."""
    fired = 0
    for lane, name, at, sealed in await tx.rows(_DUE_TIMERS, now=micros(now)):
        address = Address(**codec.open_json(f"conversation.address:{lane}", sealed))
        event = TimerFired(id=f"timer:{lane}:{name}:{moment(at).isoformat()}", at=now, source=address, name=name)
        fired += await enqueue(tx, codec, [(event, lane)])
        await tx.run(_FIRED, of=lane, called=name)
    return fired


async def any_due(tx: Tx, now: dt.datetime) -> bool:
    """Whether a timer's time has come: looking costs less than a transaction that changes nothing."""
    return any(at is not None and at <= micros(now) for (at,) in await tx.rows(_NEXT_TIMER))
