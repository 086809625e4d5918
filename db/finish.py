"""Storing what handling a batch came to: states, cases, outbox, timers, joins, counts: one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, case, delete, func, literal_column, null, select, update

from db import outbox as out
from db import questions, retention
from db.codec import Codec
from db.inbox import Taken, enqueue
from db.records import address_key
from db.sql import Change, Insert, Statement, Tx, Update, among, micros, week
from db.staff import join_key
from db.store import Result
from db.tables import (
    OPEN,
    conversations,
    counters,
    entries,
    inbox,
    join_codes,
    member_addresses,
    members,
    tallies,
    ticket_numbers,
    ticket_steps,
    tickets,
    timers,
)
from db.withdraw import withdrawing
from flows.core.events import DeskEvent, Event, JoinAnswered

_DONE = Statement(
    update(inbox)
    .where(among(inbox.c.seq, "seqs"), inbox.c.state == OPEN)
    .values(state="done", payload=null(), conversation=literal_column("''"), expires_at=bindparam("until"))
)
_FAILED = Statement(
    update(inbox)
    .where(inbox.c.seq == bindparam("of"), inbox.c.state == OPEN)
    .values(state="failed", error=bindparam("error"), expires_at=bindparam("until"))
)
_STATE = Update(
    conversations,
    "id",
    ("state", "version", "ticket", "expires_at"),
    lambda new: {
        "state": new.state,
        "version": new.version,
        "ticket": new.ticket,
        "expires_at": case(
            (conversations.c.expires_at == literal_column("0"), literal_column("0")), else_=new.expires_at
        ),
    },
)
_NUMBER = Insert(ticket_numbers, ("effect",), key=("effect",))
_NUMBERS = Statement(
    select(ticket_numbers.c.effect, ticket_numbers.c.number).where(among(ticket_numbers.c.effect, "effects"))
)
_TICKET_COLUMNS = (
    "number", "conversation", "state", "language", "topic", "urgent", "discreet", "origin", "opened_at", "changed_at",
)  # fmt: skip
_OPENED = Insert(tickets, _TICKET_COLUMNS, key=("number",))
_CHANGED = Statement(
    update(tickets)
    .where(tickets.c.number == bindparam("of"), tickets.c.conversation.is_not(None))
    .values(
        state=bindparam("state"),
        member=func.coalesce(bindparam("member", type_=tickets.c.member.type), tickets.c.member),
        outcome=func.coalesce(bindparam("outcome", type_=tickets.c.outcome.type), tickets.c.outcome),
        urgent=func.coalesce(bindparam("urgent", type_=tickets.c.urgent.type), tickets.c.urgent),
        changed_at=bindparam("at"),
        expires_at=bindparam("until", type_=tickets.c.expires_at.type),
    )
)
_LAST_STEPS = Statement(
    select(ticket_steps.c.ticket, ticket_steps.c.state)
    .where(among(ticket_steps.c.ticket, "numbers"))
    .order_by(ticket_steps.c.row)
)
_STEP = Insert(ticket_steps, ("ticket", "state", "at", "member"))
_ENTRY = Insert(entries, ("id", "ticket", "event", "role", "payload", "at"), key=("id",))
_TIMER = Insert(timers, ("conversation", "name", "at"), key=("conversation", "name"), update={"at": lambda new: new.at})
_NO_TIMER = Statement(
    delete(timers).where(timers.c.conversation == bindparam("of"), timers.c.name == bindparam("called"))
)
_TALLY = Insert(
    tallies,
    ("week", "what", "language", "topic", "count"),
    key=("week", "what", "language", "topic"),
    update={"count": lambda new: tallies.c.count + new.count},
)
_CODE = Statement(
    select(join_codes.c.member, members.c.hash, members.c.name)
    .join(members, members.c.number == join_codes.c.member)
    .where(
        join_codes.c.hash == bindparam("hash"),
        join_codes.c.spent.is_(False),
        join_codes.c.expires_at > bindparam("now"),
    )
    .with_for_update(of=join_codes)
)
_SPEND = Statement(update(join_codes).where(join_codes.c.hash == bindparam("hash")).values(spent=True))
_JOINED = Insert(
    member_addresses,
    ("id", "member", "address"),
    key=("id",),
    update={"member": lambda new: new.member, "address": lambda new: new.address},
)
_CHANGE = Insert(counters, ("name", "value"), key=("name",), update={"value": lambda new: counters.c.value + new.value})


class TakenElsewhereError(Exception):
    """An event was handled by somebody else meanwhile; nothing of the batch is stored, and all is taken again."""


async def number(tx: Tx, codec: Codec, effects: Sequence[str]) -> dict[str, int]:
    """Case numbers for effects; an effect that has one keeps it."""
    keys = {codec.digest("effect", effect): effect for effect in effects}
    await tx.insert(_NUMBER, [{"effect": key} for key in sorted(keys)])
    return {keys[key]: n for key, n in await tx.rows(_NUMBERS, effects=sorted(keys))}


async def finish(tx: Tx, codec: Codec, taken: Sequence[Taken], results: Sequence[Result]) -> None:
    """Store all results and mark their events done; raises when another process has handled one of them."""
    by_event = {one.work.event.id: one for one in taken}
    pairs = [(by_event[result.event.id], result) for result in results]
    await _failed(tx, pairs)
    kept = [(one, result) for one, result in pairs if not result.forget]
    done = [one.seq for one, result in pairs if result.failed is None]
    promised = [(d, one.conversation, result.event, False) for one, result in kept for d in result.deliveries]
    changes: list[Change] = [
        *_done(pairs, done),
        *_conversations(codec, [(one, r) for one, r in kept if r.failed is None]),
        *out.added(codec, promised),
        *_tallies(pairs),
    ]
    if changes:
        touched = await tx.together(changes)
        if done and touched[0] != len(done):
            raise TakenElsewhereError
    changed = await _cases(tx, codec, kept)
    await _timers(tx, kept)
    await _joins(tx, codec, kept)
    await questions.keep(tx, codec, [(result.event, q) for _, result in pairs for q in result.questions])
    for one, result in pairs:
        if result.forget:
            changed = True
            codec.let_go()
            await _forget(tx, codec, one, result)
    if changed:
        await desk_changed(tx)


async def desk_changed(tx: Tx) -> None:
    """Let pages that wait know that a case has changed."""
    await tx.insert(_CHANGE, [{"name": "desk", "value": 1}])


def _done(pairs: Sequence[tuple[Taken, Result]], seqs: list[int]) -> list[Change]:
    if not seqs:
        return []
    latest = max(result.event.at for _, result in pairs)
    return [(_DONE, {"seqs": seqs, "until": micros(latest + retention.EVENT_ID)})]


async def _failed(tx: Tx, pairs: Sequence[tuple[Taken, Result]]) -> None:
    for one, result in pairs:
        if result.failed is not None:
            until = micros(result.event.at + retention.FAILED_EVENT)
            if not await tx.run(_FAILED, of=one.seq, error=result.failed, until=until):
                raise TakenElsewhereError


def _case_of(one: Taken, result: Result) -> int | None:
    """The case that a result is about: opened now, the one a member spoke of, or the conversation's."""
    if result.opened is not None:
        return result.opened.number
    if isinstance(one.work.event, DeskEvent) and one.work.event.ticket is not None:
        return one.work.event.ticket
    for conversation in (result.conversation, one.work.conversation):
        if conversation is not None and conversation.ticket is not None and conversation.ticket.number is not None:
            return conversation.ticket.number
    return one.ticket


