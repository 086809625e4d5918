"""A town that is still in the making: what it lacks is told as warnings, and what needs it is not shown.

`unfinished = true` in town.toml asks for this. A general article that cites an office or an amount the town does not
have yet is left out, and with it what leads there. What the town's own files say wrongly stays an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bot.content.articles import Draft
from bot.content.tables import Problems
from bot.content.town import Pack, read_crisis
from flows.core.knowledge import Topic

LEGAL = ("privacy", "imprint")


def danger_articles(folder: Path) -> set[str]:
    """Every article that words of danger lead to, whether or not a town has it."""
    pack = Pack()
    for path in sorted((folder / "crisis").glob("*.toml")):
        read_crisis(path, pack, Problems())
    return {article for lists in pack.crisis_words.values() for article in lists}


def leave_out(folder: Path, drafts: list[Draft], pack: Pack, problems: Problems) -> list[Draft]:
    """The articles this town can show; the pack keeps no way to the others, and each is told with what it waits for."""
    assert pack.town is not None
    town = folder / "towns" / pack.town.id
    kept: list[Draft] = []
    for draft in drafts:
        missing = [] if draft.file.path.is_relative_to(town) else list(_missing(draft, pack))
        if missing:
            problems.warn(town / "town.toml", 0, f"{draft.article.id} is not shown; it needs {', '.join(missing)}")
        else:
            kept.append(draft)
    there = {draft.article.id for draft in kept}
    for draft in kept:
        if not draft.file.path.is_relative_to(town):
            related = tuple(id for id in draft.article.related if id in there)
            draft.article = replace(draft.article, related=related)
            draft.cited = [cited for cited in draft.cited if cited[2] != "article" or cited[3] in there]
    pack.asks = {code: {id: a for id, a in asks.items() if id in there} for code, asks in pack.asks.items()}
    pack.cited = [c for c in pack.cited if c[0].file.path.parent.name != "asks" or c[3] in there]
    _shut_topics(town, there, pack, problems)
    _shut_crisis(folder, town, there, pack, problems)
    _tell_what_is_empty(town, pack, problems)
    return kept


def _missing(draft: Draft, pack: Pack) -> Iterator[str]:
    """What a general article cites and the town's files do not have, each once."""
    offices = [f"the office {id}" for id in draft.article.offices if id not in pack.offices]
    facts: list[str] = []
    for text in draft.texts.values():
        for kind, id, _ in text.facts:
            if kind in ("term", "as_of"):
                continue
            dated: Mapping[str, Collection[str]] = {
                "amount": pack.amounts,
                "deadline": pack.deadlines,
                "hours": pack.times,
            }
            office = pack.offices.get(id) if kind not in ("amount", "deadline") else None
            if id not in dated.get(kind, ()) and (office is None or getattr(office, kind) is None):
                facts.append(f"{{{{{kind}:{id}}}}}")
    yield from dict.fromkeys([*offices, *facts])


def _shut_topics(town: Path, there: set[str], pack: Pack, problems: Problems) -> None:
    """Topics without an article leave the menu."""
    assert pack.town is not None
    topics: dict[str, Topic] = {}
    for id, topic in pack.town.topics.items():
        if articles := tuple(article for article in topic.articles if article in there):
            topics[id] = replace(topic, articles=articles)
        else:
            problems.warn(
                town / "town.toml", 0, f"the topic {id} has no article that can be shown, so the menu lacks it"
            )
    pack.town = replace(pack.town, topics=topics, menu=tuple(id for id in pack.town.menu if id in topics))
    pack.cited = [
        each for each in pack.cited if each[2] != "article" or each[3] in there or not _general(each[3], town)
    ]


def _general(id: str, town: Path) -> bool:
    """Whether an article exists for all towns, so that this one only waits for it."""
    topic, _, entry = id.partition(".")
    return (town.parent.parent / "articles" / topic / entry).is_dir()


def _shut_crisis(folder: Path, town: Path, there: set[str], pack: Pack, problems: Problems) -> None:
    """Words of danger lead only to articles that are there; each that is missing is told once."""
    lacking = sorted({id for lists in pack.crisis_words.values() for id in lists} - there)
    for id in lacking:
        problems.warn(town / "town.toml", 0, f"{id} is missing: words of danger lead nowhere, and lotse run refuses")
    pack.crisis_words = {
        language: {id: words for id, words in lists.items() if id in there}
        for language, lists in pack.crisis_words.items()
    }
    crisis = folder / "crisis"
    pack.cited = [each for each in pack.cited if not each[0].file.path.is_relative_to(crisis) or each[3] in there]


def _tell_what_is_empty(town: Path, pack: Pack, problems: Problems) -> None:
    empty = {
        "directory.toml": not pack.offices and "no office is there yet: each answer names a door to go to",
        "districts.toml": not pack.districts and "no quarter is there yet: nobody is asked where they live",
        "amounts.toml": not (pack.amounts or pack.deadlines or pack.times)
        and "no amount, deadline or time is there yet",
    }
    for name, sentence in empty.items():
        if sentence:
            problems.warn(town / name, 0, sentence)
    for name in LEGAL:
        if not (town / "legal" / f"{name}.de.md").is_file():
            problems.warn(
                town / "legal" / f"{name}.de.md", 0, "is missing: nobody but this machine may open the web chat"
            )
