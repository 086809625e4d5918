"""All that is remembered, batch-shaped, one transaction per batch.

The protocol `Store` has two implementations, `db.sqlite` and `db.postgresql`; every contract test runs on both.
The road of a message through it: `accept` (inbox with the channel's cursor) → `batch` (oldest open event of each
free conversation, with its state) → `Batch.finish` (states, cases, outbox, timers, inbox marked done: one
transaction) → `due` → `settle`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from flows.core.conversation import Conversation
from flows.core.delivery import Delivery, RenderedMessage
from flows.core.effects import Outcome, TicketState
from flows.core.events import Address, Event


class SchemaError(Exception):
    """The database was made by another release; the sentence says what to do. Trying again gives the same error."""


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Where a channel goes on reading: written in the same transaction as the events before it."""

    name: str  # "telegram:<bot id>"
    value: str


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A case as it stands."""

    number: int
    state: TicketState
    language: str
    topic: str | None
    urgent: bool
    discreet: bool
    member: int | None
    member_name: str
    opened_at: dt.datetime
    changed_at: dt.datetime
    outcome: Outcome | None
    origin: str  # the person's channel


@dataclass(frozen=True, kw_only=True)
class Work:
    """One event to be handled now, with the state it meets.

    The event has been completed: `staffed`, and for desk events `ticket`, `member`, `member_name`, `quotes`.
    `ticket` is the open (or last) case of the conversation.
    """

    event: Event
    conversation: Conversation
    ticket: Ticket | None = None


@dataclass(frozen=True, kw_only=True)
class TicketOpened:
    """A new case; its number was given by `Batch.number`."""

    id: str
    number: int
    topic: str | None
    language: str
    urgent: bool
    discreet: bool


@dataclass(frozen=True, kw_only=True)
class TicketChanged:
    """A case moves on."""

    state: TicketState
    member: int | None = None
    outcome: Outcome | None = None
    urgent: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a case, as staff read it."""

    id: str
    role: Literal["brief", "copy", "note", "mark", "agent"]
    message: RenderedMessage
    member: int | None = None
    attachments: tuple[dict[str, Any], ...] = ()
    source_channel: str = ""


@dataclass(frozen=True, kw_only=True)
class TimerSet:
    """A timer to be kept; `at` None removes it."""

    name: str
    at: dt.datetime | None


@dataclass(frozen=True, kw_only=True)
class Tally:
    """One more of something, in this week, without saying who."""

    what: str
    language: str = ""
    topic: str = ""


@dataclass(frozen=True, kw_only=True)
class KeptQuestion:
    """A question we had no answer to, kept because the person agreed, without anything of them."""

    language: str
    topic: str  # the nearest, "" when none is near
    district: str  # number of the quarter, "" when not given
    text: str
    week: str = ""  # "2026-W48", given when it is stored


