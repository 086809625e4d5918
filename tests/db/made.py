"""Events, deliveries and results for tests of the store, made in one line each."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from db.store import Entry, Result, Store, TicketOpened, Work
from flows.core.conversation import Conversation, TicketRef
from flows.core.delivery import Delivery, RenderedMessage
from flows.core.events import Address, AgentWrote, Event, MessageReceived

NOW = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
ROOM = Address(channel="telegram", peer="-100777")


def later(**spans: float) -> dt.datetime:
    return NOW + dt.timedelta(**spans)


def person(n: int | str = 1) -> Address:
    return Address(channel="telegram", peer=f"person-{n}")


def message(number: int, source: Address | None = None, text: str = "Wohin mit dem Sofa?") -> MessageReceived:
    return MessageReceived(id=f"telegram:7:{number}", at=NOW, source=source or person(), text=text, message=str(number))


def staff_wrote(number: int, **fields: Any) -> AgentWrote:
    source = replace(ROOM, thread=fields.pop("thread", None))
    return AgentWrote(id=f"telegram:7:{number}", at=NOW, source=source, **fields)


def says(text: str) -> RenderedMessage:
    return RenderedMessage(text=text, blocks=(), choices=(), language="de")


def reply(event: Event, n: int = 0, text: str = "Zum Wertstoffhof.", **fields: Any) -> Delivery:
    values: dict[str, Any] = {
        "id": f"{event.id}:{n}",
        "channel": event.source.channel,
        "peer": event.source.peer,
        "role": "reply",
        "message": says(text),
    }
    return Delivery(**{**values, **fields})


def to_room(event: Event, n: int, ticket: int, role: str = "copy", text: str = "copied", **fields: Any) -> Delivery:
    return reply(event, n, text, channel=ROOM.channel, peer=ROOM.peer, role=role, ticket=ticket, **fields)


def handled(work: Work, **fields: Any) -> Result:
    """The result of a step that did nothing else than what is given."""
    conversation: Conversation = fields.pop("conversation", work.conversation)
    conversation = replace(conversation, version=work.conversation.version + 1)
    return Result(event=work.event, conversation=conversation, **fields)


async def handle_all(store: Store, **fields: Any) -> list[Work]:
    """Handle everything open, each with a result of these fields; returns the work in the order it was given."""
    seen: list[Work] = []
    while True:
        async with store.batch() as batch:
            if not batch.work:
                return seen
            seen += batch.work
            await batch.finish([handled(work, **fields) for work in batch.work])


async def open_case(store: Store, number: int = 1, source: Address | None = None, in_room: bool = True) -> int:
    """A person's message that opens a case, with its brief and a copy, both for the room; returns the case's number."""
    event = message(number, source, text="Ich brauche Hilfe")
    await store.accept([event])
    async with store.batch() as batch:
        (work,) = batch.work
        effect = f"{event.id}:0"
        case = (await batch.number([effect]))[effect]
        ticket = TicketRef(id=effect, number=case)
        rooms = (
            to_room(event, 1, case, "brief", "the brief", title=f"#{case}"),
            to_room(event, 2, case, "copy", "the copy"),
        )
        await batch.finish(
            [
                handled(
                    work,
                    conversation=replace(work.conversation, mode="desk", ticket=ticket),
                    opened=TicketOpened(
                        id=effect, number=case, topic="jobcenter", language="ar", urgent=False, discreet=False
                    ),
                    entries=(
                        Entry(id=f"{event.id}:1", role="brief", message=says("the brief")),
                        Entry(id=f"{event.id}:2", role="copy", message=says("the copy")),
                    ),
                    deliveries=rooms if in_room else (),
                )
            ]
        )
    return case
