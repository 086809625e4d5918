"""The web chat: one page, a stream of messages by cursor, and the events a browser sends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from typing import Any

from aiohttp import web

from bot.app import App
from bot.web.pages import Pages
from bot.web.security import HEADERS, Guard, row_number
from flows.core.events import Address, ChoiceMade, CommandGiven, Event, MessageReceived

COOKIE = "lotse_chat"
KEEP_SECONDS = 30 * 24 * 3600
POLL_SECONDS = 2.0
HEARTBEAT_POLLS = 7
LONGEST_TEXT = 20_000

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class ChatPages:
    """The handlers of the web chat."""

    def __init__(self, app: App, guard: Guard, pages: Pages) -> None:
        self.app = app
        self.guard = guard
        self.pages = pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.page),
            web.get("/chat/strings.json", self.strings),
            web.post("/chat/session", self.begin),
            web.get("/chat/events", self.events),
            web.post("/chat/message", self.message),
            web.post("/chat/choice", self.choice),
            web.post("/chat/leave", self.leave),
        ]

    async def page(self, request: web.Request) -> web.Response:
        """The chat page; it says nothing about anybody."""
        return self.pages.html(request, "chat.html")

    async def strings(self, request: web.Request) -> web.Response:
        """The page's own words in every language, so that it can change with the conversation."""
        return web.json_response(self.pages.chat_strings())

    async def begin(self, request: web.Request) -> web.Response:
        """Begin or go on with a conversation; the browser's id is a cookie only it can send back."""
        self.guard.allow(f"begin {self.guard.client(request)}", 30)
        data = await _body(request)
        keep = bool(data.get("keep"))
        token = request.cookies.get(COOKIE, "")
        peer = await self.app.store.web_peer(token, self.app.clock(), keep) if token else None
        if peer is None:  # none yet, one that is over, or one that we never gave out
            token = secrets.token_urlsafe(32)
            peer = await self.app.store.web_session(token, self.app.clock(), keep)
        known = await self.app.store.conversation(Address(channel="web", peer=peer))
        start = str(data.get("start") or "")[:64]
        if known is None or start:
            event = CommandGiven(
                id=f"web:{peer}:{_client_id(data)}",
                at=self.app.clock(),
                source=Address(channel="web", peer=peer),
                name="start",
                argument=start,
                platform_language=_browser_language(request),
            )
            await self.app.accept([event])
        response = web.json_response({"language": known.language if known else None, "new": known is None})
        response.set_cookie(
            COOKIE,
            token,
            httponly=True,
            samesite="Strict",
            secure=self.guard.secure,
            max_age=KEEP_SECONDS if keep else None,
        )
        return response

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Messages after the browser's cursor (an outbox row), then each new one as it comes."""
        peer = await self._peer(request)
        after = row_number(request.headers.get("Last-Event-ID") or request.query.get("after") or "0")
        response = web.StreamResponse(
            headers={
                **HEADERS,
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        with contextlib.suppress(ConnectionResetError):  # the browser goes away when it likes
            await response.prepare(request)
            await self._stream(response, peer, after)
        return response

    async def _stream(self, response: web.StreamResponse, peer: str, after: int) -> None:
        await response.write(b"retry: 1000\n\n")
        closing = self.app.channels["web"].closing  # type: ignore[attr-defined]
        quiet = 0
        while not closing.is_set():
            rows = await self.app.store.web_messages(peer, after)
            for row, delivery in rows:
                if delivery.message.text or delivery.message.choices:
                    shown = {**delivery.message.to_json(), "role": delivery.role, "row": row}
                    data = json.dumps(shown, ensure_ascii=False)
                    await response.write(f"id: {row}\nevent: message\ndata: {data}\n\n".encode())
                after = row
            quiet = 0 if rows else quiet + 1
            if quiet and quiet % HEARTBEAT_POLLS == 0:
                await response.write(b": still here\n\n")
            async with self.app.changed:
                try:
                    await asyncio.wait_for(self.app.changed.wait(), POLL_SECONDS)
                except TimeoutError:
                    continue

    async def message(self, request: web.Request) -> web.Response:
        """A person wrote something."""
        peer = await self._peer(request)
        data = await _body(request)
        text = str(data.get("text") or "")[:LONGEST_TEXT]
        event_id = f"web:{peer}:{_client_id(data)}"
        return await self._accept(
            request,
            MessageReceived(
                id=event_id,
                at=self.app.clock(),
                source=Address(channel="web", peer=peer),
                text=text,
                message=event_id,
                platform_language=_browser_language(request),
            ),
        )

    async def choice(self, request: web.Request) -> web.Response:
        """A person pressed a button."""
        peer = await self._peer(request)
        data = await _body(request)
        choice = str(data.get("choice") or "")
        if not choice or len(choice) > 64 or not choice.isascii():
            raise web.HTTPBadRequest(text="choice: the id of a choice is missing\n")
        return await self._accept(
            request,
            ChoiceMade(
                id=f"web:{peer}:{_client_id(data)}",
                at=self.app.clock(),
                source=Address(channel="web", peer=peer),
                choice=choice,
                message=str(data.get("row") or ""),
                platform_language=_browser_language(request),
            ),
        )

    async def leave(self, request: web.Request) -> web.Response:
        """Leave now: the session ends here and the browser forgets."""
        token = request.cookies.get(COOKIE)
        if token:
            await self.app.store.end_web_session(token)
        response = web.json_response({"left": True})
        response.del_cookie(COOKIE)
        response.headers["Clear-Site-Data"] = '"cookies", "storage", "cache"'
        return response

    async def _accept(self, request: web.Request, event: Event) -> web.Response:
        self.guard.allow(f"say {event.source.peer}", 60)
        await self.app.accept([event])
        return web.json_response({"accepted": True})

    async def _peer(self, request: web.Request) -> str:
        token = request.cookies.get(COOKIE)
        peer = await self.app.store.web_peer(token, self.app.clock()) if token else None
        if peer is None:
            raise web.HTTPUnauthorized(text="No conversation (any more): load the page again.\n")
        return peer


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        data = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        data = None
    if not isinstance(data, dict):
        raise web.HTTPBadRequest(text="The body must be a JSON object.\n")
    return data


def _client_id(data: dict[str, Any]) -> str:
    """The browser's id of what it sends: the same sent twice is one event."""
    given = data.get("id")
    if not isinstance(given, str) or not _CLIENT_ID.fullmatch(given):
        raise web.HTTPBadRequest(text="id: 8 to 64 characters of A-Z a-z 0-9 _ - are needed\n")
    return given


def _browser_language(request: web.Request) -> str | None:
    first = request.headers.get("Accept-Language", "").split(",")[0].split(";")[0].strip()
    return first or None
