"""The web desk: the list of cases, one case, and what staff do there. What they do is always an event."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from typing import Any

from aiohttp import web

from bot.app import App
from bot.errors import SendError
from bot.images import clean_image
from bot.web.pages import Pages
from bot.web.security import Guard, row_number
from flows.core.delivery import Attachment
from flows.core.effects import Outcome
from flows.core.events import Address, AgentWrote, Event, TicketClaimed, TicketClosed
from flows.core.labels import OUTCOMES, TOPICS

COOKIE = "lotse_desk"
WAIT_SECONDS = 20.0
DESK_LANGUAGE = "de"
STATES = {
    "open": "neu",
    "claimed": "übernommen",
    "waiting-staff": "wartet auf uns",
    "waiting-person": "wartet auf die Person",
    "closed": "beendet",
}
NO_CASE = "Diesen Fall gibt es nicht (mehr).\n"
LARGEST_CASE = 2**31 - 1
CLOSE_AS: tuple[Outcome, ...] = ("answered", "referred", "no-reply")

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,128}")


class DeskPages:
    """The handlers of the desk."""

    def __init__(self, app: App, guard: Guard, pages: Pages) -> None:
        self.app = app
        self.guard = guard
        self.pages = pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/desk", self.list),
            web.get("/desk/enter", self.enter_page),
            web.post("/desk/enter/who", self.who),
            web.post("/desk/enter", self.enter),
            web.post("/desk/leave", self.leave),
            web.get("/desk/wait", self.wait),
            web.get("/desk/questions", self.questions),
            web.get(r"/desk/case/{number:\d+}", self.case),
            web.get(r"/desk/case/{number:\d+}/file/{entry}/{index:\d+}", self.file),
            web.post(r"/desk/case/{number:\d+}/{verb:reply|note|claim|close}", self.act),
        ]

    # ---- coming and going ----

    async def enter_page(self, request: web.Request) -> web.Response:
        """The page behind a one-time link; the token is in the fragment, which is not sent to any server."""
        return self._html(request, "desk_enter.html")

    async def who(self, request: web.Request) -> web.Response:
        """Whose link this is; looking does not spend it."""
        self.guard.allow(f"link {self.guard.client(request)}", 20)
        member = await self.app.store.link_owner(await self._token(request), self.app.clock())
        if member is None:
            raise web.HTTPGone(text="Dieser Link gilt nicht mehr. Ein neuer kommt von: lotse desk-link NAME\n")
        return web.json_response({"name": member.name})

    async def enter(self, request: web.Request) -> web.Response:
        """Spend the link and begin a session."""
        self.guard.allow(f"link {self.guard.client(request)}", 20)
        spent = await self.app.store.spend_link(await self._token(request), self.app.clock())
        if spent is None:
            raise web.HTTPGone(text="Dieser Link gilt nicht mehr. Ein neuer kommt von: lotse desk-link NAME\n")
        response = web.json_response({"name": spent[0].name})
        response.set_cookie(COOKIE, spent[1], httponly=True, samesite="Strict", secure=self.guard.secure, path="/desk")
        return response

    async def leave(self, request: web.Request) -> web.Response:
        """Log out."""
        session = request.cookies.get(COOKIE)
        if session:
            await self.app.store.end_desk_session(session)
        response = web.HTTPSeeOther("/desk")
        response.del_cookie(COOKIE, path="/desk")
        raise response

    # ---- reading ----

    async def list(self, request: web.Request) -> web.Response:
        """Open cases, urgent and longest waiting first; closed ones on request."""
        member = await self._member(request)
        if member is None:
            return self._html(request, "desk_out.html", status=401)
        closed = request.query.get("closed") == "1"
        lines = await self.app.store.cases(closed)
        return self._html(
            request,
            "desk_list.html",
            member=member,
            lines=lines,
            closed=closed,
            version=await self.app.store.desk_version(),
            waiting=sum(line.ticket.state in ("open", "waiting-staff") for line in lines),
        )

    async def questions(self, request: web.Request) -> web.Response:
        """Questions without an answer that people let us keep, for who writes the articles."""
        member = await self._member(request)
        if member is None:
            return self._html(request, "desk_out.html", status=401)
        return self._html(
            request,
            "desk_questions.html",
            member=member,
            questions=await self.app.store.questions(),
            districts={d.number: d.name for d in self.app.knowledge.districts},
            version=await self.app.store.desk_version(),
        )

    async def case(self, request: web.Request) -> web.Response:
        """One case with everything said in it."""
        member = await self._member(request)
        if member is None:
            return self._html(request, "desk_out.html", status=401)
        found = await self.app.store.case(_case_number(request))
        if found is None:
            raise web.HTTPNotFound(text=NO_CASE)
        ticket, entries = found
        return self._html(
            request,
            "desk_case.html",
            member=member,
            ticket=ticket,
            entries=entries,
            version=await self.app.store.desk_version(),
            once=secrets.token_urlsafe(12),
            outcomes=[(o, self.pages.word(DESK_LANGUAGE, OUTCOMES[o])) for o in CLOSE_AS],
        )

    async def wait(self, request: web.Request) -> web.Response:
        """Answers when something has changed since a version, or after twenty seconds."""
        if await self._member(request) is None:
            raise web.HTTPUnauthorized()
        seen = row_number(request.query.get("version") or "0")
        end = asyncio.get_running_loop().time() + WAIT_SECONDS
        version = await self.app.store.desk_version()
        while version <= seen and (left := end - asyncio.get_running_loop().time()) > 0:
            async with self.app.changed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.app.changed.wait(), min(left, 2.0))
            version = await self.app.store.desk_version()
        lines = await self.app.store.cases()
        waiting = sum(line.ticket.state in ("open", "waiting-staff") for line in lines)
        return web.json_response({"version": version, "waiting": waiting})

    async def file(self, request: web.Request) -> web.Response:
        """A file somebody sent into a case, fetched from where it came; pictures re-encoded."""
        if await self._member(request) is None:
            raise web.HTTPUnauthorized()
        found = await self.app.store.case(_case_number(request))
        views = [v for v in found[1] if v.entry.id == request.match_info["entry"]] if found else []
        index = int(request.match_info["index"])
        if not views or index >= len(views[0].entry.attachments):
            raise web.HTTPNotFound()
        attachment = Attachment.from_json(views[0].entry.attachments[index])
        channel = self.app.channels.get(views[0].entry.source_channel)
        if channel is None:
            raise web.HTTPNotFound()
        try:
            data = await channel.fetch(attachment)
            if attachment.kind == "photo" or attachment.mime.startswith("image/"):
                picture = await asyncio.to_thread(clean_image, data)
                return web.Response(body=picture, content_type="image/jpeg")
        except (SendError, ValueError) as error:
            raise web.HTTPBadGateway(text="Die Datei ist gerade nicht zu bekommen.\n") from error
        name = re.sub(r"[^A-Za-z0-9._-]", "_", attachment.name or attachment.kind)
        return web.Response(
            body=data,
            content_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    # ---- acting ----

    async def act(self, request: web.Request) -> web.Response:
        """Reply, note, claim, close: an event through the inbox; the form's id makes a double click one event."""
        member = await self._member(request)
        if member is None:
            raise web.HTTPUnauthorized()
        number = _case_number(request)
        form = await request.post()
        once = str(form.get("once") or "")
        if not _TOKEN.fullmatch(once) and not re.fullmatch(r"[A-Za-z0-9_-]{8,64}", once):
            raise web.HTTPBadRequest(text="Bitte laden Sie die Seite neu.\n")
        text = str(form.get("text") or "").replace("\r\n", "\n").strip()
        verb = request.match_info["verb"]
        event = self._event(member, number, verb, once, text, str(form.get("outcome") or ""))
        if event is not None:
            await self.app.accept([event])
            await self._handled(number)
        raise web.HTTPSeeOther(f"/desk/case/{number}#end")

    def _event(self, member: Any, number: int, verb: str, once: str, text: str, outcome: str) -> Event | None:
        staff: dict[str, Any] = {
            "id": f"desk:{member.id}:{once}:{verb}",
            "at": self.app.clock(),
            "source": Address(channel="desk", peer="web"),
            "ticket": number,
            "member": member.id,
            "member_name": member.name,
        }
        match verb:
            case "claim":
                return TicketClaimed(**staff)
            case "close":
                return TicketClosed(**staff, outcome=next((o for o in CLOSE_AS if o == outcome), "answered"))
            case "reply" | "note" if text:
                return AgentWrote(**staff, text=text, command=verb)
        return None

    async def _handled(self, number: int) -> None:
        """Give the worker a moment, so that the page that follows already shows it."""
        version = await self.app.store.desk_version()
        for _ in range(10):
            async with self.app.changed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.app.changed.wait(), 0.1)
            if await self.app.store.desk_version() > version:
                return

    # ---- helpers ----

    async def _member(self, request: web.Request) -> Any:
        session = request.cookies.get(COOKIE)
        return await self.app.store.desk_member(session, self.app.clock()) if session else None

    async def _token(self, request: web.Request) -> str:
        try:
            token = str((await request.json())["token"])
        except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError):
            token = ""
        if not _TOKEN.fullmatch(token):
            raise web.HTTPBadRequest(text="Der Link ist unvollständig.\n")
        return token

    def _html(self, request: web.Request, template: str, status: int = 200, **values: Any) -> web.Response:
        topics = {name: self.pages.word(DESK_LANGUAGE, label) for name, label in TOPICS.items()}
        return self.pages.html(
            request, template, status, language=DESK_LANGUAGE, states=STATES, topics=topics, **values
        )


def _case_number(request: web.Request) -> int:
    number = int(request.match_info["number"][:12])
    if number > LARGEST_CASE:
        raise web.HTTPNotFound(text=NO_CASE)
    return number
