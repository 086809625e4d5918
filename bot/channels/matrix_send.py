"""Sending one delivery to Matrix: every event has a transaction id made from the delivery, so a repeat is no second.

The id also names the thread: what is sent again into a new thread is another message.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import mimetypes
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal
from urllib.parse import quote

from bot.channels import matrix_text
from bot.channels.matrix_client import Allowed, MatrixClient
from bot.channels.matrix_files import upload
from bot.channels.matrix_requests import NETWORK, MatrixError, send_error
from bot.channels.matrix_rooms import Rooms
from bot.channels.matrix_state import MatrixState
from bot.errors import SendError
from flows.core.delivery import Attachment, Delivery, Receipt

POLL_ANSWERS = 20
MEETING_ATTEMPTS = 3
_ALOUD = ("agent", "wake", "brief", "copy")
"""What wakes a phone; the bot's own words are notices, which do not, and which other bots leave alone."""

Offer = Callable[[str, str, int], None]


class Sender:
    """Turns deliveries into events.

    `offer(room, event, n)` is told that a message with n choices was sent. `allowed` picks the devices of staff.
    """

    def __init__(
        self,
        client: MatrixClient,
        state: MatrixState,
        rooms: Rooms,
        *,
        choices: Literal["reactions", "numbers", "polls"],
        offer: Offer,
        allowed: Allowed | None,
    ) -> None:
        self._client = client
        self._state = state
        self._rooms = rooms
        self._choices = choices
        self._offer = offer
        self._allowed = allowed

    async def send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]]) -> Receipt:
        """Deliver; SendError says whether it is worth another try."""
        try:
            if delivery.role == "erase":
                if delivery.thread is not None:
                    await self._erase(delivery.peer, delivery.thread)
                return Receipt(external_ids=())
            return await self._send(delivery, files)
        except MatrixError as error:
            raise self._failed(delivery, error) from None
        except NETWORK as error:
            raise SendError(retryable=True, reason=type(error).__name__) from None

    def _failed(self, delivery: Delivery, error: MatrixError) -> SendError:
        away = error.code in ("M_FORBIDDEN", "M_NOT_FOUND")
        if delivery.ticket is None or not away:
            return send_error(error)
        if self._rooms.layout == "room" and delivery.thread is not None:
            self._state.thread_gone(delivery.thread, dt.datetime.now(dt.UTC))
            self._state.is_gone(delivery.thread, delivery.ticket)
            return SendError(retryable=True, reason="thread-gone", thread_gone=True)
        return SendError(retryable=True, reason="staff-room")  # somebody lets the bot in again, one hopes

    async def _send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]]) -> Receipt:
        room, thread, made = await self._where(delivery)
        if room is None:
            # Another process on the same database may have met the person a moment before this one does.
            raise SendError(retryable=delivery.attempt < MEETING_ATTEMPTS, reason="gone")
        encrypted = bool((await self._client.known_room(room)).encrypted)
        sent: list[str] = []
        for kind, content in self._events(delivery):
            if not sent and delivery.edits and kind == "m.room.message":
                content = _edit(content, delivery.edits)
            elif thread is not None:
                content = {**content, "m.relates_to": _in_thread(thread)}
            sent.append(await self._put(delivery, room, thread, kind, content, len(sent)))
        n = len(delivery.message.choices)
        if n and sent and delivery.ticket is None:
            self._offer(room, sent[-1], n)
        for name, data in files:
            content = await self._file(name, data, delivery.attachments, encrypted)
            if thread is not None:
                content["m.relates_to"] = _in_thread(thread)
            sent.append(await self._put(delivery, room, thread, "m.room.message", content, len(sent)))
        return Receipt(external_ids=tuple(sent), thread=made)

    async def _where(self, delivery: Delivery) -> tuple[str | None, str | None, str | None]:
        """The room, the thread in it, and what to keep as the case's thread when it was made now."""
        if delivery.ticket is None:
            if not delivery.peer.startswith("@"):
                return delivery.peer, delivery.thread, None
            room = self._state.direct_room(delivery.peer)
            return room, self._rooms.threads.get(room or ""), None
        if delivery.thread is not None and self._state.is_gone(delivery.thread, delivery.ticket):
            raise SendError(retryable=True, reason="thread-gone", thread_gone=True)
        if self._rooms.layout == "room":
            room = delivery.thread or await self._rooms.case_room(self._client, delivery.ticket, _title(delivery))
            return room, None, None if delivery.thread else room
        if delivery.thread is not None:
            return delivery.peer, delivery.thread, None
        root = await self._root(delivery)
        return delivery.peer, root, root

    async def _root(self, delivery: Delivery) -> str:
        """The message a case's thread hangs on."""
        assert delivery.ticket is not None
        times = self._state.times_gone(delivery.ticket)
        content = {"msgtype": "m.text", "body": _title(delivery)}
        tx_id = _key("root", delivery.peer, str(delivery.ticket), str(times), self._state.derived("root"))
        return await self._client.put(delivery.peer, "m.room.message", content, tx_id, self._allowed)

    def _events(self, delivery: Delivery) -> Iterator[tuple[str, dict[str, Any]]]:
        message = delivery.message
        if not message.text and not message.choices:
            return
        for content in matrix_text.contents(message, "m.text" if delivery.role in _ALOUD else "m.notice"):
            yield "m.room.message", content
        if self._choices == "polls" and 2 <= len(message.choices) <= POLL_ANSWERS and delivery.ticket is None:
            yield "org.matrix.msc3381.poll.start", matrix_text.poll(message.choices, "👇")

    async def _put(
        self, delivery: Delivery, room: str, thread: str | None, kind: str, content: dict[str, Any], n: int
    ) -> str:
        key = _key(delivery.id, room, thread or "" if delivery.ticket is not None else "", str(n))
        # Of the room, not of the message: all that is said in a room is said with one key.
        allowed = None if delivery.peer.startswith("@") else self._allowed
        return await self._client.put(room, kind, content, key, allowed)

    async def _file(self, name: str, data: bytes, attachments: Sequence[Attachment], encrypted: bool) -> dict[str, Any]:
        mime = next((a.mime for a in attachments if a.mime and name in (a.name, a.kind)), "")
        mime = mime or mimetypes.guess_type(name)[0] or "application/octet-stream"
        where = await upload(self._client, data, mime, encrypted)
        kinds = {"image": "m.image", "audio": "m.audio", "video": "m.video"}
        msgtype = kinds.get(mime.partition("/")[0], "m.file")
        return {"msgtype": msgtype, "body": name, "info": {"mimetype": mime, "size": len(data)}, **where}

    # ---- taking away ----

    async def _erase(self, peer: str, thread: str) -> None:
        """Take a case out of the staff room: every message of its thread, or its room."""
        if self._rooms.layout == "room" and thread.startswith("!"):
            await self._redact_all(thread, f"/v3/rooms/{quote(thread, safe='')}/messages?dir=b&limit=100")
            await self._rooms.leave(self._client, thread)
            return
        of = f"/v1/rooms/{quote(peer, safe='')}/relations/{quote(thread, safe='')}/m.thread?limit=100"
        await self._redact_all(peer, of)
        await self._redact(peer, thread)

    async def _redact_all(self, room: str, pages: str) -> None:
        after = ""
        while True:
            found = await self._client.ask("GET", pages + (f"&from={quote(after, safe='')}" if after else ""))
            events = [e for e in found.get("chunk", ()) if "state_key" not in e and e.get("content")]
            for event in events:
                if event.get("type") != "m.room.redaction":
                    await self._redact(room, str(event["event_id"]))
            after = str(found.get("next_batch") or found.get("end") or "")
            if not after or not found.get("chunk"):
                return

    async def _redact(self, room: str, event: str) -> None:
        """Take one message away; what members wrote only where the bot has the right."""
        path = f"/v3/rooms/{quote(room, safe='')}/redact/{quote(event, safe='')}/{_key('erase', event)}"
        try:
            await self._client.ask("PUT", path, {})
        except MatrixError as error:
            if error.code not in ("M_FORBIDDEN", "M_NOT_FOUND"):
                raise