@dataclass(frozen=True, kw_only=True)
class Result:
    """What handling one event came to. All results of a batch are stored in one transaction.

    `conversation` None with `forget` removes the person's data wherever the store has it.
    `failed` names the exception class of a step that raised: the event is set aside, the state stays.
    """

    event: Event
    conversation: Conversation | None
    opened: TicketOpened | None = None
    changed: TicketChanged | None = None
    entries: tuple[Entry, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    timers: tuple[TimerSet, ...] = ()
    joins: tuple[tuple[str, bool], ...] = ()  # (code, burn only)
    tallies: tuple[Tally, ...] = ()
    questions: tuple[KeptQuestion, ...] = ()
    forget: bool = False
    failed: str | None = None


class Batch(Protocol):
    """Events taken together; leaving without `finish` means that nothing happened."""

    work: tuple[Work, ...]

    async def number(self, tickets: Sequence[str]) -> dict[str, int]:
        """Case numbers for effects that open a case; the same effect always gets the same number."""

    async def finish(self, results: Sequence[Result]) -> None:
        """Store all results and mark their events done, in one transaction."""


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """The outcome of one attempt to deliver."""

    delivery: str
    sent: bool
    external_ids: tuple[str, ...] = ()
    thread: str | None = None  # the desk thread made for the case, also when what should stand in it was not sent
    thread_gone: bool = False  # the thread was deleted: forget it and send the case's brief again first
    moved_to: str | None = None  # the recipient's new id
    retry_at: dt.datetime | None = None  # None and not sent: given up
    reason: Literal["blocked", "gone", "refused", "gave-up"] = "refused"


Held = tuple[str, "str | None"]
"""A channel and a peer that nothing may be sent to now; without a peer the whole channel."""

Take = Callable[[Delivery], bool]
"""Whether a delivery that is due is taken now; asked in the order of urgency."""

Role = Literal["coordinator", "member", "mediator"]


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody on staff."""

    id: int
    name: str
    role: Role
    languages: tuple[str, ...]
    wake: bool
    addresses: tuple[Address, ...] = ()  # where private messages reach them


@dataclass(frozen=True, kw_only=True)
class CaseLine:
    """A case in the desk's list."""

    ticket: Ticket
    waiting_since: dt.datetime | None


@dataclass(frozen=True, kw_only=True)
class EntryView:
    """A line of a case with when it was made and what became of it."""

    entry: Entry
    at: dt.datetime
    member_name: str
    delivered: bool | None  # of an agent's words: True sent, False failed, None on its way


class Lead(Protocol):
    """The right to do what only one process may do at a time: long polling, Matrix, timers."""

    async def hold(self) -> None:
        """Return when the right is lost, because the database or the way to it is gone."""

    async def release(self) -> None:
        """Let another process have it."""


class Store(Protocol):
    """Everything the runtime, the desk and the command line remember."""

    async def open(self) -> None:
        """Connect; on SQLite also copy and migrate. SchemaError when the schema is not the program's."""

    async def close(self) -> None:
        """Finish what is in flight and let go."""

    # ---- the road of a message ----

    async def accept(
        self, events: Sequence[Event], cursor: Cursor | None = None, seen: Callable[[], None] | None = None
    ) -> int:
        """Put events into the inbox with the cursor, in one durable transaction; duplicates change nothing.

        Returns how many were new. When this returns, the vendor may have its confirmation. `seen` is called as soon
        as the events can be taken, which may be a little before: nothing leaves before what it rests on is durable.
        """

    async def cursor(self, name: str) -> str | None:
        """Where that channel goes on reading."""

    def batch(self, limit: int = 64) -> AbstractAsyncContextManager[Batch]:
        """The oldest open event of up to `limit` conversations that nobody else is handling."""

    async def due(
        self,
        now: dt.datetime,
        limit: int = 64,
        but: Collection[str] = (),
        held: Collection[Held] = (),
        take: Take | None = None,
    ) -> Sequence[Delivery]:
        """Deliveries to be tried now: crisis first, then people, then staff; of each lane at most the oldest.

        A lane is a recipient with the case or thread. Those of the ids in `but` are being tried already: they are
        left out, and what waits behind them too. Nothing for `held` is looked at. Of what is found, `take` says
        which is wanted; without it all are.
        """

    async def behind(self, delivery: str, limit: int) -> Sequence[Delivery]:
        """What waits in the lane behind a delivery, in order."""

    async def settle(self, settlements: Sequence[Settlement], now: dt.datetime) -> None:
        """Store outcomes: receipts, retries, and what was given up (a DeliveryFailed for the conversation)."""

    async def fire_timers(self, now: dt.datetime) -> int:
        """Turn due timers into events; returns how many."""

    async def next_due(self) -> dt.datetime | None:
        """When the earliest timer or retry comes, None when there is none."""

    async def conversation(self, address: Address) -> Conversation | None:
        """The conversation with that address, if there is one."""

    async def lead(self) -> Lead | None:
        """The right to do what only one process may; None while another process has it."""

    # ---- staff ----

    async def add_member(self, name: str, role: Role, languages: Sequence[str], wake: bool) -> Member:
        """A new member; ValueError when the name is taken."""

    async def members(self) -> Sequence[Member]:
        """All members, by name."""

    async def remove_member(self, name: str) -> bool:
        """Take somebody off staff, with their addresses, codes, links and sessions."""

    async def join_code(self, name: str, now: dt.datetime) -> str:
        """A code of at least 80 random bits, valid once for 24 h, kept only as a hash. KeyError: no such member."""

    async def desk_link(self, name: str, now: dt.datetime) -> str:
        """A one-time token of 256 bits for the web desk, valid ten minutes, kept only as a hash."""

    async def link_owner(self, token: str, now: dt.datetime) -> Member | None:
        """Whose link this is, without spending it."""

    async def spend_link(self, token: str, now: dt.datetime) -> tuple[Member, str] | None:
        """Spend a link: the member and a new desk session token, or None."""

    async def desk_member(self, session: str, now: dt.datetime) -> Member | None:
        """The member whose desk session this is."""

    async def end_desk_session(self, session: str) -> None:
        """Log out."""

    async def cases(self, closed: bool = False) -> Sequence[CaseLine]:
        """Open cases (or closed ones not yet purged), urgent and longest waiting first."""

    async def case(self, number: int) -> tuple[Ticket, Sequence[EntryView]] | None:
        """One case with its lines in order."""

    async def desk_version(self) -> int:
        """A number that grows whenever any case changes, for pages that wait."""

    # ---- the web chat ----

    async def web_session(self, token: str, now: dt.datetime, keep: bool = False) -> str:
        """The peer of a browser's token (made when new); only a hash of the token is kept."""

    async def web_peer(self, token: str, now: dt.datetime, keep: bool = False) -> str | None:
        """The peer of a browser's token that is known; None for one we did not give out or that has expired."""

    async def end_web_session(self, token: str) -> None:
        """End a browser's session; its conversation ends with it."""

    async def web_messages(self, peer: str, after: int) -> Sequence[tuple[int, Delivery]]:
        """Messages to a web peer after an outbox row, in order, with their row numbers."""

    # ---- keeping house ----

    async def purge(self, now: dt.datetime) -> int:
        """Remove what has expired; returns how many rows."""

    async def figures(self) -> dict[str, float]:
        """Counts and ages for health and metrics: inbox_open, outbox_open, oldest ages in seconds, failed."""

    async def questions(self) -> Sequence[KeptQuestion]:
        """Questions that people let us keep, the latest week first."""

    async def tallies(self) -> dict[tuple[str, str, str], int]:
        """Counts of this week by (what, language, topic)."""
