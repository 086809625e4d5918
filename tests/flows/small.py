"""A small knowledge made by hand, for tests of finding: a few articles with a title and ways of asking."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from flows.core.fold import fold
from flows.core.knowledge import Article, ArticleText, Block, Knowledge, Span, Town
from flows.core.search import build_index

DAY = dt.date(2026, 11, 24)


def text(language: str, title: str, *asks: str, body: str = "") -> ArticleText:
    """A text with its title, its ways of asking and one paragraph."""
    lead = (Block(kind="paragraph", spans=(Span(text=body),)),) if body else ()
    return ArticleText(
        language=language, title=title, lead=lead, sections=(), asks=asks, reviewed=False, outdated=False
    )


def article(id: str, *texts: ArticleText, words: Sequence[str] = ()) -> Article:
    """An article of these texts."""
    return Article(
        id=id,
        sources=(),
        owner="",
        checked_on=DAY,
        review_by=DAY,
        offices=(),
        related=(),
        discreet=False,
        words=tuple(words),
        texts={t.language: t for t in texts},
    )


def made(
    *articles: Article,
    danger: Mapping[str, Sequence[str]] = {},
    words: Mapping[str, Sequence[str]] = {},
    offtopic: Mapping[str, Sequence[str]] = {},
) -> Knowledge:
    """A knowledge of these articles, ready to be searched."""
    town = Town(
        id="small",
        name="Small",
        timezone="Europe/Berlin",
        operator="",
        project="",
        office=None,
        languages=("de", "en", "ar", "uk"),
        menu=(),
        topics={},
    )
    knowledge = Knowledge(
        town=town,
        articles={a.id: a for a in articles},
        offices={},
        amounts={},
        deadlines={},
        times={},
        terms={},
        districts=(),
        crisis_words={"de": {id: tuple(phrases) for id, phrases in danger.items()}},
        words={word: tuple(fold(w) for w in variants) for word, variants in words.items()},
        offtopic={language: tuple(questions) for language, questions in offtopic.items()},
    )
    object.__setattr__(knowledge, "index", build_index(knowledge))
    return knowledge
