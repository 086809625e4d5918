"""What both stores share: each method of the protocol is an operation in one transaction."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from sqlalchemy import bindparam, select

from db import desk_view, finish, inbox, outbox, questions, retention, staff, web
from db import figures as numbers
from db import timers as times
from db.codec import Codec
from db.records import address_key
from db.sql import Statement, Tx
from db.store import (
    Batch,
    CaseLine,
    Cursor,
    EntryView,
    Held,
    KeptQuestion,
    Lead,
    Member,
    Role,
    Settlement,
    Take,
    Ticket,
)
from db.tables import conversations
from db.withdraw import withdrawing
from flows.core.conversation import Conversation
from flows.core.delivery import Delivery
from flows.core.events import Address, Event

T = TypeVar("T")
Operation = Callable[[Tx], Awaitable[T]]

_STATE = Statement(select(conversations.c.state).where(conversations.c.id == bindparam("of")))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class SqlStore(ABC):
    """A `Store` over SQL; a subclass says how an operation gets its transaction."""

    lease: dt.timedelta | None = None  # how long a delivery handed out is kept from other processes

    def __init__(self, codec: Codec) -> None:
        self.codec = codec

    @abstractmethod
    async def open(self) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    async def lead(self) -> Lead | None: ...

    @abstractmethod
    def batch(self, limit: int = 64) -> AbstractAsyncContextManager[Batch]: ...

    @abstractmethod
    async def _write(
        self,
        operation: Operation[T],
        erases: bool = False,
        relaxed: bool = False,
        seen: Callable[[], None] | None = None,
    ) -> T:
        """Carry out in a transaction that is durable on return.

        `erases`: nothing removed may stay readable. `relaxed`: on return it need only survive this program.
        `seen` is called when others can read it, which may be before the return.
        """

    async def _lend(self, operation: Operation[T]) -> T:
        """Carry out a change that concerns only what runs now: a power cut may undo it."""
        return await self._write(operation, relaxed=True)

    @abstractmethod
    async def _read(self, operation: Operation[T]) -> T:
        """Carry out in a transaction that changes nothing."""

    # ---- the road of a message ----

    async def accept(
        self, events: Sequence[Event], cursor: Cursor | None = None, seen: Callable[[], None] | None = None
    ) -> int:
        return await self._write(lambda tx: inbox.accept(tx, self.codec, events, cursor), seen=seen)

    async def cursor(self, name: str) -> str | None:
        return await self._read(lambda tx: inbox.read_cursor(tx, name))

    async def due(
        self,
        now: dt.datetime,
        limit: int = 64,
        but: Collection[str] = (),
        held: Collection[Held] = (),
        take: Take | None = None,
    ) -> Sequence[Delivery]:
        def operation(tx: Tx) -> Awaitable[Sequence[Delivery]]:
            return outbox.due(tx, self.codec, now, limit, but, self.lease, held, take)

        return await (self._read(operation) if self.lease is None else self._lend(operation))

    async def behind(self, delivery: str, limit: int) -> Sequence[Delivery]:
        return await self._read(lambda tx: outbox.behind(tx, self.codec, delivery, limit))

    async def settle(self, settlements: Sequence[Settlement], now: dt.datetime) -> None:
        async def operation(tx: Tx) -> None:
            if await outbox.settle(tx, self.codec, settlements, now):
                await finish.desk_changed(tx)

        await self._write(operation, relaxed=True)

    async def fire_timers(self, now: dt.datetime) -> int:
        if not await self._read(lambda tx: times.any_due(tx, now)):
            return 0
        return await self._write(lambda tx: times.fire_timers(tx, self.codec, now))

    async def next_due(self) -> dt.datetime | None:
        return await self._read(times.next_due)

    async def conversation(self, address: Address) -> Conversation | None:
        key = address_key(self.codec, address)
        for (state,) in await self._read(lambda tx: tx.rows(_STATE, of=key)):
            if state is not None:
                return Conversation.from_json(self.codec.open_json(f"conversation.state:{key}", state))
        return None

    # ---- staff ----

    async def add_member(self, name: str, role: Role, languages: Sequence[str], wake: bool) -> Member:
        return await self._write(lambda tx: staff.add_member(tx, self.codec, name, role, languages, wake))

    async def members(self) -> Sequence[Member]:
        return await self._read(lambda tx: staff.all_members(tx, self.codec))

    async def remove_member(self, name: str) -> bool:
        return await self._write(lambda tx: staff.remove_member(tx, self.codec, name), erases=True)

    async def join_code(self, name: str, now: dt.datetime) -> str:
        return await self._write(lambda tx: staff.join_code(tx, self.codec, name, now))

    async def desk_link(self, name: str, now: dt.datetime) -> str:
        return await self._write(lambda tx: staff.desk_link(tx, self.codec, name, now))

    async def link_owner(self, token: str, now: dt.datetime) -> Member | None:
        return await self._read(lambda tx: staff.link_owner(tx, self.codec, token, now))

    async def spend_link(self, token: str, now: dt.datetime) -> tuple[Member, str] | None:
        return await self._write(lambda tx: staff.spend_link(tx, self.codec, token, now))

    async def desk_member(self, session: str, now: dt.datetime) -> Member | None:
        return await self._read(lambda tx: staff.desk_member(tx, self.codec, session, now))

    async def end_desk_session(self, session: str) -> None:
        await self._write(lambda tx: staff.end_desk_session(tx, self.codec, session))

    async def cases(self, closed: bool = False) -> Sequence[CaseLine]:
        return await self._read(lambda tx: desk_view.cases(tx, self.codec, closed))

    async def case(self, number: int) -> tuple[Ticket, Sequence[EntryView]] | None:
        return await self._read(lambda tx: desk_view.case(tx, self.codec, number))

    async def desk_version(self) -> int:
        return await self._read(desk_view.version)

    # ---- the web chat ----

    async def web_session(self, token: str, now: dt.datetime, keep: bool = False) -> str:
        peer = await self._write(lambda tx: web.session(tx, self.codec, token, now, keep, make=True))
        assert peer is not None
        return peer

    async def web_peer(self, token: str, now: dt.datetime, keep: bool = False) -> str | None:
        return await self._write(lambda tx: web.session(tx, self.codec, token, now, keep, make=False))

    async def end_web_session(self, token: str) -> None:
        await self._write(lambda tx: web.end_session(tx, self.codec, token, _now()), erases=True)

    async def web_messages(self, peer: str, after: int) -> Sequence[tuple[int, Delivery]]:
        return await self._read(lambda tx: outbox.web_messages(tx, self.codec, peer, after))

    # ---- keeping house ----

    async def purge(self, now: dt.datetime) -> int:
        self.codec.let_go()
        return await self._write(lambda tx: retention.purge(tx, now, withdrawing(self.codec, now)), erases=True)

    async def figures(self) -> dict[str, float]:
        return await self._read(lambda tx: numbers.figures(tx, _now()))

    async def questions(self) -> Sequence[KeptQuestion]:
        return await self._read(lambda tx: questions.all_kept(tx, self.codec))

    async def tallies(self) -> dict[tuple[str, str, str], int]:
        return await self._read(lambda tx: numbers.tallies_of(tx, _now()))