def _conversations(codec: Codec, pairs: Sequence[tuple[Taken, Result]]) -> list[Change]:
    rows = [
        {
            "id": one.conversation,
            "state": codec.seal(f"conversation.state:{one.conversation}", result.conversation.to_json()),
            "version": result.conversation.version,
            "ticket": result.opened.number if result.opened is not None else one.ticket,
            "expires_at": micros(result.event.at + retention.CONVERSATION),
        }
        for one, result in pairs
        if result.conversation is not None
    ]
    return [(_STATE, rows)] if rows else []


async def _cases(tx: Tx, codec: Codec, pairs: Sequence[tuple[Taken, Result]]) -> bool:
    opened: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    for one, result in pairs:
        event, case_number = result.event, _case_of(one, result)
        at = micros(event.at)
        if result.opened is not None:
            new = result.opened
            opened.append(
                {
                    "number": new.number,
                    "conversation": one.conversation,
                    "state": "open",
                    "language": new.language,
                    "topic": new.topic,
                    "urgent": new.urgent,
                    "discreet": new.discreet,
                    "origin": (result.conversation or one.work.conversation).address.channel,
                    "opened_at": at,
                    "changed_at": at,
                }
            )
            steps.append({"ticket": new.number, "state": "open", "at": at, "member": None})
        if case_number is None:
            continue
        if result.changed is not None:
            change = result.changed
            closed = change.state == "closed"
            changes.append(
                {
                    "of": case_number,
                    "state": change.state,
                    "member": change.member,
                    "outcome": change.outcome,
                    "urgent": change.urgent,
                    "at": at,
                    "until": micros(event.at + retention.CASE) if closed else None,
                }
            )
            steps.append({"ticket": case_number, "state": change.state, "at": at, "member": change.member})
        lines += [_line(codec, event, case_number, entry, at) for entry in result.entries]
    if opened:
        await tx.insert(_OPENED, opened)
    await tx.run_many(_CHANGED, changes)
    if lines:
        await tx.insert(_ENTRY, lines)
    await _steps(tx, steps)
    return bool(opened or changes or lines)


