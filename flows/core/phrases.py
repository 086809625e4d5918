"""Words before a language has been chosen.

A flow never contains a sentence. It names a phrase (a key of the catalogues in `locales/`) and the values
that go into it; `bot/render.py` turns both into text when the language and the channel are known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from flows.core.knowledge import ArticleText, Block, Office, Source


@dataclass(frozen=True)
class CaseNumber:
    """Stands for the case's number until the store has given one."""


CASE = CaseNumber()

Value: TypeAlias = "str | int | dt.date | dt.datetime | CaseNumber | Phrase"


@dataclass(frozen=True)
class Phrase:
    """One sentence or label of the bot's own voice, named by its key.

    `count` picks the plural form where the sentence has several.
    """

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)
    count: int | None = None


def phrase(key: str, /, **values: Value) -> Phrase:
    """The phrase of that key; keys written here are what the extraction collects."""
    return Phrase(key, values)


def counted(key: str, count: int, /, **values: Value) -> Phrase:
    """The phrase of that key in the plural form for `count`, which is also the value `count`."""
    return Phrase(key, {"count": count, **values}, count)


@dataclass(frozen=True)
class InLanguage:
    """A phrase that is said in one language whatever the conversation's is (the language buttons)."""

    phrase: Phrase
    language: str


@dataclass(frozen=True)
class Verbatim:
    """Somebody's own words (a person's, a member's), shown as they are and never interpreted."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A cited fact, resolved for the day of the event, not yet formatted.

    `value` is what the kind needs: a phone number, street and postcode, opening_hours, a web address,
    an amount with `unit`, a span with `unit` or a "03-01" day, a German word, a source's date.
    `value` is None when nothing may be shown as current: the text then says so.
    """

    kind: str
    value: str | float | int | None
    unit: str | None = None
    as_of: str | None = None  # shown beside the value when the proof is secondary or wants a check
    please_check: bool = False


@dataclass(frozen=True, kw_only=True)
class ArticleView:
    """An article's first view or one of its sections, in one language, with its facts resolved.

    `facts` maps each (kind, id) cited in `blocks` to its value for the day of the event.
    """

    article: str
    text: ArticleText
    title: str
    blocks: tuple[Block, ...]
    facts: Mapping[tuple[str, str], Fact]
    footer: Footer | None
    notices: tuple[str, ...] = ()  # "fallback" | "outdated" | "draft"
    crisis: bool = False


@dataclass(frozen=True, kw_only=True)
class Footer:
    """What stands under every answer: whose it is, when it was checked, where to go."""

    sources: tuple[Source, ...]
    checked_on: dt.date
    overdue: bool  # review_by has passed
    offices: tuple[OfficeView, ...]


@dataclass(frozen=True, kw_only=True)
class OfficeView:
    """A door to go to; without hours and with "please call first" when its record is stale."""

    office: Office

    @property
    def stale(self) -> bool:
        return self.office.confidence == "stale"


@dataclass(frozen=True)
class Title:
    """A line that heads what follows."""

    phrase: Phrase | Verbatim


Part = Phrase | InLanguage | Verbatim | Title | ArticleView | OfficeView


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A button, or a numbered line where there are none."""

    id: str
    label: Phrase | InLanguage | Verbatim


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message in words that have no language yet: parts one after the other, then choices."""

    parts: tuple[Part, ...] = ()
    choices: tuple[Choice, ...] = ()
    language: str | None = None  # None: the language of the conversation
    article: str | None = None
    crisis: bool = False
    discreet: bool = False  # the first words must not give the topic away in a notification
