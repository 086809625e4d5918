"""What shall happen: wishes of a step, carried out by the worker, the store and the outbox.

The n-th effect of an event has the id `<event id>:<n>`; carrying it out twice is carrying it out once.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from flows.core.delivery import Attachment, Role
from flows.core.events import Address
from flows.core.phrases import Message, Phrase

TicketState = Literal["open", "claimed", "waiting-person", "waiting-staff", "closed"]
Outcome = Literal["answered", "referred", "no-reply", "unreachable"]


@dataclass(frozen=True, kw_only=True)
class SendMessage:
    """Say something to the person (or to `to`)."""

    message: Message
    role: Role = "reply"  # "agent" for a member's words: their arrival is reported back
    to: Address | None = None
    attachments: tuple[Attachment, ...] = ()
    source_channel: str = ""
    edits: str | None = None  # id of the delivery this one corrects
    answers: str | None = None  # callback id


@dataclass(frozen=True, kw_only=True)
class OpenTicket:
    """Open a case for this conversation; the store gives it a number."""

    topic: str | None
    language: str
    discreet: bool
    urgent: bool


@dataclass(frozen=True, kw_only=True)
class ChangeTicket:
    """Move the conversation's case on."""

    state: TicketState
    member: int | None = None
    outcome: Outcome | None = None
    urgent: bool | None = None


@dataclass(frozen=True, kw_only=True)
class PostToDesk:
    """Put something into the case, visible to staff only.

    `in_full` False: rooms outside the web desk get "case 42 · ar · waiting" instead of the words.
    """

    message: Message
    role: Literal["brief", "copy", "note", "mark", "agent"]
    attachments: tuple[Attachment, ...] = ()
    source_channel: str = ""
    external: str = ""  # the person's own message id, so that an edit finds it
    in_rooms: bool = True  # False: only in the case itself (a note is already in its room)
    quotes_event: str | None = None


@dataclass(frozen=True, kw_only=True)
class WakeDesk:
    """Call members who asked for it: a new or waiting case."""

    urgent: bool = False


@dataclass(frozen=True, kw_only=True)
class SetTimer:
    """Fire TimerFired(name) at a time; an earlier timer of that name is replaced."""

    name: str
    at: dt.datetime


@dataclass(frozen=True, kw_only=True)
class CancelTimer:
    """Forget a timer."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Forget:
    """Remove everything kept about this person, staff copies included."""


@dataclass(frozen=True, kw_only=True)
class TryJoin:
    """Look at a join code somebody sent; the answer comes as JoinAnswered. `burn` only spends it."""

    code: str
    burn: bool = False


@dataclass(frozen=True, kw_only=True)
class KeepQuestion:
    """Keep the words of a question that had no answer, without anything of who asked; only after they agreed."""

    text: str
    language: str
    topic: str
    district: str


@dataclass(frozen=True, kw_only=True)
class Count:
    """Count something without saying who: a gap, an ignored message, a helped answer."""

    what: str  # "gap", "ignored", "helped", "not-helped", "refused"
    language: str = ""
    topic: str = ""


Effect = (
    SendMessage
    | OpenTicket
    | ChangeTicket
    | PostToDesk
    | WakeDesk
    | SetTimer
    | CancelTimer
    | Forget
    | TryJoin
    | KeepQuestion
    | Count
)

__all__ = [
    "CancelTimer", "ChangeTicket", "Count", "Effect", "Forget", "KeepQuestion", "OpenTicket", "Outcome", "Phrase",
    "PostToDesk", "SendMessage", "SetTimer", "TicketState", "TryJoin", "WakeDesk",
]  # fmt: skip
