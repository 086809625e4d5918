"""Who is on the other side of the local Bot API: people with a private chat, and a staff group."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot_api_text import Parsed

if TYPE_CHECKING:
    from bot_api import BotApi

BOT_ID = 7
BOT = {"id": BOT_ID, "is_bot": True, "first_name": "Lotse", "username": "lotse_bot"}
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
FILES = ("photo", "document", "voice", "audio", "video")


@dataclass
class Sent:
    """A message of the bot that is in a chat."""

    id: int
    chat: int
    said: Parsed
    buttons: list[list[dict[str, Any]]]
    thread: int | None = None
    file: tuple[str, bytes] | None = None  # kind, bytes
    quiet: bool = False

    @property
    def text(self) -> str:
        return self.said.text

    @property
    def choices(self) -> dict[str, str]:
        """Data by label."""
        return {button["text"]: button["callback_data"] for row in self.buttons for button in row}


class Person:
    """Somebody with a private chat, or a member of a group."""

    def __init__(self, api: BotApi, id_: int, language: str, name: str) -> None:
        self.api, self.id, self.language = api, id_, language
        self.first_name, self.last_name, self.username = name, f"Of{name}", f"{name.lower()}_handle"
        self.phone = f"+49151{id_:08}"

    @property
    def user(self) -> dict[str, Any]:
        return {
            "id": self.id, "is_bot": False, "first_name": self.first_name, "last_name": self.last_name,
            "username": self.username, "language_code": self.language,
        }  # fmt: skip

    @property
    def chat(self) -> dict[str, Any]:
        return {
            "id": self.id, "type": "private", "first_name": self.first_name, "last_name": self.last_name,
            "username": self.username,
        }  # fmt: skip

    def writes(self, text: str = "", **rest: Any) -> int:
        """Write to the bot, or send what `rest` holds; returns the message's id."""
        self.api.known.add(self.id)
        message = {**self.api.message(self.chat, self.user), **rest}
        if text:
            message |= {"text": text} if not set(rest) & set(FILES) else {"caption": text}
        self.api.put({"message": message})
        return int(message["message_id"])

    def edits(self, message: int, text: str) -> None:
        now = int(time.time())
        edited = {**self.api.message(self.chat, self.user), "message_id": message, "text": text, "edit_date": now}
        self.api.put({"edited_message": edited})

    def presses(self, label: str, message: Sent | None = None) -> None:
        """Press the button with that label, or that data, under the last message that has it."""
        under = message or next(m for m in reversed(self.received) if label in {**m.choices, **_inverse(m.choices)})
        data = under.choices.get(label, label)
        query = str(next(self.api.numbers))
        self.api.queries[query] = False
        shown = {"message_id": under.id, "from": BOT, "chat": self.chat, "date": int(time.time()), "text": under.text}
        press = {"id": query, "from": self.user, "message": shown, "chat_instance": "1", "data": data}
        self.api.put({"callback_query": press})

    def blocks(self) -> None:
        self.api.refused[self.id] = "bot was blocked by the user"
        self._membership("member", "kicked")

    def comes_back(self) -> None:
        self.api.refused.pop(self.id, None)
        self._membership("kicked", "member")

    def deactivates(self) -> None:
        self.api.refused[self.id] = "user is deactivated"

    def _membership(self, before: str, after: str) -> None:
        states = {k: {"user": BOT, "status": s} for k, s in (("old_chat_member", before), ("new_chat_member", after))}
        self.api.put({"my_chat_member": {"chat": self.chat, "from": self.user, "date": int(time.time()), **states}})

    @property
    def received(self) -> list[Sent]:
        return [m for m in self.api.sent if m.chat == self.id]

    @property
    def texts(self) -> list[str]:
        return [m.text for m in self.received]


class Group:
    """A staff group; with topics when it is a forum."""

    def __init__(self, api: BotApi, id_: int, forum: bool) -> None:
        self.api, self.id, self.forum = api, id_, forum
        self.topics: dict[int, str] = {}
        self.rights = {"can_manage_topics": True, "can_delete_messages": True}
        self.moved_to: int | None = None

    @property
    def chat(self) -> dict[str, Any]:
        kind: dict[str, Any] = {"type": "supergroup"} if self.id < -(10**12) else {"type": "group"}
        return {"id": self.id, "title": "Staff", **kind, **({"is_forum": True} if self.forum else {})}

    def writes(
        self, person: Person | None, text: str = "", topic: int | None = None, reply_to: int | None = None, **rest: Any
    ) -> int:
        """Somebody writes (None: an anonymous admin), in a topic or not."""
        message = self.api.message(self.chat, person.user if person else ANONYMOUS)
        if person is None:
            message["sender_chat"] = self.chat
        if text:
            message["text"] = text
        if topic is not None:
            message |= {
                "message_thread_id": topic,
                "is_topic_message": True,
                "reply_to_message": self._beginning(topic),
            }
        if reply_to is not None:
            message["reply_to_message"] = {**self.api.message(self.chat, BOT), "message_id": reply_to, "text": "…"}
        message |= rest
        self.api.put({"message": message})
        return int(message["message_id"])

    def _beginning(self, topic: int) -> dict[str, Any]:
        return {
            **self.api.message(self.chat, BOT),
            "message_id": topic,
            "message_thread_id": topic,
            "is_topic_message": True,
            "forum_topic_created": {"name": self.topics.get(topic, "?"), "icon_color": 7322096},
        }

    def loses_topic(self, topic: int) -> None:
        """A member deletes a topic with everything in it."""
        del self.topics[topic]
        self.api.sent = [m for m in self.api.sent if (m.chat, m.thread) != (self.id, topic)]

    def becomes_supergroup(self, forum: bool = True) -> Group:
        """The group gets another number; both chats say so."""
        new = self.api.group(forum=forum)
        self.moved_to = new.id
        who = self.api.message(self.chat, ANONYMOUS)
        self.api.put({"message": {**who, "migrate_to_chat_id": new.id}})
        self.api.put({"message": {**self.api.message(new.chat, ANONYMOUS), "migrate_from_chat_id": self.id}})
        return new

    def messages(self, topic: int | None = None) -> list[Sent]:
        return [m for m in self.api.sent if m.chat == self.id and topic in (None, m.thread)]

    def texts(self, topic: int | None = None) -> list[str]:
        return [m.text for m in self.messages(topic)]


def _inverse(choices: dict[str, str]) -> dict[str, str]:
    return {data: label for label, data in choices.items()}
