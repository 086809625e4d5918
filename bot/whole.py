"""What must be whole before anything speaks to people: the knowledge, the voice, and the flows through both."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import flows
from bot import kept
from bot.catalogs import Catalogs
from bot.content import danger_articles, read_content
from bot.errors import ContentError, Problem
from bot.settings import Settings, data_folder
from flows import FLOWS
from flows.core import inspect
from flows.core.index import Index
from flows.core.knowledge import Knowledge
from flows.core.search import build_index

FLOWS_FOLDER = Path(str(flows.__file__)).parent

YOUNG = 5000
"""So many new objects make the garbage collector look through the young ones; most go without it."""


def load(settings: Settings, trying: bool = False) -> tuple[Knowledge, Catalogs]:
    """Knowledge with its index, and the voice; ContentError with all that is wrong with content, voice or flows.

    `trying`: somebody tries out unfinished content in the terminal, where a flow may still lack its article.
    """
    made_from = kept.digest(settings.knowledge, settings.town)
    known = kept.read_knowledge(made_from)
    if known is not None:
        catalogs, problems = _voice_and_flows(known)
        knowledge: Knowledge | None = known
    else:
        with kept.collecting_nothing():
            knowledge, catalogs, problems = read(settings, dt.date.min)
    if trying:
        problems = [problem for problem in problems if problem.path.parent != FLOWS_FOLDER]
    else:
        problems += _danger_unanswered(settings, knowledge)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or knowledge is None:
        raise ContentError(errors)
    if known is None:
        kept.keep_knowledge(made_from, knowledge)
    index = build_index(knowledge, partial(kept.alarm, made_from, knowledge))
    kept.through(made_from, index)
    return dataclasses.replace(knowledge, index=index), catalogs


def warm(settings: Settings, knowledge: Knowledge, stopped: Callable[[], bool] = lambda: False) -> None:
    """Make the indexes that are not kept yet, so that nobody's first question waits for them, now and next time."""
    index: Index = knowledge.index
    index.alarm  # noqa: B018 - made by being asked for
    if kept.all_kept(kept.digest(settings.knowledge, settings.town), index):
        return
    for languages in (index.languages, index.sounds):
        for code in languages:
            if stopped():
                return
            languages[code]


def stays() -> None:
    """What is in memory now stays: the garbage collector no longer goes through it, which stops everything."""
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def read(settings: Settings, on: dt.date) -> tuple[Knowledge | None, Catalogs, list[Problem]]:
    """The same as far as it can be read, with every problem, warnings for that day too."""
    knowledge, problems = read_content(settings.knowledge, settings.town, on)
    errors = any(problem.severity == "error" for problem in problems)
    catalogs, others = _voice_and_flows(None if errors else knowledge)
    return knowledge, catalogs, [*problems, *others]


def _voice_and_flows(knowledge: Knowledge | None) -> tuple[Catalogs, list[Problem]]:
    catalogs, missing = Catalogs.read(data_folder("locales"))
    return catalogs, [*missing, *catalogs.problems(), *flow_problems(knowledge)]


def _danger_unanswered(settings: Settings, knowledge: Knowledge | None) -> list[Problem]:
    """A town in the making speaks to nobody while words of acute danger have no answer there (promise 13)."""
    if knowledge is None or not knowledge.town.unfinished:
        return []
    town = settings.knowledge / "towns" / settings.town / "town.toml"
    return [
        Problem(
            path=town,
            line=0,
            severity="error",
            sentence=f"{id} is missing: before anybody is answered, words of danger must lead somewhere; "
            "until then try it out with lotse chat",
        )
        for id in sorted(danger_articles(settings.knowledge) - knowledge.articles.keys())
    ]


def flow_problems(knowledge: Knowledge | None) -> list[Problem]:
    """What is wrong with the flows; articles and offices they end in are looked up where there is knowledge.

    In a town that is still in the making an article a flow shows may be missing: that is a warning.
    """

    def problem(flow: str, severity: Literal["error", "warning"], sentence: str) -> Problem:
        return Problem(path=FLOWS_FOLDER / f"{flow}.py", line=0, severity=severity, sentence=sentence)

    found = [
        problem(place.split(".", 1)[0], "error", f"{place} {sentence}")
        for place, sentence in inspect.problems(FLOWS, knowledge)
    ]
    if knowledge is not None and knowledge.town.unfinished:
        for flow, article in inspect.lacking(FLOWS, knowledge):
            found.append(problem(flow, "warning", f"the flow {flow} shows {article}, which this town lacks"))
        for name, each in FLOWS.items():
            if not inspect.is_open(FLOWS, name, each.first.name, knowledge):
                found.append(problem(name, "warning", f"the flow {name} has nothing to offer and is not entered"))
    return found
