"""The inbox: events accepted, each in the lane of one conversation, taken in the order they came.

A member's event belongs to the lane of the case's conversation, so that what staff and the person do to one case is
handled one at a time. Where no case is found it gets the lane of the room it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, exists, func, select

from db import retention
from db.codec import Codec
from db.records import TICKETS, address_key, open_ticket
from db.sql import Change, Insert, Row, Statement, Tx, among, micros
from db.store import Cursor, Ticket, Work
from db.tables import (
    OPEN,
    PURGED,
    conversations,
    cursors,
    inbox,
    member_addresses,
    members,
    sent_messages,
    threads,
    tickets,
)
from flows.core import events as kinds
from flows.core.conversation import Conversation
from flows.core.events import Address, AgentWrote, DeskEvent, Event

_PERSON = (
    kinds.MessageReceived,
    kinds.MessageWithdrawn,
    kinds.ChoiceMade,
    kinds.CommandGiven,
    kinds.PersonLeft,
)

_KNOWN = Statement(select(inbox.c.id).where(among(inbox.c.id, "ids")))
_LOCKED = Statement(
    select(conversations.c.id)
    .where(among(conversations.c.id, "ids"))
    .order_by(conversations.c.id)
    .with_for_update(read=True, key_share=True)
)
_CASES = Statement(
    select(tickets.c.number, tickets.c.conversation).where(
        among(tickets.c.number, "numbers"), tickets.c.conversation.is_not(None)
    )
)
_THREADS = Statement(
    select(threads.c.recipient, threads.c.hash, threads.c.ticket, tickets.c.conversation)
    .join(tickets, tickets.c.number == threads.c.ticket)
    .where(among(threads.c.hash, "hashes"), tickets.c.conversation.is_not(None))
)
_NEW_CONVERSATION = Insert(conversations, ("id", "address", "version", "expires_at"), key=("id",))
_NEW_EVENT = Insert(inbox, ("id", "conversation", "origin", "ticket", "payload", "at", "state"), key=("id",))
_CURSOR = Insert(cursors, ("name", "value"), key=("name",), update={"value": lambda new: new.value})
_READ_CURSOR = Statement(select(cursors.c.value).where(cursors.c.name == bindparam("name")))

_earlier = inbox.alias("earlier")
_heads = (
    select(inbox.c.conversation, inbox.c.seq)
    .where(
        inbox.c.state == OPEN,
        ~exists(
            select(_earlier.c.seq).where(
                _earlier.c.conversation == inbox.c.conversation,
                _earlier.c.state == OPEN,
                _earlier.c.seq < inbox.c.seq,
            )
        ),
    )
    .order_by(inbox.c.seq)
)
_HEADS = Statement(_heads.limit(bindparam("limit")))
_waiting = _heads.order_by(None).subquery("waiting")
_LOCK_HEADS = Statement(
    select(conversations.c.id)
    .join(_waiting, _waiting.c.conversation == conversations.c.id)
    .order_by(_waiting.c.seq)
    .limit(bindparam("limit"))
    .with_for_update(key_share=True, skip_locked=True, of=conversations)
)
_work = (
    select(
        inbox.c.seq,
        inbox.c.id,
        inbox.c.payload,
        inbox.c.ticket,
        conversations.c.id,
        conversations.c.address,
        conversations.c.state,
        conversations.c.ticket,
        exists(select(members.c.number)),
    )
    .join(conversations, conversations.c.id == inbox.c.conversation)
    .order_by(inbox.c.seq)
)
_WORK = Statement(_work.where(among(inbox.c.seq, "seqs")))
_oldest = (
    select(func.min(_earlier.c.seq))
    .where(_earlier.c.state == OPEN, among(_earlier.c.conversation, "ids"))
    .group_by(_earlier.c.conversation)
)
_WORK_OF_LANES = Statement(_work.where(inbox.c.seq.in_(_oldest)))
_TICKETS = Statement(TICKETS.where(among(tickets.c.number, "numbers"), tickets.c.state != PURGED))
_MEMBERS = Statement(select(members.c.number, members.c.hash, members.c.name).where(among(members.c.number, "numbers")))
_AUTHORS = Statement(
    select(member_addresses.c.id, member_addresses.c.member).where(among(member_addresses.c.id, "ids"))
)
_SENT = Statement(
    select(sent_messages.c.recipient, sent_messages.c.hash, sent_messages.c.ticket, sent_messages.c.role).where(
        among(sent_messages.c.hash, "hashes")
    )
)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One event taken from the inbox, with the keys of its rows."""

    work: Work
    seq: int
    conversation: str
    ticket: int | None  # the open or last case, purged or not


