"""The outbox: what was promised, sent in order within each lane, and what became of it.

A lane is a recipient together with the case or the thread. Only the oldest unsent row of a lane is ever handed out, so
a row that waits for another try holds the later ones back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ARRAY, Select, bindparam, delete, exists, func, literal_column, null, or_, select, update

from db import retention
from db.codec import Codec
from db.deliveries import lane_key, opened, recipient_key, sealed, urgency
from db.inbox import enqueue, sent_key, thread_key
from db.records import address_key
from db.sql import Change, Insert, Row, Statement, Tx, among, micros
from db.store import Held, Settlement, Take
from db.tables import OPEN, conversations, outbox, sent_messages, threads
from flows.core.delivery import Delivery
from flows.core.events import Address, DeliveryFailed, Event, ReplyDelivered

_ADD = Insert(
    outbox,
    ("id", "event", "conversation", "lane", "recipient", "channel", "role", "ticket", "payload", "state", "forget",
     "attempt", "due_at", "at", "urgency"),
    key=("id",),
)  # fmt: skip
_earlier = outbox.alias("earlier")
_ROWS = select(
    outbox.c.row,
    outbox.c.id,
    outbox.c.payload,
    outbox.c.attempt,
    outbox.c.ticket,
    outbox.c.recipient,
    outbox.c.conversation,
    outbox.c.lane,
    outbox.c.role,
    outbox.c.forget,
    outbox.c.channel,
    outbox.c.urgency,
)


def _due(wanted: Select[Any]) -> Select[Any]:
    return (
        wanted.where(
            outbox.c.state == OPEN,
            outbox.c.due_at <= bindparam("now"),
            or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= bindparam("now")),
            ~among(outbox.c.id, "but"),
            ~among(outbox.c.channel, "channels"),
            ~among(outbox.c.recipient, "recipients"),
            ~exists(
                select(_earlier.c.row).where(
                    _earlier.c.lane == outbox.c.lane, _earlier.c.state == OPEN, _earlier.c.row < outbox.c.row
                )
            ),
        )
        .order_by(outbox.c.urgency, outbox.c.row)
        .limit(bindparam("limit"))
    )


_DUE = Statement(_due(_ROWS))
_free = _due(select(outbox.c.row)).with_for_update(skip_locked=True, of=outbox).cte("free")
_LEND = Statement(
    update(outbox)
    .where(outbox.c.row == _free.c.row)
    .values(leased_until=bindparam("until", type_=outbox.c.leased_until.type))
    .returning(*_ROWS.selected_columns)
)
_GIVE_BACK = Statement(update(outbox).where(among(outbox.c.row, "rows")).values(leased_until=null()))
_behind = outbox.alias("first")
_BEHIND = Statement(
    _ROWS.join(_behind, _behind.c.lane == outbox.c.lane)
    .where(
        _behind.c.id == bindparam("of"),
        outbox.c.state == OPEN,
        outbox.c.row > _behind.c.row,
    )
    .order_by(outbox.c.row)
    .limit(bindparam("limit"))
)
_OPEN_OF = Statement(_ROWS.where(among(outbox.c.id, "ids"), outbox.c.state == OPEN))
_TO_RECIPIENT = Statement(_ROWS.where(outbox.c.recipient == bindparam("to"), outbox.c.payload.is_not(None)))
_THREADS = Statement(
    select(threads.c.ticket, threads.c.recipient, threads.c.thread).where(among(threads.c.ticket, "numbers"))
)
_EXTERNAL = Statement(select(outbox.c.external).where(outbox.c.id == bindparam("of"), outbox.c.external.is_not(None)))

_SENT = Statement(
    update(outbox)
    .where(outbox.c.row == bindparam("of"))
    .values(
        state="sent",
        payload=bindparam("kept", type_=outbox.c.payload.type),
        external=bindparam("ids"),
        leased_until=null(),
        expires_at=bindparam("until", type_=outbox.c.expires_at.type),
    )
)
_told = select(
    func.unnest(bindparam("ids", type_=ARRAY(outbox.c.id.type))).label("id"),
    func.unnest(bindparam("external", type_=ARRAY(outbox.c.external.type))).label("external"),
).subquery("told")
_SENT_TO_PEOPLE = Statement(
    update(outbox)
    .where(
        outbox.c.id == _told.c.id,
        outbox.c.state == OPEN,
        outbox.c.ticket.is_(None),
        outbox.c.forget.is_(False),
        outbox.c.role != literal_column("'agent'"),
        outbox.c.channel != literal_column("'web'"),
    )
    .values(
        state="sent",
        payload=null(),
        external=_told.c.external,
        leased_until=null(),
        expires_at=bindparam("until", type_=outbox.c.expires_at.type),
    )
    .returning(outbox.c.id)
)
_REMOVE = Statement(delete(outbox).where(outbox.c.row == bindparam("of")))
_RETRY = Statement(
    update(outbox)
    .where(outbox.c.row == bindparam("of"))
    .values(attempt=outbox.c.attempt + literal_column("1"), due_at=bindparam("again"), leased_until=null())
)
_GIVE_UP = Statement(
    update(outbox)
    .where(outbox.c.row == bindparam("of"))
    .values(state="failed", payload=null(), leased_until=null(), expires_at=bindparam("until"))
)
_DROP_LANE = Statement(
    update(outbox)
    .where(outbox.c.lane == bindparam("of"), outbox.c.state == OPEN, outbox.c.forget.is_(False))
    .values(state="failed", payload=null(), leased_until=null(), expires_at=bindparam("until"))
)
_REMEMBER = Insert(
    sent_messages,
    ("recipient", "hash", "ticket", "role"),
    key=("recipient", "hash"),
    update={"ticket": lambda new: new.ticket, "role": lambda new: new.role},
)
_THREAD = Insert(
    threads,
    ("ticket", "recipient", "thread", "hash"),
    key=("ticket", "recipient"),
    update={"thread": lambda new: new.thread, "hash": lambda new: new.hash},
)
_NO_THREAD = Statement(
    delete(threads).where(threads.c.ticket == bindparam("of"), threads.c.recipient == bindparam("room"))
)
_BRIEF_AGAIN = Statement(
    update(outbox)
    .where(
        outbox.c.ticket == bindparam("of"),
        outbox.c.recipient == bindparam("room"),
        outbox.c.role == literal_column("'brief'"),
        outbox.c.state == literal_column("'sent'"),
        outbox.c.payload.is_not(None),
    )
    .values(state="open", attempt=literal_column("0"), due_at=literal_column("0"), expires_at=null())
)
_MOVE_ROW = Statement(
    update(outbox)
    .where(outbox.c.row == bindparam("of"))
    .values(payload=bindparam("resealed"), recipient=bindparam("to"), lane=bindparam("moved"))
)
_MOVE_SENT = Statement(
    update(sent_messages).where(sent_messages.c.recipient == bindparam("of")).values(recipient=bindparam("to"))
)
_THREADS_OF = Statement(
    select(threads.c.ticket, threads.c.thread, threads.c.hash).where(threads.c.recipient == bindparam("of"))
)
_NO_THREADS = Statement(delete(threads).where(threads.c.recipient == bindparam("of")))
_ADDRESS = Statement(select(conversations.c.id, conversations.c.address).where(conversations.c.id == bindparam("of")))
_WEB = Statement(
    select(outbox.c.row, outbox.c.id, outbox.c.payload, outbox.c.attempt)
    .where(
        outbox.c.recipient == bindparam("peer"),
        outbox.c.row > bindparam("after"),
        outbox.c.payload.is_not(None),
    )
    .order_by(outbox.c.row)
)


def added(codec: Codec, promised: Iterable[tuple[Delivery, str, Event, bool]]) -> list[Change]:
    """Deliveries promised: each with its conversation, whose effect it is, and whether to forget it once sent."""
    rows = []
    for delivery, conversation, event, forget in promised:
        key = codec.digest("delivery", delivery.id)
        rows.append(
            {
                "id": key,
                "event": codec.digest("event", event.id),
                "conversation": conversation,
                "lane": lane_key(codec, delivery),
                "recipient": recipient_key(codec, delivery),
                "channel": delivery.channel,
                "role": delivery.role,
                "ticket": delivery.ticket,
                "payload": sealed(codec, key, delivery),
                "state": "open",
                "forget": forget,
                "attempt": delivery.attempt,
                "due_at": 0,
                "at": micros(event.at),
                "urgency": urgency(delivery),
            }
        )
    return [(_ADD, rows)] if rows else []


async def due(
    tx: Tx,
    codec: Codec,
    now: dt.datetime,
    limit: int,
    but: Collection[str],
    lease: dt.timedelta | None,
    held: Collection[Held],
    take: Take | None,
) -> list[Delivery]:
    """The oldest unsent delivery of each lane, where its time has come; `lease` keeps other processes away from it."""
    wanted: dict[str, Any] = {
        "now": micros(now),
        "limit": limit,
        "but": sorted(codec.digest("delivery", delivery) for delivery in but),
        "channels": sorted(channel for channel, peer in held if peer is None),
        "recipients": sorted(
            address_key(codec, Address(channel=channel, peer=peer)) for channel, peer in held if peer is not None
        ),
    }
    if lease is None:
        rows = await tx.rows(_DUE, **wanted)
    else:  # what a change returns comes in no order
        rows = sorted(await tx.rows(_LEND, until=micros(now + lease), **wanted), key=lambda row: (row[11], row[0]))
    found = [(row[0], opened(codec, row)) for row in rows]
    taken = [(row, delivery) for row, delivery in found if take is None or take(delivery)]
    if lease is not None and len(taken) < len(found):
        ours = {row for row, _ in taken}
        await tx.run(_GIVE_BACK, rows=[row for row, _ in found if row not in ours])
    deliveries = await with_threads(tx, codec, [delivery for _, delivery in taken])
    return [await _with_corrected(tx, codec, delivery) for delivery in deliveries]


async def behind(tx: Tx, codec: Codec, delivery: str, limit: int) -> list[Delivery]:
    """What waits in the lane behind a delivery, in order."""
    rows = await tx.rows(_BEHIND, of=codec.digest("delivery", delivery), limit=limit)
    return await with_threads(tx, codec, [opened(codec, row) for row in rows])


async def with_threads(tx: Tx, codec: Codec, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """The deliveries with the threads that their rooms have for the cases."""
    numbers = sorted({d.ticket for d in deliveries if d.ticket is not None and d.thread is None})
    if not numbers:
        return list(deliveries)
    known = {
        (ticket, room): codec.open_text(f"thread:{ticket}:{room}", sealed)
        for ticket, room, sealed in await tx.rows(_THREADS, numbers=numbers)
    }
    return [
        replace(d, thread=known.get((d.ticket, recipient_key(codec, d))))
        if d.ticket is not None and d.thread is None
        else d
        for d in deliveries
    ]


async def _with_corrected(tx: Tx, codec: Codec, delivery: Delivery) -> Delivery:
    """A delivery that corrects another one names the vendor's id of that one, when it was sent."""
    if delivery.edits is None:
        return delivery
    key = codec.digest("delivery", delivery.edits)
    for (external,) in await tx.rows(_EXTERNAL, of=key):
        ids = codec.open_json(f"outbox.external:{key}", external)["ids"]
        return replace(delivery, edits=ids[0] if ids else None)
    return delivery


