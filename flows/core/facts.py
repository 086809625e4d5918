"""What may be stated on a day: an article with its cited facts looked up for the day of the event.

An amount outside its validity, or an opening time of a stale record, has no value: the text then says that
the office must be asked. The newest known amount is never used instead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TypeVar

from flows.core.knowledge import (
    Article,
    ArticleText,
    Block,
    Dated,
    Knowledge,
    Section,
)
from flows.core.phrases import ArticleView, Fact, Footer, OfficeView

OFFICES_SHOWN = 3

D = TypeVar("D", bound=Dated)


def view(
    knowledge: Knowledge,
    article_id: str,
    language: str,
    day: dt.date,
    section: str | None = None,
    fallback: str | None = None,
) -> ArticleView:
    """The article's first view, or the section of that id, as it stands on that day.

    Where there is no text in `language` the one in `fallback` is shown and says so. KeyError when there is no
    such article, section, or text in either language: showing a third one is not for this function to decide.
    """
    article = knowledge.articles[article_id]
    text = article.texts.get(language)
    if text is None:
        if fallback is None:
            raise KeyError(f"{article_id} has no text in {language}")
        text = article.texts[fallback]
    part = None if section is None else _section(text, section)
    blocks = text.lead if part is None else part.blocks
    return ArticleView(
        article=article_id,
        text=text,
        title=text.title if part is None else part.heading,
        blocks=blocks,
        facts=_facts(knowledge, blocks, day),
        footer=footer(knowledge, article, day),
        notices=tuple(
            notice
            for notice, applies in (
                ("fallback", text.language != language),
                ("outdated", text.outdated),
                ("draft", not text.reviewed),
            )
            if applies
        ),
        crisis=article.topic == "crisis",
    )


def footer(knowledge: Knowledge, article: Article, day: dt.date) -> Footer:
    """What stands under every answer: sources, the day of the last check, and the doors, stale ones last."""
    offices = sorted((knowledge.offices[id] for id in article.offices), key=lambda o: o.confidence == "stale")
    return Footer(
        sources=article.sources,
        checked_on=article.checked_on,
        overdue=article.review_by < day,
        offices=tuple(OfficeView(office=office) for office in offices[:OFFICES_SHOWN]),
    )


def fact(knowledge: Knowledge, kind: str, id: str, day: dt.date) -> Fact:
    """One cited fact for that day. KeyError when there is no fact of that kind and id."""
    match kind:
        case "amount":
            amount = _in_force(knowledge.amounts[id], day)
            return _dated(kind, amount, amount.value, amount.unit) if amount else Fact(kind=kind, value=None)
        case "deadline":
            deadline = _in_force(knowledge.deadlines[id], day)
            if deadline is None:
                return Fact(kind=kind, value=None)
            return _dated(kind, deadline, deadline.month_day or deadline.value, deadline.unit)
        case "hours" if id not in knowledge.offices:
            time = _in_force(knowledge.times[id], day)
            return _dated(kind, time, time.hours) if time else Fact(kind=kind, value=None)
        case "term":
            return Fact(kind=kind, value=knowledge.terms[id].words["de"])
        case "as_of":
            return Fact(kind=kind, value=id)
    office = knowledge.offices[id]
    match kind:
        case "hours":
            return Fact(kind=kind, value=None if office.confidence == "stale" else office.hours)
        case "phone":
            return Fact(kind=kind, value=office.phone)
        case "address":
            return Fact(kind=kind, value=office.place)
        case "web":
            return Fact(kind=kind, value=office.web)
    raise KeyError(f"there is no kind of fact called {kind}")


def _facts(knowledge: Knowledge, blocks: Sequence[Block], day: dt.date) -> dict[tuple[str, str], Fact]:
    cited = dict.fromkeys(span.fact for block in blocks for span in block.spans if span.fact)
    return {(kind, id): fact(knowledge, kind, id, day) for kind, id in cited}


def _in_force(facts: Sequence[D], day: dt.date) -> D | None:
    return next((fact for fact in facts if fact.holds_on(day)), None)


def _dated(kind: str, proof: Dated, value: str | float | int | None, unit: str | None = None) -> Fact:
    return Fact(
        kind=kind,
        value=value,
        unit=unit,
        as_of=None if proof.mark == "official" else proof.as_of,
        please_check=proof.mark == "recheck",
    )


def _section(text: ArticleText, id: str) -> Section:
    for section in text.sections:
        if section.id == id:
            return section
    raise KeyError(f"there is no section {id} in “{text.title}”")
