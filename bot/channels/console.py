"""The terminal as a channel: `lotse chat`. Nothing leaves the machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

from bot.channels.base import Accept
from bot.errors import SendError
from flows.core.delivery import Attachment, Capabilities, Delivery, Receipt, RenderedMessage

NOTICES = ("fallback", "outdated", "draft")
"""In order of weight: the first is the message's `notice`."""


def message_json(message: RenderedMessage) -> dict[str, object]:
    """A message as one line of `lotse chat --json`."""
    return {
        "kind": "message",
        "text": message.text,
        "choices": [{"id": button.id, "label": button.label} for button in message.choices],
        "article": message.article,
        "language": message.language,
        "notice": next((notice for notice in NOTICES if notice in message.notices), None),
        "notices": list(message.notices),
        "crisis": message.crisis,
    }


class ConsoleChannel:
    """Prints what is sent; the chat's loop reads what is typed."""

    name = "console"
    can = Capabilities(buttons=False)

    def __init__(self, write: Callable[[str], None], as_json: bool) -> None:
        self.write = write
        self.as_json = as_json
        self.sent = 0

    async def receive(self, accept: Accept) -> None:
        """Lines are fed by the chat's loop."""
        await asyncio.Event().wait()

    async def send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]] = ()) -> Receipt:
        """Print one message, with its choices numbered."""
        message = delivery.message
        if message.text or message.choices:
            self.sent += 1
            if self.as_json:
                self.write(json.dumps(message_json(message), ensure_ascii=False))
            else:
                numbered = [f"  {n:>2}  {button.label}" for n, button in enumerate(message.choices, 1)]
                self.write("\n".join(["", message.text, *([""] if numbered else []), *numbered, ""]))
        return Receipt(external_ids=(delivery.id,))

    async def fetch(self, attachment: Attachment) -> bytes:
        """There are no files in the terminal."""
        raise SendError(retryable=False, reason="refused")

    async def check(self) -> Sequence[tuple[str, bool, str]]:
        return ()

    async def close(self) -> None:
        return None