async def settle(tx: Tx, codec: Codec, settlements: Sequence[Settlement], now: dt.datetime) -> bool:
    """Store what became of deliveries; returns whether a case changed by it. One settled already stays as it is."""
    by_key = {codec.digest("delivery", s.delivery): s for s in settlements}
    if not by_key:
        return False
    told: list[tuple[Event, str]] = []
    plain: list[dict[str, Any]] = []
    case_changed = False
    for row in await tx.rows(_OPEN_OF, ids=sorted(by_key)):
        settlement = by_key[row[1]]
        if _is_plain(row, settlement):
            plain.append(_as_sent(codec, row, settlement, now))
            continue
        case_changed = await _settle(tx, codec, row, settlement, now, told) or case_changed
    await tx.run_many(_SENT, plain)
    await _tell(tx, codec, told)
    return case_changed


async def settle_plain(tx: Tx, codec: Codec, settlements: Sequence[Settlement], now: dt.datetime) -> list[Settlement]:
    """Store in one statement what went to people as nearly all does (PostgreSQL); what is left for `settle`."""
    plain = {codec.digest("delivery", s.delivery): s for s in settlements if s.sent and s.moved_to is None}
    if not plain:
        return list(settlements)
    sealed = [codec.seal(f"outbox.external:{key}", {"ids": list(s.external_ids)}) for key, s in plain.items()]
    rows = await tx.rows(_SENT_TO_PEOPLE, ids=list(plain), external=sealed, until=micros(now + retention.SENT))
    done = {plain[key].delivery for (key,) in rows}
    return [settlement for settlement in settlements if settlement.delivery not in done]


