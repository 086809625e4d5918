"""One step in the making: the conversation as it changes, and the effects collected so far.

A `Turn` lives only inside `step`; what leaves it is immutable.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from flows.core import labels, limits
from flows.core import search as searching
from flows.core.conversation import Conversation
from flows.core.conversation import Turn as Said
from flows.core.effects import Count, Effect, PostToDesk, SendMessage
from flows.core.events import ChoiceMade, CommandGiven, Event, MessageReceived
from flows.core.fold import fold
from flows.core.knowledge import Finding, Knowledge
from flows.core.phrases import Choice, Message, Part, phrase

Find = Callable[[Knowledge, str, str], Finding]
"""The search: what the knowledge makes of a text under a menu in a language."""

_TERMINAL_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

DESK_LANGUAGE = "de"
"""The language of briefs and marks: staff work in German."""


class Turn:
    """What one event does to one conversation."""

    def __init__(
        self, conversation: Conversation, event: Event, knowledge: Knowledge, find: Find = searching.find
    ) -> None:
        self._find = find
        self.conversation = conversation
        self.event = event
        self.knowledge = knowledge
        self.effects: list[Effect] = []

    # ---- what is known ----

    @cached_property
    def text(self) -> str:
        """What the person typed, without control characters and outer blanks; "" for anything else."""
        if not isinstance(self.event, MessageReceived):
            return ""
        written = _TERMINAL_CODE.sub("", self.event.text)
        return "".join(c for c in written if c.isprintable() or c in "\n\t").strip()

    @cached_property
    def folded(self) -> str:
        return fold(self.text)

    @cached_property
    def finding(self) -> Finding:
        """What the search makes of the text; asked once at most."""
        return self._find(self.knowledge, self.text[: limits.QUESTION_CHARACTERS], self.conversation.language or "")

    @property
    def language(self) -> str:
        """The language to speak: the chosen one, else what the platform suggests, else the town's first."""
        if self.conversation.language:
            return self.conversation.language
        suggested = getattr(self.event, "platform_language", None) or ""
        short = suggested.split("-")[0].lower()
        return short if short in self.knowledge.town.languages else self.knowledge.town.languages[0]

    @property
    def today(self) -> dt.date:
        """The day of the event in the town."""
        return self.event.at.astimezone(ZoneInfo(self.knowledge.town.timezone)).date()

    @property
    def choice(self) -> str | None:
        """The id of the choice made, by a button."""
        return self.event.choice if isinstance(self.event, ChoiceMade) else None

    @property
    def command(self) -> str | None:
        return self.event.name if isinstance(self.event, CommandGiven) else None

    def means(self, word: str) -> bool:
        """Whether the whole message is that short word, in any language."""
        return bool(self.folded) and self.folded in self.knowledge.words.get(word, ())

    @property
    def waiting(self) -> str:
        """The node that waits for an answer, as "flow.node"; "" when none does."""
        c = self.conversation
        return f"{c.flow}.{c.node}" if c.flow and c.node else ""

    # ---- what changes ----

    def update(self, **changes: Any) -> None:
        """Change fields of the conversation."""
        self.conversation = self.conversation.changed(**changes)

    def stand(self, flow: str | None, node: str | None) -> None:
        """Wait at that node, remembering the one before for "back"."""
        trail = self.conversation.trail
        if self.waiting and self.waiting != f"{flow}.{node}":
            trail = (*trail, self.waiting)[-20:]
        self.update(flow=flow, node=node, trail=trail)

    def leave(self) -> None:
        """Wait at no node any more."""
        self.update(flow=None, node=None, trail=(), answers={}, pending=None)

    def remember(self, by: str, text: str) -> None:
        """Keep a line of the talk for the brief."""
        said = Said(by="person" if by == "person" else "bot", text=text)
        self.update(recent=(*self.conversation.recent, said)[-limits.RECENT_TURNS :])

    # ---- what shall happen ----

    def wish(self, effect: Effect) -> None:
        self.effects.append(effect)

    def say(
        self,
        *parts: Part,
        choices: tuple[Choice, ...] = (),
        language: str | None = None,
        article: str | None = None,
        crisis: bool = False,
        discreet: bool = False,
    ) -> None:
        """Say something to the person, as the bot."""
        message = Message(
            parts=parts,
            choices=choices,
            language=language or (None if self.conversation.language else self.language),
            article=article,
            crisis=crisis,
            discreet=discreet,
        )
        answered = any(isinstance(e, SendMessage) and e.answers for e in self.effects)
        callback = self.event.callback if isinstance(self.event, ChoiceMade) and not answered else None
        self.wish(SendMessage(message=message, answers=callback))

    def post(self, role: Any, *parts: Part, **rest: Any) -> None:
        """Put a line into the case, for staff."""
        self.wish(PostToDesk(message=Message(parts=parts, language=DESK_LANGUAGE), role=role, **rest))

    def count(self, what: str, topic: str = "") -> None:
        self.wish(Count(what=what, language=self.conversation.language or "", topic=topic))


HUMAN = Choice(id="human", label=phrase("button.human"))
MENU = Choice(id="menu", label=phrase("button.menu"))
BACK = Choice(id="back", label=phrase("button.back"))
YES = Choice(id="yes", label=phrase("button.yes"))
NO = Choice(id="no", label=phrase("button.no"))


def topic_choice(topic: str) -> Choice:
    """The button that opens a topic."""
    return Choice(id=f"topic:{topic}", label=labels.TOPICS[topic])
