"""Taking cases out of staff rooms: when a case goes, so does what staff rooms show of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial

from sqlalchemy import literal_column, select

from db import outbox as out
from db.codec import Codec
from db.deliveries import from_json
from db.retention import Withdraw
from db.sql import Statement, Tx, among
from db.tables import outbox, threads
from flows.core.delivery import Delivery, RenderedMessage
from flows.core.events import Address, Event, TimerFired

_BRIEFS = Statement(
    select(outbox.c.id, outbox.c.payload, outbox.c.ticket, outbox.c.recipient, threads.c.thread)
    .join(threads, (threads.c.ticket == outbox.c.ticket) & (threads.c.recipient == outbox.c.recipient))
    .where(among(outbox.c.ticket, "numbers"), outbox.c.role == literal_column("'brief'"), outbox.c.payload.is_not(None))
)
_NOTHING = RenderedMessage(text="", blocks=(), choices=(), language="de")


def withdrawing(codec: Codec, now: dt.datetime) -> Withdraw:
    """What forgetting asks to take cases out of the rooms."""
    return partial(_withdraw, codec=codec, now=now)


async def _withdraw(tx: Tx, numbers: Sequence[int], codec: Codec, now: dt.datetime) -> None:
    promised: list[tuple[Delivery, str, Event, bool]] = []
    for key, payload, ticket, room, sealed in await tx.rows(_BRIEFS, numbers=sorted(numbers)):
        brief = from_json(codec.open_json(f"outbox:{key}", payload), attempt=0)
        why = TimerFired(
            id=f"withdraw:{ticket}:{brief.channel}",
            at=now,
            source=Address(channel=brief.channel, peer=brief.peer),
            name="withdraw",
        )
        # Without the case's number and in no conversation, so that forgetting both leaves it.
        erase = Delivery(
            id=f"{why.id}:0",
            channel=brief.channel,
            peer=brief.peer,
            role="erase",
            message=_NOTHING,
            thread=codec.open_text(f"thread:{ticket}:{room}", sealed),
        )
        promised.append((erase, "", why, True))
    if changes := out.added(codec, promised):
        await tx.together(changes)