def _is_plain(row: Row, settlement: Settlement) -> bool:
    """Whether it went to a person as nearly all do, so that nothing else has to be looked at."""
    role, forget, of_case = row[8], row[9], row[4] is not None
    return settlement.sent and not of_case and not forget and role != "agent" and settlement.moved_to is None


def _as_sent(codec: Codec, row: Row, settlement: Settlement, now: dt.datetime) -> dict[str, Any]:
    """The values of `_SENT` for a row that went to a person."""
    web = row[10] == "web"
    return {
        "of": row[0],
        "kept": row[2] if web else None,  # a browser reads by cursor
        "ids": codec.seal(f"outbox.external:{row[1]}", {"ids": list(settlement.external_ids)}),
        "until": micros(now + (retention.WEB_MESSAGE if web else retention.SENT)),
    }


async def _settle(
    tx: Tx, codec: Codec, row: Row, settlement: Settlement, now: dt.datetime, told: list[tuple[Event, str]]
) -> bool:
    delivery = opened(codec, row)
    if settlement.thread is not None and delivery.ticket is not None and not row[9]:
        await _know_thread(tx, codec, row[5], delivery, settlement.thread)
    if settlement.sent:
        await _sent(tx, codec, row, delivery, settlement, now)
        if delivery.role == "agent":
            source = Address(channel=delivery.channel, peer=delivery.peer, thread=delivery.thread)
            receipt = ReplyDelivered(id=f"delivered:{delivery.id}", at=now, source=source, delivery=delivery.id)
            told.append((receipt, row[6]))
    elif settlement.thread_gone or settlement.moved_to is not None or settlement.retry_at is not None:
        if settlement.thread_gone and delivery.ticket is not None:
            await tx.run(_NO_THREAD, of=delivery.ticket, room=row[5])
            await tx.run(_BRIEF_AGAIN, of=delivery.ticket, room=row[5])
        await tx.run(_RETRY, of=row[0], again=micros(settlement.retry_at or now))
    else:
        told += await _given_up(tx, codec, row, delivery, settlement, now)
    if settlement.moved_to is not None:
        await _move(tx, codec, delivery, settlement.moved_to)
    return delivery.role == "agent"


