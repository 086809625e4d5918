"""What the desk's pages read: the list of cases, one case with its lines, and whether anything has changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import bindparam, func, select

from db.codec import Codec
from db.records import TICKETS, open_ticket
from db.sql import Row, Statement, Tx, among, moment
from db.store import CaseLine, Entry, EntryView, Ticket
from db.tables import CLOSED, PURGED, counters, entries, outbox, ticket_steps, tickets
from flows.core.delivery import RenderedMessage

_WAITING = ("open", "waiting-staff")
_DELIVERED = {"sent": True, "failed": False, "open": None}

_since = (
    select(func.max(ticket_steps.c.at))
    .where(ticket_steps.c.ticket == tickets.c.number)
    .scalar_subquery()
    .label("since")
)
_CASES = Statement(TICKETS.add_columns(_since).where(tickets.c.state.not_in([CLOSED, PURGED])))
_CLOSED_CASES = Statement(
    TICKETS.add_columns(_since).where(tickets.c.state == CLOSED).order_by(tickets.c.changed_at.desc())
)
_CASE = Statement(TICKETS.where(tickets.c.number == bindparam("number"), tickets.c.state != PURGED))
_ENTRIES = Statement(
    select(entries.c.id, entries.c.event, entries.c.role, entries.c.payload, entries.c.at)
    .where(entries.c.ticket == bindparam("number"))
    .order_by(entries.c.row)
)
_REPLIES = Statement(
    select(outbox.c.event, outbox.c.state).where(among(outbox.c.event, "events"), outbox.c.role == "agent")
)
_VERSION = Statement(select(counters.c.value).where(counters.c.name == "desk"))


async def cases(tx: Tx, codec: Codec, closed: bool) -> list[CaseLine]:
    """Open cases, urgent and longest waiting first; or closed ones, the latest first."""
    rows = await tx.rows(_CLOSED_CASES if closed else _CASES)
    lines = [_line(open_ticket(codec, row), row[-1]) for row in rows]
    return lines if closed else sorted(lines, key=_order)


def _line(ticket: Ticket, since: int | None) -> CaseLine:
    waiting = ticket.state in _WAITING and since is not None
    return CaseLine(ticket=ticket, waiting_since=moment(since) if waiting and since is not None else None)


def _order(line: CaseLine) -> tuple[bool, bool, dt.datetime, int]:
    since = line.waiting_since or line.ticket.changed_at
    return not line.ticket.urgent, line.waiting_since is None, since, line.ticket.number


async def case(tx: Tx, codec: Codec, number: int) -> tuple[Ticket, list[EntryView]] | None:
    """One case with its lines in order; None when there is none or it was purged."""
    for row in await tx.rows(_CASE, number=number):
        lines = await tx.rows(_ENTRIES, number=number)
        return open_ticket(codec, row), await _views(tx, codec, lines)
    return None


async def _views(tx: Tx, codec: Codec, lines: Sequence[Row]) -> list[EntryView]:
    events = sorted({event for _, event, role, _, _ in lines if role == "agent"})
    states = {event: str(state) for event, state in await tx.rows(_REPLIES, events=events)} if events else {}
    views = []
    for key, event, role, payload, at in lines:
        data = codec.open_json(f"entry:{key}", payload)
        entry = Entry(
            id=data["id"],
            role=role,
            message=RenderedMessage.from_json(data["message"]),
            member=data["member"],
            attachments=tuple(data["attachments"]),
            source_channel=data["source_channel"],
        )
        # A receipt older than its keeping time has gone; the words did arrive then, or a mark says they did not.
        delivered = _DELIVERED[states.get(event, "sent")] if role == "agent" else None
        views.append(EntryView(entry=entry, at=moment(at), member_name=data["member_name"], delivered=delivered))
    return views


async def version(tx: Tx) -> int:
    """A number that grows whenever any case changes."""
    for (value,) in await tx.rows(_VERSION):
        return int(value)
    return 0
