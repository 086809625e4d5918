"""Translating Matrix events into ours: purely, from their JSON, and without believing anything it says.

A display name never enters an event. What is no event of ours comes back as `Ignored` with the reason, so that the
channel can count it. Some events say only what they point at (a reaction, an edit, a reply): `points_at` names the
event that has to be looked up first, and `read_event` takes what was found.
"""

from __future__ import annotations

import datetime as dt
import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

import nh3

from bot.channels.matrix_files import POLLS, attachments, caption
from bot.channels.telegram_files import clean
from flows.core.delivery import Attachment
from flows.core.events import (
    Address,
    AgentWrote,
    ChoiceMade,
    CommandGiven,
    Event,
    MessageReceived,
    MessageWithdrawn,
    PersonLeft,
    TicketClaimed,
    TicketClosed,
)
from flows.core.fold import fold

CHOICES = "lotse.choices"
"""The field of our own messages that says which choices were offered: [[id, label], …]."""

CHOICE_BYTES = 64

_COMMAND = re.compile(r"([!/])([A-Za-z0-9_]{1,32})(?:\s+(.*))?", re.DOTALL)
_PERSON_COMMANDS = frozenset(
    {"start", "join", "menu", "help", "language", "human", "delete", "stop", "back", "privacy"}
)
"""What may be written with "!", which people also write for its own sake."""

_OUTCOMES: dict[str, Literal["answered", "referred", "no-reply"]] = {
    "": "answered",
    "answered": "answered",
    "referred": "referred",
    "no-reply": "no-reply",
}
_VOTES = ("m.poll.response", "org.matrix.msc3381.poll.response")
_QUIET = ("m.notice", "m.key.verification.request", "m.server_notice")
_CALLS = ("m.call.invite", "m.rtc.notification", "org.matrix.msc4075.rtc.notification")
_SPOKEN = ("m.room.message", "m.sticker", *POLLS, *_CALLS)
_FALLBACK = re.compile(r"> (?:\* )?<@[^>\n]{1,255}>")
_KEYCAP = {0xFE0F: None, 0x20E3: None}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an event happened: a chat with one person, the staff room, or the room of one case."""

    room: str
    kind: Literal["direct", "staff", "case"]
    owner: str = ""  # the person of a direct chat
    desk: str = ""  # the staff room, or the space that the case's room is in


@dataclass(frozen=True)
class Ignored:
    """An event that is none of ours, and why: "own", "malformed", "notice", "stranger", "general", "other" …"""

    reason: str


class _MalformedError(Exception):
    """The event is not what the specification describes."""


def points_at(event: dict[str, Any], place: Place, me: str) -> str | None:
    """The event that must be looked up before this one can be read."""
    content, relation = _dict(event.get("content")), _relation(event)
    if event.get("sender") == me:
        return None
    kind = event.get("type")
    if kind == "m.reaction" or kind in _VOTES:
        return _id(relation.get("event_id")) if place.kind == "direct" else None
    if kind not in _SPOKEN:
        return None
    if place.kind == "direct":
        return _replied_to(relation) if _picks(content) else None
    if relation.get("rel_type") == "m.replace":
        return _id(relation.get("event_id"))
    return _replied_to(relation) if place.kind == "staff" and relation.get("rel_type") != "m.thread" else None


def read_event(
    event: dict[str, Any], place: Place, me: str, now: dt.datetime, found: dict[str, Any] | None = None
) -> Event | Ignored:
    """The event, or why there is none; `found` is what `points_at` named, `now` bounds its time."""
    try:
        return _Reader(event, place, me, now, found or {}).read()
    except _MalformedError:
        return Ignored("malformed")


def locked(event: dict[str, Any], place: Place, session: str, now: dt.datetime) -> Event | None:
    """What is said about an event that cannot be opened: one for all of a session; nothing in staff's rooms."""
    if place.kind != "direct" or event.get("sender") != place.owner:
        return None
    return MessageReceived(
        id=f"matrix:locked:{session}",
        at=now,
        source=Address(channel="matrix", peer=place.owner),
        attachments=(Attachment(kind="locked"),),
    )


def thread_of(event: dict[str, Any]) -> str | None:
    """The thread an event stands in."""
    relation = _relation(event)
    return _id(relation.get("event_id")) if relation.get("rel_type") == "m.thread" else None


def redacted_id(event: dict[str, Any]) -> str | None:
    """Which event a redaction takes away, in either place where it may be named."""
    return _id(event.get("redacts")) or _id(_dict(event.get("content")).get("redacts"))


def number_of(text: str) -> int | None:
    """The number that a text is: digits of any script, with or without a keycap, ① and 🔟."""
    text = text.translate(_KEYCAP).strip().strip(".)#")
    if text == "🔟":
        return 10
    if text.isdecimal() and len(text) <= 3:
        return int(text)
    value = unicodedata.numeric(text, -1.0) if len(text) == 1 else -1.0
    return int(value) if value > 0 and value.is_integer() else None