class Offers:
    """The bot's own reactions to tap on: a help, sent beside the messages and left out when it is too much."""

    WAITING = 200
    PAUSE = 60.0

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[str, str, int]] = asyncio.Queue(self.WAITING)
        self._not_before = 0.0

    def add(self, room: str, event: str, n: int) -> None:
        """Wish for reactions 1…n under a message."""
        if not self._queue.full() and asyncio.get_running_loop().time() >= self._not_before:
            self._queue.put_nowait((room, event, n))

    async def run(self, client: MatrixClient) -> None:
        """Send them, one after the other; runs until cancelled."""
        while True:
            room, event, n = await self._queue.get()
            for keycap in matrix_text.KEYCAPS[:n]:
                relation = {"rel_type": "m.annotation", "event_id": event, "key": keycap}
                try:
                    await client.put(room, "m.reaction", {"m.relates_to": relation}, _key("offer", event, keycap))
                except MatrixError as error:
                    if error.code == "M_LIMIT_EXCEEDED":  # messages come first
                        self._not_before = asyncio.get_running_loop().time() + self.PAUSE
                    break
                except NETWORK:
                    break


def _title(delivery: Delivery) -> str:
    return delivery.title or f"#{delivery.ticket}"


def _in_thread(root: str) -> dict[str, Any]:
    return {
        "rel_type": "m.thread",
        "event_id": root,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": root},
    }


def _edit(content: dict[str, Any], of: str) -> dict[str, Any]:
    return {
        "msgtype": content["msgtype"],
        "body": f"* {content['body']}",
        "m.new_content": content,
        "m.relates_to": {"rel_type": "m.replace", "event_id": of},
    }


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]
