"""A Telegram for tests: a local HTTP server that speaks the Bot API, with people and a staff group on its other side.

Where Telegram refuses something, it refuses it too and in the same words. Updates stay until a higher offset confirms
them; in a topic every message formally answers the topic's beginning, as Telegram has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from bot_api_people import BOT, Group, Person, Sent
from bot_api_text import ApiError, Parsed, bad, caption, keyboard, message_text

TOKEN = "7:TEST"


@dataclass
class Request:
    """One request the bot made."""

    method: str
    params: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Fault:
    """What goes wrong with the next requests that match."""

    method: str
    answer: Any
    times: int
    chat: int | None


class BotApi:
    """The server; everything that happened is in its attributes."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []  # not yet confirmed
        self.requests: list[Request] = []
        self.sent: list[Sent] = []
        self.known: set[int] = set()  # people who have written
        self.refused: dict[int, str] = {}  # people who cannot be written to, and why
        self.groups: dict[int, Group] = {}
        self.queries: dict[str, bool] = {}  # button presses: whether they are answered
        self.files: dict[str, bytes] = {}
        self.commands: dict[str, Any] = {}
        self.descriptions: dict[str, str] = {}
        self.webhook: dict[str, Any] = {}
        self.refusals: list[tuple[str, str]] = []  # requests that were wrong: (method, why)
        self.offsets: list[int | None] = []  # with which updates were asked for
        self.longest_poll = 30.0
        self.delay = 0.0  # how long sending takes
        self.goes_on = asyncio.Event()
        self.next_update = 1000
        self.numbers = itertools.count(1)
        self._faults: list[Fault] = []
        self._arrived = asyncio.Condition()
        self._polling = 0
        self._pushing = False
        self._background: set[asyncio.Task[None]] = set()

    # ---- the other side ----

    def person(self, language: str = "ar", name: str = "Zahra") -> Person:
        return Person(self, 5_000_000 + next(self.numbers), language, name)

    def group(self, forum: bool = True) -> Group:
        base = 10**12 if forum else 0
        group = Group(self, -(base + 4000 + next(self.numbers)), forum)
        self.groups[group.id] = group
        return group

    def message(self, chat: dict[str, Any], sender: dict[str, Any]) -> dict[str, Any]:
        return {"message_id": next(self.numbers), "from": sender, "chat": chat, "date": int(time.time())}

    def put(self, update: dict[str, Any]) -> None:
        """Something happened that the bot shall hear of."""
        self.updates.append({"update_id": self.next_update, **update})
        self.next_update += 1
        self._later(self._tell())

    def fails(self, method: str, answer: Any, times: int = 1, chat: int | None = None) -> None:
        """The next requests of that method get an answer of another kind.

        `answer`: an ApiError, an HTTP status with a body that is no JSON, a body, "drop" (the connection), "lost" (it
        is carried out, and the connection dropped), or "hang" (until `goes_on` is set).
        """
        self._faults.append(Fault(method, answer, times, chat))

    def floods(self, method: str, seconds: float, times: int = 1) -> None:
        self.fails(method, ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds), times)

    def made(self, method: str) -> list[Request]:
        return [r for r in self.requests if r.method == method.lower()]

    async def _tell(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    # ---- HTTP ----

    async def start(self) -> str:
        """Listen on loopback; the origin."""
        application = web.Application(client_max_size=64 << 20)
        application.router.add_route("*", "/bot{token}/{method}", self._handle)
        application.router.add_get("/file/bot{token}/{path:.*}", self._download)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://127.0.0.1:{1}".format(*self._runner.addresses[0])
        return self.url

    async def stop(self) -> None:
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self._polling += 1  # whoever waits for updates goes away
        await self._tell()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != TOKEN:
            return _answer(ApiError(401, "Unauthorized"))
        asked = Request(request.match_info["method"].lower(), dict(request.query))
        if request.content_type == "application/json":
            asked.params |= await request.json()
        elif request.body_exists:
            for name, value in (await request.post()).items():
                if isinstance(value, web.FileField):
                    asked.files[name] = value.file.read()
                    asked.params[name] = value.filename
                else:
                    asked.params[name] = value
        method = getattr(self, f"do_{asked.method}", None)
        if method is None:
            return _answer(ApiError(404, "Not Found"))
        if asked.method != "getupdates":
            self.requests.append(asked)
        fault = self._fault(asked)
        if fault == "hang":
            await self.goes_on.wait()
            fault = None
        if fault in ("drop", "lost"):
            if fault == "lost":
                await method(asked)
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if isinstance(fault, bytes):
            return web.Response(body=fault, content_type="application/json")
        if isinstance(fault, int):
            return web.Response(status=fault, text="<html>so sorry</html>")
        try:
            if fault is not None:
                raise fault
            return _answer(await method(asked))
        except ApiError as error:
            self.refusals.append((asked.method, error.description))
            return _answer(error)

    def _fault(self, asked: Request) -> Any:
        for fault in self._faults:
            if fault.method.lower() == asked.method and fault.chat in (None, _number(asked, "chat_id")):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault.answer
        return None

    async def _download(self, request: web.Request) -> web.Response:
        data = self.files.get(request.match_info["path"])
        return web.Response(status=404) if data is None else web.Response(body=data)

    # ---- receiving ----

    async def do_getupdates(self, asked: Request) -> Any:
        if self.webhook.get("url"):
            raise ApiError(409, "Conflict: can't use getUpdates method while webhook is active")
        offset = _number(asked, "offset")
        self.offsets.append(offset)
        if offset is not None:
            self.updates = [u for u in self.updates if u["update_id"] >= offset]
        allowed = json.loads(asked.params.get("allowed_updates", "[]"))
        if "my_chat_member" not in allowed:
            self.updates = [u for u in self.updates if "my_chat_member" not in u]
        self._polling += 1
        mine = self._polling
        until = time.monotonic() + min(_number(asked, "timeout") or 0, self.longest_poll)
        async with self._arrived:
            self._arrived.notify_all()
            while not self.updates and mine == self._polling and (rest := until - time.monotonic()) > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(rest):
                        await self._arrived.wait()
        if mine != self._polling:
            raise ApiError(409, "Conflict: terminated by other getUpdates request")
        return self.updates[: _number(asked, "limit") or 100]

    async def do_setwebhook(self, asked: Request) -> Any:
        url = str(asked.params["url"])
        if not url.startswith(("https://", "http://127.0.0.1:")):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", asked.params.get("secret_token", "")):
            raise bad("secret token contains unallowed characters")
        self.webhook = asked.params
        if not self._pushing:
            self._pushing = True
            self._later(self._push())
        return True

    async def do_deletewebhook(self, asked: Request) -> Any:
        self.webhook = {}
        return True

    async def do_getwebhookinfo(self, asked: Request) -> Any:
        url = self.webhook.get("url", "")
        return {"url": url, "has_custom_certificate": False, "pending_update_count": len(self.updates)}

    async def _push(self) -> None:
        """Bring updates to the webhook, each until it is taken."""
        async with aiohttp.ClientSession() as session:
            while url := self.webhook.get("url"):
                async with self._arrived:
                    while not self.updates:
                        await self._arrived.wait()
                headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook["secret_token"]}
                status = 0
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.post(url, json=self.updates[0], headers=headers) as response:
                        status = response.status
                if status == 200:
                    self.updates.pop(0)
                else:
                    await asyncio.sleep(0.05)
        self._pushing = False

    # ---- who and where ----

    async def do_getme(self, asked: Request) -> Any:
        return {**BOT, "can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}

    async def do_getchat(self, asked: Request) -> Any:
        group = self._group(asked, writing=False)
        return {**group.chat, "accent_color_id": 1, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}

    async def do_getchatmember(self, asked: Request) -> Any:
        rights = self._group(asked, writing=False).rights
        return {"user": BOT, "status": "administrator", **dict.fromkeys(_RIGHTS, False), **rights}

    async def do_setmycommands(self, asked: Request) -> Any:
        commands = json.loads(asked.params["commands"])
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]) or not 1 <= len(command["description"]) <= 256:
                raise bad("BOT_COMMAND_INVALID")
        self.commands[asked.params.get("language_code", "")] = commands
        return True

    async def do_getmycommands(self, asked: Request) -> Any:
        return self.commands.get(asked.params.get("language_code", ""), [])

    async def do_setmydescription(self, asked: Request) -> Any:
        if len(asked.params["description"]) > 512:
            raise bad("BOT_DESCRIPTION_TOO_LONG")
        self.descriptions[asked.params.get("language_code", "")] = asked.params["description"]
        return True

    async def do_getmydescription(self, asked: Request) -> Any:
        return {"description": self.descriptions.get(asked.params.get("language_code", ""), "")}

    # ---- sending ----

    async def do_sendmessage(self, asked: Request) -> Any:
        return await self._send(asked, message_text(asked.params))

    async def do_sendphoto(self, asked: Request) -> Any:
        if not asked.files.get("photo", b"").startswith((b"\xff\xd8", b"\x89PNG")):
            raise bad("IMAGE_PROCESS_FAILED")
        return await self._send_file("photo", asked)

    async def do_senddocument(self, asked: Request) -> Any:
        return await self._send_file("document", asked)

    async def do_sendvoice(self, asked: Request) -> Any:
        return await self._send_file("voice", asked)

    async def do_sendaudio(self, asked: Request) -> Any:
        return await self._send_file("audio", asked)

    async def do_sendvideo(self, asked: Request) -> Any:
        return await self._send_file("video", asked)

    async def do_sendchataction(self, asked: Request) -> Any:
        self._where(asked)
        return True

    async def do_editmessagetext(self, asked: Request) -> Any:
        said, rows = message_text(asked.params), keyboard(asked.params)
        message = self._find(asked, "message to edit not found")
        if (message.said, message.buttons) == (said, rows):
            raise bad("message is not modified: specified new message content and reply markup are exactly the same")
        message.said, message.buttons = said, rows
        return self._json(message)

    async def do_answercallbackquery(self, asked: Request) -> Any:
        query = asked.params["callback_query_id"]
        if self.queries.get(query, True):
            raise bad("query is too old and response timeout expired or query ID is invalid")
        self.queries[query] = True
        return True

    async def do_createforumtopic(self, asked: Request) -> Any:
        group, name = self._group(asked), asked.params["name"]
        if not group.forum:
            raise bad("the chat is not a forum")
        if not group.rights["can_manage_topics"]:
            raise bad("not enough rights to create a topic")
        if not 1 <= len(name) <= 128:
            raise bad("TOPIC_TITLE_INVALID")
        topic = next(self.numbers)
        group.topics[topic] = name
        return {"message_thread_id": topic, "name": name, "icon_color": 7322096}

    async def do_deleteforumtopic(self, asked: Request) -> Any:
        group, topic = self._group(asked), _number(asked, "message_thread_id")
        if topic not in group.topics:
            raise bad("TOPIC_ID_INVALID")
        group.loses_topic(topic)
        return True

    async def do_getfile(self, asked: Request) -> Any:
        ref = asked.params["file_id"]
        if ref not in self.files:
            raise bad("wrong file_id or the file is temporarily unavailable")
        return {"file_id": ref, "file_unique_id": ref, "file_size": len(self.files[ref]), "file_path": ref}

    async def _send_file(self, kind: str, asked: Request) -> Any:
        return await self._send(asked, caption(asked.params), (kind, asked.files[kind]))

    async def _send(self, asked: Request, said: Parsed, file: tuple[str, bytes] | None = None) -> Any:
        rows = keyboard(asked.params)
        chat, thread = self._where(asked)
        quiet = asked.params.get("disable_notification") in ("true", True)
        message = Sent(next(self.numbers), chat, said, rows, thread, file, quiet)
        self.sent.append(message)
        await asyncio.sleep(self.delay)
        return self._json(message)

    def _where(self, asked: Request) -> tuple[int, int | None]:
        chat, thread = _number(asked, "chat_id"), _number(asked, "message_thread_id")
        if chat is not None and chat < 0:
            group = self._group(asked)
            if thread is not None and thread not in group.topics:
                raise bad("message thread not found")
            return chat, thread
        if chat in self.refused:
            raise ApiError(403, f"Forbidden: {self.refused[chat]}")
        if chat is None or chat not in self.known:
            raise bad("chat not found")
        return chat, None

    def _group(self, asked: Request, writing: bool = True) -> Group:
        group = self.groups.get(_number(asked, "chat_id") or 0)
        if group is None:
            raise bad("chat not found")
        if group.moved_to is not None and writing:
            said = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ApiError(400, said, migrate_to_chat_id=group.moved_to)
        return group

    def _find(self, asked: Request, otherwise: str) -> Sent:
        wanted = (_number(asked, "chat_id"), _number(asked, "message_id"))
        for message in self.sent:
            if (message.chat, message.id) == wanted:
                return message
        raise bad(otherwise)

    def _json(self, message: Sent) -> dict[str, Any]:
        chat = self.groups[message.chat].chat if message.chat < 0 else {"id": message.chat, "type": "private"}
        return {"message_id": message.id, "from": BOT, "chat": chat, "date": int(time.time()), "text": message.text}


_RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories",
)  # fmt: skip
_NO_GIFTS = dict.fromkeys(
    ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
)


def _number(asked: Request, name: str) -> int | None:
    value = asked.params.get(name)
    return None if value in (None, "") else int(value)


def _answer(result: Any) -> web.Response:
    if not isinstance(result, ApiError):
        return web.json_response({"ok": True, "result": result})
    body = {"ok": False, "error_code": result.code, "description": result.description}
    if result.parameters:
        body["parameters"] = result.parameters
    return web.json_response(body, status=result.code)