def _line(codec: Codec, event: Event, case_number: int, entry: Any, at: int) -> dict[str, Any]:
    key = codec.digest("entry", entry.id)
    payload = {
        "id": entry.id,
        "message": entry.message.to_json(),
        "member": entry.member,
        "member_name": event.member_name if isinstance(event, DeskEvent) else "",
        "attachments": list(entry.attachments),
        "source_channel": entry.source_channel,
    }
    return {
        "id": key,
        "ticket": case_number,
        "event": codec.digest("event", event.id),
        "role": entry.role,
        "payload": codec.seal(f"entry:{key}", payload),
        "at": at,
    }


async def _steps(tx: Tx, steps: list[dict[str, Any]]) -> None:
    """Only what is another state than before is a step: since when a person waits is its time."""
    if not steps:
        return
    numbers = sorted({step["ticket"] for step in steps})
    state: dict[int, str] = {ticket: str(state) for ticket, state in await tx.rows(_LAST_STEPS, numbers=numbers)}
    new = []
    for step in steps:
        if state.get(step["ticket"]) != step["state"]:
            state[step["ticket"]] = step["state"]
            new.append(step)
    if new:
        await tx.insert(_STEP, new)


async def _timers(tx: Tx, pairs: Sequence[tuple[Taken, Result]]) -> None:
    wishes = {(one.conversation, timer.name): timer.at for one, result in pairs for timer in result.timers}
    set_ = [{"conversation": lane, "name": name, "at": micros(at)} for (lane, name), at in wishes.items() if at]
    if set_:
        await tx.insert(_TIMER, set_)
    await tx.run_many(_NO_TIMER, [{"of": lane, "called": name} for (lane, name), at in wishes.items() if not at])


async def _joins(tx: Tx, codec: Codec, pairs: Sequence[tuple[Taken, Result]]) -> None:
    for one, result in pairs:
        for code, burn in result.joins:
            event, hashed = result.event, join_key(codec, code)
            found = await tx.rows(_CODE, hash=hashed, now=micros(event.at))
            await tx.run(_SPEND, hash=hashed)
            if burn:
                continue
            name = ""
            for member, key, sealed in found:
                name = codec.open_text(f"member:{key}", sealed)
                of = address_key(codec, event.source)
                address = {"channel": event.source.channel, "peer": event.source.peer, "thread": event.source.thread}
                await tx.insert(
                    _JOINED, [{"id": of, "member": member, "address": codec.seal(f"member_address:{of}", address)}]
                )
            answer = JoinAnswered(
                id=f"join:{event.id}", at=event.at, source=event.source, accepted=bool(found), name=name
            )
            await enqueue(tx, codec, [(answer, one.conversation)])


def _tallies(pairs: Sequence[tuple[Taken, Result]]) -> list[Change]:
    counted = Counter(
        (week(result.event.at), tally.what, tally.language, tally.topic)
        for _, result in pairs
        for tally in result.tallies
    )
    names = ("week", "what", "language", "topic", "count")
    rows = [dict(zip(names, (*key, counted[key]), strict=True)) for key in sorted(counted)]
    return [(_TALLY, rows)] if rows else []


async def _forget(tx: Tx, codec: Codec, one: Taken, result: Result) -> None:
    # What is said at the end still goes out.
    if promised := out.added(codec, [(d, one.conversation, result.event, True) for d in result.deliveries]):
        await tx.together(promised)
    await retention.forget(
        tx,
        [one.conversation],
        result.event.at,
        withdrawing(codec, result.event.at),
        but_of_events=[codec.digest("event", result.event.id)],
    )