async def _tell(tx: Tx, codec: Codec, told: Sequence[tuple[Event, str]]) -> None:
    """Events for conversations that are still there."""
    for event, lane in told:
        if await tx.rows(_ADDRESS, of=lane):
            await enqueue(tx, codec, [(event, lane)])


async def _sent(tx: Tx, codec: Codec, row: Row, delivery: Delivery, settlement: Settlement, now: dt.datetime) -> None:
    number, key, payload, forget = row[0], row[1], row[2], row[9]
    web = delivery.channel == "web"
    if forget and not web:
        await tx.run(_REMOVE, of=number)
        return
    brief = delivery.role == "brief" and delivery.ticket is not None
    keep = retention.WEB_FAREWELL if forget else retention.WEB_MESSAGE if web else retention.SENT
    await tx.run(
        _SENT,
        of=number,
        # A browser reads by cursor; a brief is sent again when its thread was deleted, as long as the case is there.
        kept=payload if web or brief else None,
        ids=codec.seal(f"outbox.external:{key}", {"ids": list(settlement.external_ids)}),
        until=None if brief else micros(now + keep),
    )
    if delivery.ticket is None:
        return
    room, address = row[5], Address(channel=delivery.channel, peer=delivery.peer)
    hashes = sorted({sent_key(codec, address, external) for external in settlement.external_ids})
    if hashes:
        await tx.insert(
            _REMEMBER,
            [{"recipient": room, "hash": h, "ticket": delivery.ticket, "role": delivery.role} for h in hashes],
        )


