"""What a channel is: it receives events and sends deliveries, and translates; it decides nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from flows.core.delivery import Attachment, Capabilities, Delivery, Receipt
from flows.core.events import Event

Accept = Callable[[Sequence[Event], "tuple[str, str] | None"], Awaitable[int]]
"""Puts events into the inbox with the channel's cursor (name, value); durable when it returns."""

ReadCursor = Callable[[str], Awaitable["str | None"]]


class Channel(Protocol):
    """A way to reach people, or the place where staff work."""

    name: str
    can: Capabilities

    async def receive(self, accept: Accept) -> None:
        """Receive until cancelled; the vendor gets its confirmation only after `accept` returned."""

    async def send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]] = ()) -> Receipt:
        """Deliver one message. SendError says whether it is worth another try, and when."""

    async def fetch(self, attachment: Attachment) -> bytes:
        """The bytes of a file somebody sent here. SendError when it cannot be had."""

    async def check(self) -> Sequence[tuple[str, bool, str]]:
        """For `lotse doctor`: (what was looked at, whether it is fine, what to do)."""

    async def close(self) -> None:
        """Let go of connections."""


class DeskView(Protocol):
    """What the desk's pages read; implemented in `db/`, handed in by `bot/app`. See `db.store.Store`."""

    async def cases(self, closed: bool = False) -> Sequence[Any]: ...
    async def case(self, number: int) -> Any: ...
    async def desk_version(self) -> int: ...
    async def questions(self) -> Sequence[Any]: ...
    async def link_owner(self, token: str, now: dt.datetime) -> Any: ...
    async def spend_link(self, token: str, now: dt.datetime) -> Any: ...
    async def desk_member(self, session: str, now: dt.datetime) -> Any: ...
    async def end_desk_session(self, session: str) -> None: ...


class ChatView(Protocol):
    """What the web chat's page reads; implemented in `db/`, handed in by `bot/app`."""

    async def web_session(self, token: str, now: dt.datetime, keep: bool = False) -> str: ...
    async def web_peer(self, token: str, now: dt.datetime, keep: bool = False) -> str | None: ...
    async def end_web_session(self, token: str) -> None: ...
    async def web_messages(self, peer: str, after: int) -> Sequence[tuple[int, Delivery]]: ...
