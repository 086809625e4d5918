"""What Lotse may say as advice: an immutable snapshot of articles, offices and facts of one town.

Dates are never judged when the snapshot is made: an amount, an opening time or a review date is
looked at for the date of the event (DESIGN: "Time comes from the event").
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Literal

Mark = Literal["official", "secondary", "recheck"]
Confidence = Literal["official", "secondary", "stale"]
FactKind = Literal["phone", "address", "hours", "web", "amount", "deadline", "term", "as_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A stretch of running text, or one cited fact in its place."""

    text: str = ""
    bold: bool = False
    url: str | None = None
    fact: tuple[FactKind, str] | None = None  # ("phone", "sab"): put in when rendered


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One paragraph, list item or heading."""

    kind: Literal["paragraph", "bullet", "number", "heading"]
    spans: tuple[Span, ...]
    number: int | None = None  # of a numbered item


@dataclass(frozen=True, kw_only=True)
class Section:
    """A titled part of an article that a person can open on its own."""

    id: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class ArticleText:
    """An article in one language."""

    language: str
    title: str
    lead: tuple[Block, ...]  # the first view
    sections: tuple[Section, ...]
    asks: tuple[str, ...]
    reviewed: bool  # a named person confirmed it
    outdated: bool  # made from another version of the German text
    reviewer: str | None = None
    reviewed_on: dt.date | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a statement can be checked."""

    url: str  # an https address, or the name of a law section
    as_of: str  # "2026", "2026-08", "2026-08-19" or "undated"


@dataclass(frozen=True, kw_only=True)
class Article:
    """A curated answer: what is the same in all languages, and its texts."""

    id: str  # "waste.bulky"
    sources: tuple[Source, ...]
    owner: str
    checked_on: dt.date
    review_by: dt.date
    offices: tuple[str, ...]  # the responsible one first
    related: tuple[str, ...]
    discreet: bool
    words: tuple[str, ...]
    texts: Mapping[str, ArticleText]

    @property
    def topic(self) -> str:
        return self.id.split(".", 1)[0]


@dataclass(frozen=True, kw_only=True)
class Office:
    """A place or help line to go to, with what is proven about it."""

    id: str
    name: str
    kind: str
    confidence: Confidence
    as_of: str
    source: str
    address: str | None = None
    postcode: str | None = None
    district: str | None = None
    phone: str | None = None
    email: str | None = None
    web: str | None = None
    hours: str | None = None  # OpenStreetMap opening_hours
    languages: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    cost: str | None = None

    @property
    def reachable(self) -> bool:
        """Whether anything says where to go, call or write."""
        return bool(self.address or self.phone or self.web or self.email)

    @property
    def place(self) -> str | None:
        """Street and number, with the postcode where known."""
        return f"{self.address}, {self.postcode}" if self.address and self.postcode else self.address


@dataclass(frozen=True, kw_only=True)
class Dated:
    """What amounts, deadlines and times have in common: a proof and a span of validity."""

    id: str
    mark: Mark
    as_of: str
    source: str
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None

    def holds_on(self, day: dt.date) -> bool:
        """Whether the fact is in force on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


@dataclass(frozen=True, kw_only=True)
class Amount(Dated):
    """A number with its unit."""

    value: float
    unit: str  # "EUR", "cubic-meter", …


@dataclass(frozen=True, kw_only=True)
class Deadline(Dated):
    """A span of time, or a day that comes every year."""

    value: int | None = None
    unit: str | None = None  # day | working-day | week | month | year
    month_day: str | None = None  # "03-01"


@dataclass(frozen=True, kw_only=True)
class Time(Dated):
    """Times of the day that a rule names."""

    hours: str


@dataclass(frozen=True, kw_only=True)
class Term:
    """A German official word and how each language says it."""

    id: str
    words: Mapping[str, str]  # language → word; "de" is always there


@dataclass(frozen=True, kw_only=True)
class District:
    """A quarter of the town."""

    number: str
    name: str
    neighbours: tuple[str, ...]  # names
    focus_area: str | None = None


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A menu entry: its articles in order and the office to go to."""

    id: str
    articles: tuple[str, ...]
    office: str | None


@dataclass(frozen=True, kw_only=True)
class Town:
    """What a town pack says about the town itself."""

    id: str
    name: str
    timezone: str
    operator: str
    project: str
    office: str | None  # the project's own record in the directory
    languages: tuple[str, ...]
    menu: tuple[str, ...]  # topics, in order
    topics: Mapping[str, Topic]
    staff_hours: str | None = None  # opening_hours; None: the operator has not said
    holidays: Set[dt.date] = frozenset()
    unfinished: bool = False  # in the making: what is missing is a warning, and what needs it is not shown


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One article that may answer a question, with how well it matched."""

    article: str
    score: float
    language: str  # of the text that matched


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the search makes of a question."""

    decision: Literal["answer", "choose", "none", "crisis"]
    hits: tuple[Hit, ...]  # best first
    language: str | None = None  # the question's own language, when it is clear


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """All that may be said, and the index to find it."""

    town: Town
    articles: Mapping[str, Article]
    offices: Mapping[str, Office]
    amounts: Mapping[str, tuple[Amount, ...]]  # several validities of one id, oldest first
    deadlines: Mapping[str, tuple[Deadline, ...]]
    times: Mapping[str, tuple[Time, ...]]
    terms: Mapping[str, Term]
    districts: tuple[District, ...]
    crisis_words: Mapping[str, Mapping[str, tuple[str, ...]]]  # language → article → phrases
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # "menu" → its words in every language
    offtopic: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # language → questions that are not for us
    asks: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Language → article → ways of asking, beside those in its text or in place of one."""
    lexicons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # language lacking texts → word → German
    rooms: Mapping[str, str] = field(default_factory=dict)  # staff rooms: channel → origin | full | notify
    index: Any = field(default=None, compare=False, repr=False)  # flows.core.search.Index
