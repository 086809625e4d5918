"""What happened: facts that a conversation is told, one at a time, in order.

Every event has the id `<channel>:<external id>`, the time it happened, and the address it came from.
Events are frozen and checked when made; they survive JSON.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from flows.core.delivery import Attachment


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where somebody can be reached: a channel, an id there, and for a staff room the thread."""

    channel: str  # "telegram", "web", "console", "matrix", "desk"
    peer: str
    thread: str | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact with an identity, a time and a source.

    `staffed` says whether any member of staff exists; the store fills it in when the event is taken.
    """

    kind: ClassVar[str]
    id: str
    at: dt.datetime
    source: Address
    staffed: bool = False

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("an event needs an id")
        if self.at.tzinfo is None:
            raise ValueError(f"event {self.id}: the time needs a time zone")


# ---- from a person ----


@dataclass(frozen=True, kw_only=True)
class MessageReceived(Event):
    """A person wrote something, or sent a file."""

    kind = "message"
    text: str = ""
    message: str = ""  # external id of the message
    attachments: tuple[Attachment, ...] = ()
    edited: bool = False  # an earlier message with this id was changed
    platform_language: str | None = None


@dataclass(frozen=True, kw_only=True)
class MessageWithdrawn(Event):
    """A person took back something they had written; what was understood stays understood."""

    kind = "withdrawn"
    message: str = ""  # external id of the message


@dataclass(frozen=True, kw_only=True)
class ChoiceMade(Event):
    """A person pressed a button or picked a number."""

    kind = "choice"
    choice: str
    message: str = ""  # external id of the message the button stands under
    callback: str | None = None  # to be answered, so that the button stops spinning
    platform_language: str | None = None


@dataclass(frozen=True, kw_only=True)
class CommandGiven(Event):
    """A person typed a command of the channel (`/start`, `/delete`), without the slash."""

    kind = "command"
    name: str
    argument: str = ""
    private: bool = True  # False: typed in a group
    platform_language: str | None = None


@dataclass(frozen=True, kw_only=True)
class PersonLeft(Event):
    """A person blocked the bot or deleted their account."""

    kind = "left"


# ---- from staff ----


@dataclass(frozen=True, kw_only=True)
class DeskEvent(Event):
    """Something a member of staff did to a case.

    From the web desk and the terminal `ticket` and `member` are known. From a staff room `author` is the vendor's
    id of who wrote, `source.thread` the case's thread, and the store finds `ticket`, `member` and what
    `reply_to` points at when the event is taken. `member` is None when the author is not on staff.
    """

    ticket: int | None = None
    member: int | None = None
    member_name: str = ""
    author: str = ""


@dataclass(frozen=True, kw_only=True)
class AgentWrote(DeskEvent):
    """A member wrote in a case's thread; whether it may leave is decided by promise 9.

    `quotes` is "person" only when `reply_to` is our copy of something this person wrote.
    `command` is "reply" or "note" from places with separate fields for both.
    """

    kind = "agent-wrote"
    text: str = ""
    message: str = ""
    reply_to: str | None = None
    quotes: Literal["person", "other"] | None = None
    command: Literal["reply", "note"] | None = None
    attachments: tuple[Attachment, ...] = ()
    edited: bool = False


@dataclass(frozen=True, kw_only=True)
class TicketClaimed(DeskEvent):
    """A member took a case."""

    kind = "ticket-claimed"


@dataclass(frozen=True, kw_only=True)
class TicketClosed(DeskEvent):
    """A member ended a case."""

    kind = "ticket-closed"
    outcome: Literal["answered", "referred", "no-reply", "unreachable"] = "answered"


# ---- from the machinery ----


@dataclass(frozen=True, kw_only=True)
class TimerFired(Event):
    """A time that was set has come."""

    kind = "timer"
    name: str


@dataclass(frozen=True, kw_only=True)
class ReplyDelivered(Event):
    """A member's words reached the person."""

    kind = "delivered"
    delivery: str


@dataclass(frozen=True, kw_only=True)
class DeliveryFailed(Event):
    """Something could not be delivered and will not be tried again."""

    kind = "delivery-failed"
    delivery: str
    role: str = "reply"
    reason: Literal["blocked", "gone", "refused", "gave-up"] = "refused"


@dataclass(frozen=True, kw_only=True)
class JoinAnswered(Event):
    """A join code was looked at: whether it opened the desk to this address."""

    kind = "join-answered"
    accepted: bool
    name: str = ""


KINDS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        MessageReceived,
        MessageWithdrawn,
        ChoiceMade,
        CommandGiven,
        PersonLeft,
        AgentWrote,
        TicketClaimed,
        TicketClosed,
        TimerFired,
        ReplyDelivered,
        DeliveryFailed,
        JoinAnswered,
    )
}


def to_json(event: Event) -> dict[str, Any]:
    """The form an event has in the inbox."""
    data: dict[str, Any] = {"kind": event.kind}
    for f in fields(event):
        value = getattr(event, f.name)
        if isinstance(value, dt.datetime):
            value = value.isoformat()
        elif isinstance(value, Address):
            value = [value.channel, value.peer, value.thread]
        elif f.name == "attachments":
            value = [attachment.to_json() for attachment in value]
        data[f.name] = value
    return data


def from_json(data: Mapping[str, Any]) -> Event:
    """The event that `to_json` described; ValueError for a kind nobody knows."""
    values = dict(data)
    kind = values.pop("kind")
    if kind not in KINDS:
        raise ValueError(f"unknown kind of event: {kind!r}")
    values["at"] = dt.datetime.fromisoformat(values["at"])
    channel, peer, thread = values["source"]
    values["source"] = Address(channel=channel, peer=peer, thread=thread)
    if "attachments" in values:
        values["attachments"] = tuple(Attachment.from_json(a) for a in values["attachments"])
    return KINDS[kind](**values)


__all__ = [
    "Address", "AgentWrote", "ChoiceMade", "CommandGiven", "DeliveryFailed", "DeskEvent", "Event", "JoinAnswered",
    "MessageReceived", "MessageWithdrawn", "PersonLeft", "ReplyDelivered", "TicketClaimed", "TicketClosed",
    "TimerFired", "from_json", "to_json",
]  # fmt: skip