def event_row(codec: Codec, event: Event, conversation: str, ticket: int | None = None) -> dict[str, Any]:
    """The inbox row of an event in that lane."""
    key = codec.digest("event", event.id)
    origin = "person" if isinstance(event, _PERSON) else "desk" if isinstance(event, DeskEvent) else "machine"
    return {
        "id": key,
        "conversation": conversation,
        "origin": origin,
        "ticket": ticket,
        "payload": codec.seal(f"inbox:{key}", kinds.to_json(event), event),
        "at": micros(event.at),
        "state": "open",
    }


async def enqueue(tx: Tx, codec: Codec, events: Sequence[tuple[Event, str]]) -> int:
    """Put the machinery's own events into lanes that exist; returns how many were new."""
    if not events:
        return 0
    return await tx.insert(_NEW_EVENT, [event_row(codec, event, lane) for event, lane in events])


async def accept(tx: Tx, codec: Codec, events: Sequence[Event], cursor: Cursor | None) -> int:
    """Put events and the cursor in; what is known already is left out."""
    moved: list[Change] = [(_CURSOR, [{"name": cursor.name, "value": cursor.value}])] if cursor is not None else []
    by_key: dict[str, Event] = {}
    for event in events:
        by_key.setdefault(codec.digest("event", event.id), event)
    for (known,) in await tx.rows(_KNOWN, ids=list(by_key)) if by_key else ():
        del by_key[known]
    if not by_key:
        if moved:
            await tx.together(moved)
        return 0
    lanes = await _lanes(tx, codec, list(by_key.values()))
    sources = {lane: event for event, (lane, ticket) in zip(by_key.values(), lanes, strict=True) if ticket is None}
    await _make_sure_of(tx, codec, sources)
    rows = [event_row(codec, event, lane, ticket) for event, (lane, ticket) in zip(by_key.values(), lanes, strict=True)]
    return (await tx.together([(_NEW_EVENT, rows), *moved]))[0]


async def _make_sure_of(tx: Tx, codec: Codec, sources: dict[str, Event]) -> None:
    """Have the conversations exist until this transaction has ended."""
    while sources:
        # Forgetting in another process waits for this lock, and sees the new event then.
        there = {lane for (lane,) in await tx.rows(_LOCKED, ids=sorted(sources))}
        missing = [_new_row(codec, lane, sources[lane]) for lane in sorted(sources) if lane not in there]
        if not missing:
            return
        await tx.insert(_NEW_CONVERSATION, missing)
        if tx.dialect == "sqlite":
            return
        sources = {row["id"]: sources[row["id"]] for row in missing}


def _new_row(codec: Codec, lane: str, event: Event) -> dict[str, Any]:
    address = {"channel": event.source.channel, "peer": event.source.peer}
    return {
        "id": lane,
        "address": codec.seal(f"conversation.address:{lane}", address),
        "version": 0,
        "expires_at": micros(event.at + retention.CONVERSATION),
    }


async def _lanes(tx: Tx, codec: Codec, events: Sequence[Event]) -> list[tuple[str, int | None]]:
    """For each event its lane, and for a desk event whose case is known the case."""
    numbers = sorted({e.ticket for e in events if isinstance(e, DeskEvent) and e.ticket is not None})
    of_thread = {
        e.id: (address_key(codec, e.source), thread_key(codec, e.source))
        for e in events
        if isinstance(e, DeskEvent) and e.ticket is None and e.source.thread is not None
    }
    cases: dict[int, str] = {}
    by_thread: dict[tuple[str, str], tuple[int, str]] = {}
    if numbers:
        cases = {number: str(lane) for number, lane in await tx.rows(_CASES, numbers=numbers)}
    if of_thread:
        hashes = sorted({thread for _, thread in of_thread.values()})
        by_thread = {(room, thread): (n, lane) for room, thread, n, lane in await tx.rows(_THREADS, hashes=hashes)}
    lanes: list[tuple[str, int | None]] = []
    for event in events:
        if isinstance(event, DeskEvent) and event.ticket in cases:
            lanes.append((cases[event.ticket], event.ticket))
        elif event.id in of_thread and of_thread[event.id] in by_thread:
            number, lane = by_thread[of_thread[event.id]]
            lanes.append((lane, number))
        else:
            lanes.append((address_key(codec, event.source), None))
    return lanes


def thread_key(codec: Codec, address: Address) -> str:
    """The hash by which a thread of a staff room is found."""
    return codec.digest("thread", address.channel, address.thread)


async def read_cursor(tx: Tx, name: str) -> str | None:
    """Where a channel goes on reading."""
    for (value,) in await tx.rows(_READ_CURSOR, name=name):
        return str(value)
    return None


async def heads(tx: Tx, limit: int) -> list[tuple[str, int]]:
    """The oldest open event of each conversation, as (conversation, seq), oldest first."""
    return [(lane, seq) for lane, seq in await tx.rows(_HEADS, limit=limit)]


async def lock_lanes(tx: Tx, limit: int) -> list[str]:
    """Conversations that have something open and no other process holds; held until the transaction ends."""
    return [lane for (lane,) in await tx.rows(_LOCK_HEADS, limit=limit)]