async def _know_thread(tx: Tx, codec: Codec, room: str, delivery: Delivery, thread: str) -> None:
    sealed = codec.seal(f"thread:{delivery.ticket}:{room}", thread)
    address = Address(channel=delivery.channel, peer=delivery.peer, thread=thread)
    new = {"ticket": delivery.ticket, "recipient": room, "thread": sealed, "hash": thread_key(codec, address)}
    await tx.insert(_THREAD, [new])


async def _given_up(
    tx: Tx, codec: Codec, row: Row, delivery: Delivery, settlement: Settlement, now: dt.datetime
) -> list[tuple[Event, str]]:
    number, conversation, lane, forget = row[0], row[6], row[7], row[9]
    if forget:
        await tx.run(_REMOVE, of=number)
        return []
    until = micros(now + retention.SENT)
    await tx.run(_GIVE_UP, of=number, until=until)
    if settlement.reason in ("blocked", "gone") and delivery.ticket is None:
        await tx.run(_DROP_LANE, of=lane, until=until)
    for _, address_sealed in await tx.rows(_ADDRESS, of=conversation):
        address = Address(**codec.open_json(f"conversation.address:{conversation}", address_sealed))
        failed = DeliveryFailed(
            id=f"failed:{delivery.id}",
            at=now,
            source=address,
            delivery=delivery.id,
            role=delivery.role,
            reason=settlement.reason,
        )
        return [(failed, conversation)]
    return []


async def _move(tx: Tx, codec: Codec, delivery: Delivery, peer: str) -> None:
    """A recipient got another id from its vendor: what waits for it, its threads and our messages there go along."""
    old = recipient_key(codec, delivery)
    new = address_key(codec, Address(channel=delivery.channel, peer=peer))
    if old == new:
        return
    for row in await tx.rows(_TO_RECIPIENT, to=old):
        moved = replace(opened(codec, row), peer=peer)
        await tx.run(_MOVE_ROW, of=row[0], resealed=sealed(codec, row[1], moved), to=new, moved=lane_key(codec, moved))
    await tx.run(_MOVE_SENT, of=old, to=new)
    rooms = [
        {
            "ticket": ticket,
            "recipient": new,
            "thread": codec.seal(f"thread:{ticket}:{new}", codec.open_text(f"thread:{ticket}:{old}", sealed)),
            "hash": hashed,
        }
        for ticket, sealed, hashed in await tx.rows(_THREADS_OF, of=old)
    ]
    if rooms:
        await tx.run(_NO_THREADS, of=old)
        await tx.insert(_THREAD, rooms)


async def web_messages(tx: Tx, codec: Codec, peer: str, after: int) -> list[tuple[int, Delivery]]:
    """Messages to a web peer after a row, in order."""
    key = address_key(codec, Address(channel="web", peer=peer))
    return [(row[0], opened(codec, row)) for row in await tx.rows(_WEB, peer=key, after=after)]