class _Reader:
    def __init__(self, event: dict[str, Any], place: Place, me: str, now: dt.datetime, found: dict[str, Any]) -> None:
        self._event = event
        self._place = place
        self._me = me
        self._now = now
        self._found = found
        self._content = _dict(event.get("content"))
        self._relation = _relation(event)
        self._sender = clean(event.get("sender"))
        event_id = _id(event.get("event_id"))
        if not event_id or not self._sender:
            raise _MalformedError
        self._event_id = event_id
        self._common: dict[str, Any] = {"id": f"matrix:{event_id}", "at": self._at()}

    def read(self) -> Event | Ignored:
        kind = self._event.get("type")
        if kind == "m.room.member":
            return self._member()
        if self._sender == self._me:
            return Ignored("own")
        if kind in _SPOKEN and not self._content:
            return Ignored("redacted")
        if kind == "m.room.message" and self._content.get("msgtype") in _QUIET:
            return Ignored("notice")
        if self._place.kind != "direct":
            return self._staff() if kind in _SPOKEN else Ignored("other")
        if self._sender != self._place.owner:
            return Ignored("stranger")
        self._common["source"] = Address(channel="matrix", peer=self._place.owner)
        if kind in _SPOKEN:
            return self._said()
        if kind == "m.reaction":
            return self._reaction()
        if kind in _VOTES:
            return self._vote()
        if kind == "m.room.redaction":
            taken = redacted_id(self._event)
            return MessageWithdrawn(**self._common, message=taken) if taken else Ignored("malformed")
        return Ignored("other")

    # ---- a person ----

    def _member(self) -> Event | Ignored:
        """The bot has come in: greet. The person has gone: they left."""
        who, membership = self._event.get("state_key"), self._content.get("membership")
        before = _dict(_dict(self._event.get("unsigned")).get("prev_content")).get("membership")
        if self._place.kind != "direct" or membership == before:
            return Ignored("member")
        self._common["source"] = Address(channel="matrix", peer=self._place.owner)
        if who == self._me and membership == "join":
            return CommandGiven(**self._common, name="start")
        if who in (self._me, self._place.owner) and membership in ("leave", "ban"):
            return PersonLeft(**self._common)
        return Ignored("member")

    def _said(self) -> Event | Ignored:
        edited = self._relation.get("rel_type") == "m.replace"
        kind, content = self._kind(), self._new_content()
        found = attachments(kind, content)
        text = caption(kind, content) if found else _text(content, bool(_replied_to(self._relation)))
        if not text and not found:
            found = (Attachment(kind="other"),)  # something Matrix has learnt since: not dropped
        if not edited and not found:
            command = _COMMAND.fullmatch(text.strip())
            if command is not None and (command[1] == "/" or command[2].lower() in _PERSON_COMMANDS):
                return CommandGiven(**self._common, name=command[2].lower(), argument=(command[3] or "").strip())
            choice = self._picked(text)
            if choice is not None:
                return self._choice(choice, _replied_to(self._relation) or "")
        message = _id(self._relation.get("event_id")) if edited else self._event_id
        return MessageReceived(
            **self._common, text=text, message=message or self._event_id, attachments=found, edited=edited
        )

    def _reaction(self) -> Event | Ignored:
        target = _id(self._relation.get("event_id"))
        choice = self._picked(clean(self._relation.get("key")))
        return self._choice(choice, target) if choice and target else Ignored("reaction")

    def _vote(self) -> Event | Ignored:
        target = _id(self._relation.get("event_id"))
        given = self._content.get("m.selections")
        for name in _VOTES:
            given = given or _dict(self._content.get(name)).get("answers")
        chosen = clean(given[0]) if isinstance(given, list) and given else ""
        offered = any(choice == chosen for choice, _ in self._offered())
        return self._choice(chosen, target) if target and offered else Ignored("vote")

    def _choice(self, choice: str, target: str) -> Event:
        return ChoiceMade(**self._common, choice=choice, message=target)

    def _picked(self, text: str) -> str | None:
        """Which of the choices under the message pointed at is meant, by its number or its label."""
        offered = self._offered()
        number = number_of(text)
        if number is not None:
            return offered[number - 1][0] if 1 <= number <= len(offered) else None
        wanted = fold(text)
        return next((choice for choice, label in offered if wanted and fold(label) == wanted), None)

    def _offered(self) -> list[tuple[str, str]]:
        if self._found.get("sender") != self._me:
            return []
        return offered_choices(_dict(self._found.get("content")))

    # ---- staff ----

    def _staff(self) -> Event | Ignored:
        edited = self._relation.get("rel_type") == "m.replace"
        relation = _relation(self._found) if edited else self._relation
        kind, content = self._kind(), self._new_content()
        found = attachments(kind, content)
        text = caption(kind, content) if found else _text(content, bool(_replied_to(relation)))
        command = _COMMAND.fullmatch(text.strip())
        name = command[2].lower() if command else ""
        argument = (command[3] or "").strip() if command else ""
        thread = self._thread(relation)
        source = Address(channel="matrix", peer=self._place.desk, thread=thread)
        if name == "join":
            return CommandGiven(**self._common, source=source, name="join", argument=argument, private=False)
        if thread is None:
            return Ignored("general")
        if not text and not found:
            return Ignored("other")
        common = {**self._common, "source": source, "author": self._sender}
        message = _id(self._relation.get("event_id")) if edited else self._event_id
        written: dict[str, Any] = {
            "message": message or self._event_id,
            "reply_to": _replied_to(relation),
            "attachments": found,
            "edited": edited,
        }
        if command is None:
            return AgentWrote(**common, **written, text=text)
        match name:
            case "claim" | "close" if edited:
                return Ignored("edited-command")
            case "claim":
                return TicketClaimed(**common)
            case "close":
                return TicketClosed(**common, outcome=_OUTCOMES.get(argument.lower(), "answered"))
            case "r":
                return AgentWrote(**common, **written, text=f"/r {argument}")
            case "note":
                return AgentWrote(**common, **written, text=argument, command="note")
        # A mistyped command that answers the person's message must not reach the person.
        return AgentWrote(**common, **written, text=text, command="note")

    def _thread(self, relation: dict[str, Any]) -> str | None:
        """The case's thread; a reply from an app that knows no threads stands where the message it answers stands."""
        if self._place.kind == "case":
            return self._place.room
        if relation.get("rel_type") == "m.thread":
            return _id(relation.get("event_id"))
        target = _replied_to(relation)
        if target is None or self._relation.get("rel_type") == "m.replace":
            return None
        return thread_of(self._found) or (target if self._found.get("sender") == self._me else None)

    # ---- both ----

    def _kind(self) -> str:
        kind = str(self._event.get("type"))
        return clean(self._new_content().get("msgtype")) if kind == "m.room.message" else kind

    def _new_content(self) -> dict[str, Any]:
        if self._relation.get("rel_type") == "m.replace":
            return _dict(self._content.get("m.new_content")) or self._content
        return self._content

    def _at(self) -> dt.datetime:
        """When it happened, as the homeserver says, and never later than now."""
        stamp = self._event.get("origin_server_ts")
        if not isinstance(stamp, int) or stamp <= 0:
            return self._now
        try:
            return min(dt.datetime.fromtimestamp(stamp / 1000, dt.UTC), self._now)
        except (OverflowError, ValueError, OSError):
            return self._now