async def take_heads(tx: Tx, codec: Codec, lanes: Sequence[str]) -> list[Taken]:
    """The oldest open event of each of these conversations, as `take` does.

    It is looked for after locking: before that another process may have handled the one that was oldest.
    """
    return await _take(tx, codec, await tx.rows(_WORK_OF_LANES, ids=list(lanes)))


async def take(tx: Tx, codec: Codec, seqs: Sequence[int]) -> list[Taken]:
    """These events with their conversations and cases, desk events completed."""
    return await _take(tx, codec, await tx.rows(_WORK, seqs=list(seqs)))


async def _take(tx: Tx, codec: Codec, rows: Sequence[Row]) -> list[Taken]:
    opened = [_event(codec, row[1], row[2], bool(row[8])) for row in rows]
    numbers = {n for row in rows for n in (row[3], row[7]) if n is not None}
    found: dict[int, Ticket] = {}
    if numbers:
        found = {row[0]: open_ticket(codec, row) for row in await tx.rows(_TICKETS, numbers=sorted(numbers))}
    desk = await _Desk.load(tx, codec, [(e, row[3]) for e, row in zip(opened, rows, strict=True)])
    return [_taken(codec, row, event, found, desk) for row, event in zip(rows, opened, strict=True)]


def _event(codec: Codec, key: str, payload: bytes, staffed: bool) -> Event:
    event: Event | None = codec.handed_over(f"inbox:{key}", payload)
    if event is None:
        return kinds.from_json({**codec.open_json(f"inbox:{key}", payload), "staffed": staffed})
    return event if event.staffed is staffed else replace(event, staffed=staffed)


def _taken(codec: Codec, row: Row, event: Event, found: dict[int, Ticket], desk: _Desk) -> Taken:
    seq, _, _, of_event, lane, address, state, last, _ = row
    if state is not None:
        conversation = Conversation.from_json(codec.open_json(f"conversation.state:{lane}", state))
    elif isinstance(event, _PERSON):
        conversation = Conversation(address=event.source)
    else:
        conversation = Conversation(address=Address(**codec.open_json(f"conversation.address:{lane}", address)))
    if isinstance(event, DeskEvent):
        event = desk.complete(codec, event, of_event)
    number = of_event if of_event is not None else last
    work = Work(
        event=event,
        conversation=conversation,
        ticket=found.get(number) if number is not None else None,
    )
    return Taken(work=work, seq=seq, conversation=lane, ticket=last)


@dataclass(frozen=True)
class _Desk:
    """What is needed to complete the desk events of a batch, in one read each."""

    names: dict[int, str]
    authors: dict[str, int]
    sent: dict[tuple[str, str], tuple[int, str]]

    @classmethod
    async def load(cls, tx: Tx, codec: Codec, events: Sequence[tuple[Event, int | None]]) -> _Desk:
        desk = [event for event, _ in events if isinstance(event, DeskEvent)]
        ids = {author_key(codec, e) for e in desk if e.author}
        authors = {key: int(n) for key, n in await tx.rows(_AUTHORS, ids=sorted(ids))} if ids else {}
        numbers = {e.member for e in desk if e.member is not None} | set(authors.values())
        names = {}
        if numbers:
            rows = await tx.rows(_MEMBERS, numbers=sorted(numbers))
            names = {number: codec.open_text(f"member:{key}", name) for number, key, name in rows}
        hashes = {sent_key(codec, e.source, e.reply_to) for e in desk if isinstance(e, AgentWrote) and e.reply_to}
        sent = {}
        if hashes:
            rows = await tx.rows(_SENT, hashes=sorted(hashes))
            sent = {(room, key): (ticket, role) for room, key, ticket, role in rows}
        return cls(names=names, authors=authors, sent=sent)

    def complete(self, codec: Codec, event: DeskEvent, ticket: int | None) -> DeskEvent:
        """The event with its case, who did it, and what it points at."""
        member = self.authors.get(author_key(codec, event)) if event.author else event.member
        if member not in self.names:
            member = None
        name = self.names[member] if member is not None else ""
        event = replace(event, ticket=ticket, member=member, member_name=name)
        if isinstance(event, AgentWrote) and event.reply_to:
            key = (address_key(codec, event.source), sent_key(codec, event.source, event.reply_to))
            ours = ticket is not None and self.sent.get(key) == (ticket, "copy")
            event = replace(event, quotes="person" if ours else "other")
        return event


def author_key(codec: Codec, event: DeskEvent) -> str:
    """The hash by which a member is found who wrote in a staff room."""
    return address_key(codec, Address(channel=event.source.channel, peer=event.author))


def sent_key(codec: Codec, address: Address, message: str) -> str:
    """The hash by which one of our messages in a staff room is found."""
    return codec.digest("sent", address.channel, message)
