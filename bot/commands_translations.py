"""`lotse translations`: the state of the texts, sheets for translators out and back in, and the voice's catalogues."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot import voice
from bot.catalogs import Catalogs
from bot.cli import FINE, NOT_FINE
from bot.content import NotMinorError, lexicon, load_knowledge, mark_minor, stamp
from bot.content.sheet import STATES, Review, state_of
from bot.errors import SettingsError
from bot.languages import LANGUAGES
from bot.settings import ROOT, Settings, data_folder
from flows.core.knowledge import Article, Dated, Knowledge


def carry_out(settings: Settings, options: argparse.Namespace) -> int:
    """One step of `lotse translations`."""
    writes = options.action in ("extract", "update")
    writes = writes or (options.action in ("stamp", "minor", "import", "lexicon") and settings.knowledge_dir is None)
    if writes and not (ROOT / "pyproject.toml").is_file():
        raise SettingsError(f"lotse translations {options.action} writes files and needs a checkout")
    match options.action:
        case "extract":
            print(voice.extract())
        case "update":
            for path in voice.update():
                print(path)
        case "check":
            problems = voice.problems(Catalogs.load(data_folder("locales")))
            for problem in problems:
                print(problem)
            return NOT_FINE if problems else FINE
        case "stamp":
            for path in stamp(settings.knowledge, settings.town, options.articles or None):
                print(path)
        case "lexicon":
            knowledge = load_knowledge(settings.knowledge, settings.town)
            for code in lexicon.wanted(knowledge):
                print(lexicon.write(settings.knowledge, code, lexicon.learn(knowledge, code)))
        case "minor":
            return _minor(settings, options)
        case "status":
            return _status(settings, options)
        case "export":
            return _export(settings, options)
        case "import":
            return _import(settings, options)
    return FINE


# ---- status ----


@dataclass(frozen=True, kw_only=True)
class State:
    """How far the texts of a town are, on a day."""

    languages: Mapping[str, Mapping[str, int]]  # language → state → how many
    overdue: Sequence[Article]  # review_by has passed
    expired: Sequence[str]  # facts with no value in force


def state(knowledge: Knowledge, on: dt.date) -> State:
    """The texts counted for each language the town speaks or has texts in."""
    articles = knowledge.articles.values()
    there = {language for article in articles for language in article.texts}
    spoken = [*knowledge.town.languages, *(code for code in LANGUAGES if code in there)]
    facts: Mapping[str, Sequence[Dated]] = {**knowledge.amounts, **knowledge.deadlines, **knowledge.times}
    return State(
        languages={
            code: {name: sum(state_of(article.texts.get(code)) == name for article in articles) for name in STATES}
            for code in dict.fromkeys(spoken)
        },
        overdue=sorted((a for a in articles if a.review_by < on), key=lambda a: (a.review_by, a.id)),
        expired=sorted(id for id, dated in facts.items() if not any(fact.holds_on(on) for fact in dated)),
    )


def _status(settings: Settings, options: argparse.Namespace) -> int:
    knowledge = load_knowledge(settings.knowledge, settings.town)
    found = state(knowledge, options.on or dt.date.today())
    languages = [_language(options.lang)] if options.lang else list(found.languages)
    if options.json:
        overdue = [{"id": a.id, "review_by": a.review_by.isoformat(), "owner": a.owner} for a in found.overdue]
        counts = {code: found.languages.get(code, {}) for code in languages}
        print(json.dumps({"languages": counts, "overdue": overdue, "expired": found.expired}, ensure_ascii=False))
        return FINE
    columns = ("reviewed", "draft", "outdated", "missing")
    print(f"{'language':<10}{''.join(f'{name:>10}' for name in columns)}")
    for code in languages:
        counted = found.languages.get(code, {"missing": len(knowledge.articles)})
        print(f"{code:<10}{''.join(f'{counted.get(name, 0):>10}' for name in columns)}")
    if options.lang:
        for name in columns:
            ids = [a.id for a in knowledge.articles.values() if state_of(a.texts.get(options.lang)) == name]
            print(f"\n{name} ({len(ids)})", *ids, sep="\n  ")
    if found.overdue:
        print(f"\noverdue ({len(found.overdue)}): review_by has passed, compare with the sources")
        for article in found.overdue:
            print(f"  {article.review_by}  {article.id:<34}{article.owner}")
    if found.expired:
        print(f"\nnot in force ({len(found.expired)}): no value holds on this day, nothing is shown for it")
        print(*(f"  {id}" for id in found.expired), sep="\n")
    return FINE


# ---- sheets ----


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise SettingsError(f"--lang {code}: known are {', '.join(LANGUAGES)}")
    return code


def _export(settings: Settings, options: argparse.Namespace) -> int:
    from bot.content import sheet, sheet_files

    language = _language(options.lang)
    knowledge = load_knowledge(settings.knowledge, settings.town)
    for id in options.article:
        if id not in knowledge.articles:
            raise SettingsError(f"--article {id}: there is no such article")
    topics, states = _list(options.topic), _list(options.state)
    if unknown := [name for name in states if name not in STATES]:
        raise SettingsError(f"--state {unknown[0]}: known are {', '.join(STATES)}")
    ids = [
        article.id
        for article in knowledge.articles.values()
        if (not options.article or article.id in options.article)
        and (not topics or article.topic in topics)
        and (not states or state_of(article.texts.get(language)) in states)
    ]
    rows = list(sheet.export(settings.knowledge, knowledge, language, ids))
    content = sheet_files.write(rows, language, options.format)
    if str(options.output) == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return FINE
    path: Path = options.output or Path(f"lotse-{language}.{options.format}")
    try:
        path.write_bytes(content)
    except OSError as error:
        raise SettingsError(f"--output {path}: {error.strerror}") from None
    print(f"{path}: {len(ids)} articles, {len(rows)} rows")
    return FINE


def _import(settings: Settings, options: argparse.Namespace) -> int:
    from bot.content import sheet, sheet_files

    path: Path = options.file
    if options.reviewer is not None and not options.reviewer.strip():
        raise SettingsError("--reviewer is empty: a review has a name")
    if options.all and not options.reviewer:
        raise SettingsError("--all says who has read the texts that did not change: name them with --reviewer")
    review = Review(reviewer=options.reviewer.strip(), on=options.on or dt.date.today()) if options.reviewer else None
    try:
        rows = sheet_files.read(path)
    except sheet_files.SheetError as error:
        print(error if str(path) in str(error) else f"{path}: {error}", file=sys.stderr)
        return NOT_FINE
    plan = sheet.plan(settings.knowledge, settings.town, rows, review, options.all)
    for note in plan.notes:
        print(f"{path}: warning: {note}", file=sys.stderr)
    if plan.problems:
        for problem in plan.problems:
            print(f"{path}: error: {problem}", file=sys.stderr)
        print(f"nothing was written: {len(plan.problems)} errors", file=sys.stderr)
        return NOT_FINE
    written = sorted(plan.changes) if options.dry_run else plan.write()
    for changed in written:
        print(changed)
    print(f"{len(written)} texts {'would change' if options.dry_run else 'written'}, {plan.unchanged} unchanged")
    return FINE


def _minor(settings: Settings, options: argparse.Namespace) -> int:
    code = FINE
    for id in options.articles:
        try:
            marked = mark_minor(settings.knowledge, settings.town, id, options.was)
        except NotMinorError as error:
            print(error, file=sys.stderr)
            code = NOT_FINE
        else:
            print(f"{marked.path}: says the same as {marked.before}; still current: {', '.join(marked.current)}")
    return code


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
