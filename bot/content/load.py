"""The knowledge of one town from its folder, with everything that is wrong with it.

Nothing here asks for today's date: what depends on a day is looked at for the day of the event, and
by `check_content` for the day it is told.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from bot.content import lexicon
from bot.content.articles import Draft, folders, read_article
from bot.content.tables import AS_OF, Problems
from bot.content.terms import warn_of_terms
from bot.content.town import Pack, read_pack
from bot.content.unfinished import leave_out
from bot.errors import ContentError, Problem
from bot.languages import LANGUAGES
from flows.core.knowledge import Dated, FactKind, Knowledge

RECHECK_TOPICS = ("school", "waste", "noise", "neighbours")
"""Where a fact that is old or likely changed may be stated, with "please check"; elsewhere not at all."""


def load_knowledge(folder: Path, town: str) -> Knowledge:
    """All that may be said in that town, without an index; ContentError with every problem there is."""
    problems = Problems()
    knowledge, _, _ = _read(folder, town, problems)
    if problems.errors or knowledge is None:
        raise ContentError(problems.errors)
    return knowledge


def check_content(folder: Path, town: str, on: dt.date) -> list[Problem]:
    """The errors that stop a start, and warnings for a day: what an editor should look at again."""
    return read_content(folder, town, on)[1]


def read_content(folder: Path, town: str, on: dt.date) -> tuple[Knowledge | None, list[Problem]]:
    """The knowledge as far as it can be read, and what `check_content` says about it; with errors it is not for use."""
    problems = Problems()
    knowledge, drafts, pack = _read(folder, town, problems)
    german_words = {term.words["de"]: id for id, term in pack.terms.items() if "de" in term.words}
    for draft in drafts:
        _warn_of_article(draft, pack, on, problems)
        for language, text in draft.texts.items():
            warn_of_terms(language, text, pack, german_words, problems)
    _warn_of_hours(pack, problems)
    if knowledge is not None:
        _warn_of_reach(folder, knowledge, problems)
    return knowledge, sorted(set(problems.found))


def _read(folder: Path, town: str, problems: Problems) -> tuple[Knowledge | None, list[Draft], Pack]:
    if not folder.is_dir():
        problems.error(folder, 0, "the folder of the knowledge is missing")
        return None, [], Pack()
    pack = read_pack(folder, town, problems)
    places = folders(folder, town, problems)
    drafts: list[Draft] = []
    for id, place in places.items():
        draft = read_article(id, place, problems)
        if draft is not None:
            drafts.append(draft)
    if pack.town is not None and pack.town.unfinished:
        drafts = leave_out(folder, drafts, pack, problems)
        places = {draft.article.id: draft.file.path.parent for draft in drafts}
    known: dict[str, set[str]] = {"office": set(pack.offices), "article": set(places)}
    for table, key, kind, id in [*pack.cited, *(cited for draft in drafts for cited in draft.cited)]:
        if id not in known[kind]:
            table.error(f"unknown {kind}: {id}", key, id)
        elif kind == "office" and not pack.offices[id].reachable:
            table.error(f"the office {id} has no address, phone, web or email: nobody can go there", key, id)
    for draft in drafts:
        look_up_facts(draft, pack, problems)
    if pack.town is None:
        return None, drafts, pack
    for language in pack.town.languages:
        for id in places:
            if id.startswith("crisis.") and id not in pack.crisis_words.get(language, {}):
                path = folder / "crisis" / f"{language}.toml"
                problems.error(path, 0, f"no words of danger in {language} lead to {id}")
    knowledge = Knowledge(
        town=pack.town,
        articles={draft.article.id: draft.article for draft in drafts},
        offices=pack.offices,
        amounts=pack.amounts,
        deadlines=pack.deadlines,
        times=pack.times,
        terms=pack.terms,
        districts=pack.districts,
        crisis_words=pack.crisis_words,
        words=pack.words,
        offtopic=pack.offtopic,
        asks=pack.asks,
        lexicons=lexicon.read(folder, problems),
    )
    return knowledge, drafts, pack


def _dated(kind: FactKind, id: str, pack: Pack) -> tuple[Dated, ...] | None:
    """The amounts, deadlines or times of that id; None where the kind has no dates."""
    match kind:
        case "amount":
            return pack.amounts.get(id, ())
        case "deadline":
            return pack.deadlines.get(id, ())
        case "hours" if id not in pack.offices:
            return pack.times.get(id, ())
    return None


def look_up_facts(draft: Draft, pack: Pack, problems: Problems) -> None:
    """Every cited fact exists and may be stated in that topic."""
    for text in draft.texts.values():
        for kind, id, line in text.facts:
            marker = f"{{{{{kind}:{id}}}}}"
            facts = _dated(kind, id, pack)
            if facts is not None:
                if not facts:
                    problems.error(text.path, line, f"{marker}: there is no such {_NAMES[kind]}")
                elif draft.article.topic not in RECHECK_TOPICS and any(f.mark == "recheck" for f in facts):
                    problems.error(
                        text.path,
                        line,
                        f"{marker} must be re-checked, so it may be stated in {', '.join(RECHECK_TOPICS)} "
                        "only: say that the rule may have changed and name the office",
                    )
            elif kind == "term":
                if id not in pack.terms:
                    problems.error(text.path, line, f"{marker}: the word is not in glossary.toml")
            elif kind == "as_of":
                if not AS_OF.fullmatch(id):
                    problems.error(text.path, line, f"{marker}: write 2025, 2025-05, 2025-05-26 or undated")
            elif (office := pack.offices.get(id)) is None:
                problems.error(text.path, line, f"{marker}: there is no such office")
            elif getattr(office, kind) is None:
                problems.error(text.path, line, f"{marker}: the office has no {_NAMES[kind]} in directory.toml")


_NAMES = {
    "amount": "amount in amounts.toml",
    "deadline": "deadline in amounts.toml",
    "hours": "opening times",
    "phone": "phone",
    "address": "address",
    "web": "web address",
}


def _warn_of_article(draft: Draft, pack: Pack, on: dt.date, problems: Problems) -> None:
    article, file = draft.article, draft.file
    if article.review_by < on:
        line = file.line("review_by")
        problems.warn(file.path, line, f"review_by {article.review_by} has passed: compare with the sources")
    for id in article.offices:
        if (office := pack.offices.get(id)) and office.confidence == "stale":
            problems.warn(file.path, file.line("offices", value=id), f"the record of the office {id} is stale")
    for language in pack.town.languages if pack.town else ():
        if language in LANGUAGES and language not in draft.texts and "de" in draft.texts:
            problems.warn(file.path, 1, f"the text in {LANGUAGES[language].name} is missing: {language}.md")
    for language, text in article.texts.items():
        place = draft.texts[language]
        if text.outdated:
            given = place.front.line("source_digest")
            problems.warn(
                place.path,
                given,
                "made from another version of the German text; when both say the same: lotse translations stamp "
                f"{article.id}; when only a comma changed: lotse translations minor {article.id}",
            )
        for kind, id, line in place.facts:
            marker = f"{{{{{kind}:{id}}}}}"
            if (facts := _dated(kind, id, pack)) and not any(fact.holds_on(on) for fact in facts):
                problems.warn(place.path, line, f"{marker} is not in force on {on}: nothing is shown for it")
            stale = id in pack.offices and pack.offices[id].confidence == "stale"
            if stale and kind in ("phone", "address", "hours"):
                problems.warn(place.path, line, f"{marker}: the record of the office is stale")


def _warn_of_hours(pack: Pack, problems: Problems) -> None:
    from bot import hours  # brings Babel, which loading does not need

    for table, spec in pack.hours:
        if spec.strip() != "24/7" and hours.parse(spec) is None:
            problems.warn(table.file.path, table.line("hours"), f"“{spec}” cannot be read and is shown as it is")


def _warn_of_reach(folder: Path, knowledge: Knowledge, problems: Problems) -> None:
    town = folder / "towns" / knowledge.town.id / "town.toml"
    listed = {article for topic in knowledge.town.topics.values() for article in topic.articles}
    for id in knowledge.articles.keys() - listed:
        problems.warn(town, 0, f"the article {id} stands under no topic, so no menu leads to it")
