"""The web chat as a channel: what is sent stays in the outbox, and the browser reads it from there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.channels.base import Accept
from bot.errors import SendError
from flows.core.delivery import Attachment, Capabilities, Delivery, Receipt


class WebChannel:
    """Sending is done when the row is there: any process can show it to the browser that asks."""

    name = "web"
    can = Capabilities(buttons=True, text_limit=100_000)

    def __init__(self) -> None:
        self.closing = asyncio.Event()

    async def receive(self, accept: Accept) -> None:
        """Requests bring the events."""
        await asyncio.Event().wait()

    async def send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]] = ()) -> Receipt:
        return Receipt(external_ids=(delivery.id,))

    async def fetch(self, attachment: Attachment) -> bytes:
        """The web chat takes no files yet."""
        raise SendError(retryable=False, reason="refused")

    async def check(self) -> Sequence[tuple[str, bool, str]]:
        return ()

    async def close(self) -> None:
        self.closing.set()
