"""A local Bot API with people on its other side, cheap enough that it is not what is measured.

HTTP is read by hand, because a web framework here would cost more than the bot. Updates stay until a higher offset
confirms them. Each person goes through the script and takes the next step when the buttons for it have come.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

TOKEN = "7:BENCH"  # noqa: S105 - of no bot
BOT = {"id": 7, "is_bot": True, "first_name": "Lotse", "username": "lotse_bot"}
QUESTION = "Wohin mit dem Sofa?"
POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Step:
    """What a person does, and the button whose coming ends the waiting for the answer ("" for any message)."""

    text: str = ""
    press: str = ""
    until: str = ""


SCRIPT = (
    Step(text="/start", until="language:de"),
    Step(press="language:de", until="topic:waste"),
    Step(press="topic:waste", until="human"),
    Step(text=QUESTION, until="helped"),
    Step(press="helped"),
)
"""Language, topic, question, answer, feedback."""


@dataclass
class _Person:
    id: int
    step: int = 0
    since: float = 0.0  # when the present step was taken
    waiting: bool = False
    shown: int = 1  # the message whose buttons were seen last


@dataclass
class Seen:
    """What people saw in a span of time."""

    began: float = 0.0
    ended: float = 0.0
    answered: int = 0  # messages of people that got their answer
    requests: int = 0
    seconds: list[float] = field(default_factory=list)  # from writing to the answer

    @property
    def rate(self) -> float:
        """Messages answered in a second."""
        return self.answered / (self.ended - self.began) if self.ended > self.began else 0.0


class People:
    """A server that speaks the Bot API, and the people who write to the bot behind it.

    `delay`: how long every request but receiving takes. `window`: so many conversations are going on at any time.
    `rate`: instead, so many messages a second are written, whether the bot keeps up or not.
    """

    def __init__(self, delay: float = 0.0, window: int = 0, rate: float = 0.0) -> None:
        self.delay, self.window, self.rate = delay, window, rate
        self.seen = Seen()
        self.waiting = 0  # people who have not been answered
        self._updates: deque[dict[str, Any]] = deque()
        self._update_ids = itertools.count(1000)
        self._message_ids = itertools.count(1)
        self._person_ids = itertools.count(5_000_000)
        self._people: dict[int, _Person] = {}
        self._idle: deque[_Person] = deque()
        self._arrived = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._going = False

    async def start(self) -> str:
        """Listen on loopback; the origin."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Http(self), "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        """Close the door."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            self._server.close()

    # ---- people ----

    def begin(self) -> None:
        """People begin to write."""
        self._going = True
        for _ in range(self.window):
            self._take(self._newcomer())
        if self.rate:
            self._later(self._write_steadily())

    def end(self) -> None:
        """Nobody writes any more."""
        self._going = False

    def look(self) -> None:
        """Count from now on."""
        self.seen = Seen(began=time.perf_counter())

    def _newcomer(self) -> _Person:
        person = _Person(next(self._person_ids))
        self._people[person.id] = person
        return person

    async def _write_steadily(self) -> None:
        began, written = time.perf_counter(), 0
        while self._going:
            owed = int((time.perf_counter() - began) * self.rate) - written
            for _ in range(owed):
                self._take(self._idle.popleft() if self._idle else self._newcomer())
                written += 1
            await asyncio.sleep(0.5 / self.rate)

    def _take(self, person: _Person) -> None:
        """The person takes the next step."""
        step = SCRIPT[person.step]
        user = {"id": person.id, "is_bot": False, "first_name": "Z", "language_code": "de"}
        chat = {"id": person.id, "type": "private", "first_name": "Z"}
        now = int(time.time())
        if step.press:
            shown = {"message_id": person.shown, "from": BOT, "chat": chat, "date": now, "text": "…"}
            query = {"id": str(next(self._message_ids)), "from": user, "chat_instance": "1"}
            update: dict[str, Any] = {"callback_query": {**query, "message": shown, "data": step.press}}
        else:
            message = {"message_id": next(self._message_ids), "from": user, "chat": chat, "date": now}
            if step.text.startswith("/"):
                message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(step.text)}]
            update = {"message": {**message, "text": step.text}}
        person.waiting, person.since = True, time.perf_counter()
        self.waiting += 1
        self._updates.append({"update_id": next(self._update_ids), **update})
        self._arrived.set()

    def _told(self, chat: int, message: int, markup: str) -> None:
        """The bot has written to somebody."""
        person = self._people.get(chat)
        if person is None:
            return
        if markup:
            person.shown = message
        until = SCRIPT[person.step].until
        if not person.waiting or (until and f'"{until}"' not in markup):
            return
        now = time.perf_counter()
        person.waiting = False
        self.waiting -= 1
        self.seen.answered += 1
        self.seen.ended = now
        self.seen.seconds.append(now - person.since)
        person.step += 1
        if person.step == len(SCRIPT):
            del self._people[person.id]
            if self.window and self._going:
                self._take(self._newcomer())
        elif self.window:
            self._take(person)
        else:
            self._idle.append(person)

    # ---- the Bot API ----

    async def answer(self, method: str, params: dict[str, str]) -> Any:
        """The result of one request."""
        if method == "getupdates":
            return await self._get_updates(int(params.get("offset") or 0), float(params.get("timeout") or 0))
        self.seen.requests += 1
        if self.delay:
            await asyncio.sleep(self.delay)
        match method:
            case "sendmessage" | "editmessagetext":
                chat, message = int(params["chat_id"]), next(self._message_ids)
                asyncio.get_running_loop().call_soon(self._told, chat, message, params.get("reply_markup", ""))
                where = {"id": chat, "type": "private", "first_name": "Z"}
                return {"message_id": message, "from": BOT, "chat": where, "date": 1_700_000_000, "text": "…"}
            case "getme":
                return {**BOT, "can_join_groups": True, "can_read_all_group_messages": False}
            case "getmycommands":
                return []
            case "getmydescription" | "getmyshortdescription":
                return {"description": ""}
        return True

    async def _get_updates(self, offset: int, patience: float) -> list[dict[str, Any]]:
        while self._updates and self._updates[0]["update_id"] < offset:
            self._updates.popleft()
        if not self._updates:
            self._arrived.clear()
            try:
                async with asyncio.timeout(min(patience, POLL_SECONDS)):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        return list(itertools.islice(self._updates, 100))

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Http(asyncio.Protocol):
    """One connection: requests one after the other, each with a length."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            path, _, query = head.split(b" ", 2)[1].partition(b"?")
            if b"application/json" in head:
                params = json.loads(body)
            else:
                params = {k: v[0] for k, v in parse_qs((body or query).decode()).items()}
            self._people._later(self._respond(path.rsplit(b"/", 1)[1].decode(), params))

    async def _respond(self, method: str, params: dict[str, str]) -> None:
        result = await self._people.answer(method, params)
        body = json.dumps({"ok": True, "result": result}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(head + body)