def offered_choices(content: dict[str, Any]) -> list[tuple[str, str]]:
    """The choices that one of our own messages offered, as (id, label)."""
    listed = content.get(CHOICES)
    if not isinstance(listed, list):
        return []
    return [
        (clean(item[0]), clean(item[1]))
        for item in listed
        if isinstance(item, list) and len(item) == 2 and 0 < len(clean(item[0]).encode()) <= CHOICE_BYTES
    ]


def _picks(content: dict[str, Any]) -> bool:
    """Whether a reply may pick from a list: it is short."""
    return 0 < len(_text(content, replying=True)) <= CHOICE_BYTES


def _text(content: dict[str, Any], replying: bool) -> str:
    """The plain words; from the formatted form only where there is no plain one."""
    text = clean(content.get("body"))
    if not text:
        formatted = clean(content.get("formatted_body"))
        formatted = re.sub(r"<br\s*/?>|</(?:p|div|li|h[1-6])>", "\n", formatted)
        text = html.unescape(nh3.clean(formatted, tags=set(), clean_content_tags={"mx-reply", "script", "style"}))
    if replying and _FALLBACK.match(text):
        lines = text.split("\n")
        start = next((i for i, line in enumerate(lines) if not line.startswith(">")), len(lines))
        text = "\n".join(lines[start:])
    return text.strip()


def _relation(event: dict[str, Any]) -> dict[str, Any]:
    return _dict(_dict(event.get("content")).get("m.relates_to"))


def _replied_to(relation: dict[str, Any]) -> str | None:
    """What was replied to on purpose: in a thread every message formally answers the one before."""
    if relation.get("rel_type") == "m.thread" and relation.get("is_falling_back") is True:
        return None
    return _id(_dict(relation.get("m.in_reply_to")).get("event_id"))


def _id(value: object) -> str | None:
    return clean(value)[:255] or None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
