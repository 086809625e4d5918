"""Translating Telegram's updates into events: purely, and without believing anything an update says.

A handle or a name never enters an event: who wrote is a number. What is no event of ours comes back as `Ignored`
with the reason, so that the channel can count it.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Literal

from bot.channels.telegram_files import attachments, clean
from flows.core.delivery import Attachment
from flows.core.events import (
    Address,
    AgentWrote,
    ChoiceMade,
    CommandGiven,
    Event,
    MessageReceived,
    PersonLeft,
    TicketClaimed,
    TicketClosed,
)

CALLBACK_BYTES = 64

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@\w+)?(?:\s+(.*))?", re.DOTALL)
_OUTCOMES: dict[str, Literal["answered", "referred", "no-reply"]] = {
    "": "answered",
    "answered": "answered",
    "referred": "referred",
    "no-reply": "no-reply",
}
_SERVICE = frozenset(
    {
        "boost_added", "channel_chat_created", "chat_background_set", "chat_shared", "connected_website",
        "delete_chat_photo", "forum_topic_closed", "forum_topic_created", "forum_topic_edited",
        "forum_topic_reopened", "general_forum_topic_hidden", "general_forum_topic_unhidden", "gift",
        "group_chat_created", "left_chat_member", "message_auto_delete_timer_changed", "migrate_from_chat_id",
        "migrate_to_chat_id", "new_chat_members", "new_chat_photo", "new_chat_title", "passport_data",
        "pinned_message", "proximity_alert_triggered", "refunded_payment", "successful_payment",
        "supergroup_chat_created", "unique_gift", "users_shared", "video_chat_ended",
        "video_chat_participants_invited", "video_chat_scheduled", "video_chat_started", "web_app_data",
        "write_access_allowed",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Ignored:
    """An update that is no event, and why: "malformed", "service", "bot", "anonymous", "group", "general", …"""

    reason: str


class _MalformedError(Exception):
    """The update is not what the Bot API describes."""


def translate_updates(update: object, bot_id: int, staff_chat: int | None, now: dt.datetime) -> tuple[Event, ...]:
    """The events in one update as JSON: one, or none when it means nothing to us or is malformed."""
    read = read_update(update, bot_id, staff_chat, now)
    return () if isinstance(read, Ignored) else (read,)


def read_update(update: object, bot_id: int, staff_chat: int | None, now: dt.datetime) -> Event | Ignored:
    """The event in one update, or why there is none; `now` is its time where Telegram tells none."""
    try:
        return _Reader(_dict(update), bot_id, staff_chat, now).read()
    except _MalformedError:
        return Ignored("malformed")


def update_id(update: object) -> int | None:
    """The update's number, None when it has none."""
    value = update.get("update_id") if isinstance(update, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def moved(update: object) -> tuple[int, int] | None:
    """The old and the new id when the update says that a group became a supergroup."""
    try:
        message = _dict(_dict(update).get("message"))
        if "migrate_to_chat_id" not in message:
            return None
        return _int(_dict(message.get("chat")), "id"), _int(message, "migrate_to_chat_id")
    except _MalformedError:
        return None


class _Reader:
    def __init__(self, update: dict[str, Any], bot_id: int, staff_chat: int | None, now: dt.datetime) -> None:
        number = update_id(update)
        if number is None:
            raise _MalformedError
        self._update = update
        self._bot_id = bot_id
        self._staff_chat = staff_chat
        self._now = now
        self._id = f"telegram:{bot_id}:{number}"

    def read(self) -> Event | Ignored:
        if "message" in self._update:
            return self._message(_dict(self._update["message"]), edited=False)
        if "edited_message" in self._update:
            return self._message(_dict(self._update["edited_message"]), edited=True)
        if "callback_query" in self._update:
            return self._press(_dict(self._update["callback_query"]))
        if "my_chat_member" in self._update:
            return self._membership(_dict(self._update["my_chat_member"]))
        return Ignored("other")

    def _message(self, message: dict[str, Any], edited: bool) -> Event | Ignored:
        chat = _dict(message.get("chat"))
        chat_id = _int(chat, "id")
        _int(message, "message_id")
        match chat.get("type"):
            case "private":
                return self._private(message, chat_id, edited)
            case "group" | "supergroup":
                return self._group(message, chat_id, edited)
            case "channel":
                return Ignored("channel")
        raise _MalformedError

    # ---- a person's private chat ----

    def _private(self, message: dict[str, Any], chat_id: int, edited: bool) -> Event | Ignored:
        sender = _dict(message.get("from"))
        if sender.get("is_bot"):
            return Ignored("bot")
        text = _text(message)
        found = attachments(message)
        if not text and not found and not _SERVICE.isdisjoint(message):
            return Ignored("service")
        if not text and not found and "text" not in message:
            found = (Attachment(kind="other"),)  # something Telegram has learnt since: not dropped
        common: dict[str, Any] = {
            "id": self._id,
            "at": self._at(message, edited),
            "source": Address(channel="telegram", peer=str(chat_id)),
            "platform_language": _language(sender),
        }
        command = None if edited or found else _COMMAND.fullmatch(text)
        if command is not None:
            return CommandGiven(**common, name=command[1].lower(), argument=(command[2] or "").strip())
        return MessageReceived(
            **common, text=text, message=str(message["message_id"]), attachments=found, edited=edited
        )

    def _press(self, query: dict[str, Any]) -> Event | Ignored:
        sender = _dict(query.get("from"))
        message = _dict(query.get("message"))
        chat = _dict(message.get("chat"))
        choice, callback = clean(query.get("data")), clean(query.get("id"))
        if not choice or not callback:
            raise _MalformedError
        if chat.get("type") != "private":
            return Ignored("group")
        if len(choice.encode()) > CALLBACK_BYTES:
            raise _MalformedError
        return ChoiceMade(
            id=self._id,
            at=self._now,
            source=Address(channel="telegram", peer=str(_int(chat, "id"))),
            choice=choice,
            message=str(_int(message, "message_id")),
            callback=callback,
            platform_language=_language(sender),
        )

    def _membership(self, change: dict[str, Any]) -> Event | Ignored:
        chat = _dict(change.get("chat"))
        status = _dict(change.get("new_chat_member")).get("status")
        if chat.get("type") != "private":
            return Ignored("group")
        if status not in ("kicked", "left"):
            return Ignored("came-back")
        source = Address(channel="telegram", peer=str(_int(chat, "id")))
        return PersonLeft(id=self._id, at=self._at(change, edited=False), source=source)

    # ---- groups ----

    def _group(self, message: dict[str, Any], chat_id: int, edited: bool) -> Event | Ignored:
        sender = message.get("from")
        sender = sender if isinstance(sender, dict) else {}
        text = _text(message)
        thread = _thread(message)
        source = Address(channel="telegram", peer=str(chat_id), thread=thread)
        command = _COMMAND.fullmatch(text)
        if command is not None and command[1].lower() == "join" and _is_person_or_anonymous(message, sender):
            # Whoever typed it, also in an edit or without a name: the others have read the code.
            argument = (command[2] or "").strip()
            at = self._at(message, edited)
            return CommandGiven(id=self._id, at=at, source=source, name="join", argument=argument, private=False)
        if chat_id != self._staff_chat:
            return Ignored("group")
        if message.get("sender_chat") is not None:
            return Ignored("anonymous")
        if sender.get("is_bot"):
            return Ignored("bot")
        if thread is None:
            return Ignored("service" if not _SERVICE.isdisjoint(message) else "general")
        return self._staff(message, source, str(_int(sender, "id")), text, edited)

    def _staff(self, message: dict[str, Any], source: Address, author: str, text: str, edited: bool) -> Event | Ignored:
        common: dict[str, Any] = {
            "id": self._id,
            "at": self._at(message, edited),
            "source": source,
            "author": author,
        }
        written: dict[str, Any] = {
            "message": str(message["message_id"]),
            "reply_to": _reply_to(message),
            "attachments": attachments(message),
            "edited": edited,
        }
        if not text and not written["attachments"]:
            return Ignored("service")
        command = _COMMAND.fullmatch(text)
        if command is None:
            return AgentWrote(**common, **written, text=text)
        argument = (command[2] or "").strip()
        match command[1].lower():
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

    def _at(self, message: dict[str, Any], edited: bool) -> dt.datetime:
        """When it happened, in whole seconds as Telegram tells it, and never later than now."""
        seconds = message.get("edit_date" if edited else "date")
        if not isinstance(seconds, int) or seconds <= 0:
            return self._now
        try:
            return min(dt.datetime.fromtimestamp(seconds, dt.UTC), self._now)
        except (OverflowError, ValueError, OSError):
            return self._now


def _dict(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _MalformedError
    return value


def _int(data: dict[str, Any], key: str) -> int:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _MalformedError
    return value


def _text(message: dict[str, Any]) -> str:
    return clean(message.get("text")) or clean(message.get("caption"))


def _language(sender: dict[str, Any]) -> str | None:
    return clean(sender.get("language_code"))[:35] or None


def _thread(message: dict[str, Any]) -> str | None:
    """The topic's id; outside of topics Telegram uses the same field for chains of replies."""
    if message.get("is_topic_message") is not True:
        return None
    return str(_int(message, "message_thread_id"))


def _is_person_or_anonymous(message: dict[str, Any], sender: dict[str, Any]) -> bool:
    return message.get("sender_chat") is not None or not sender.get("is_bot")


def _reply_to(message: dict[str, Any]) -> str | None:
    """What was replied to on purpose: in a topic every message formally answers the topic's beginning."""
    replied = message.get("reply_to_message")
    if not isinstance(replied, dict) or "forum_topic_created" in replied:
        return None
    number = _int(replied, "message_id")
    return None if number == message.get("message_thread_id") else str(number)
