"""Commands that look at knowledge, flows and voice: ask, evaluate, check, translations, new-town."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence

from bot import voice, whole
from bot.cli import FINE, NOT_FINE, WRONG_USE
from bot.content import load_knowledge
from bot.errors import Problem, SettingsError
from bot.languages import LANGUAGES
from bot.settings import ROOT, Settings
from flows import FLOWS
from flows.core import inspect
from flows.core.search import build_index, find


def carry_out(settings: Settings, options: argparse.Namespace) -> int:
    """`lotse ask`, `evaluate`, `check`, `translations`, `new-town`."""
    match options.command:
        case "ask":
            return _ask(settings, options)
        case "evaluate":
            from bot.evaluate import run_evaluate

            return run_evaluate(settings, options)
        case "check":
            return _check(settings, options)
        case "new-town":
            return _new_town(settings, options)
        case _:
            from bot import commands_translations

            return commands_translations.carry_out(settings, options)


def _ask(settings: Settings, options: argparse.Namespace) -> int:
    from dataclasses import replace

    from bot.evaluate import ask_json

    if options.lang and options.lang not in LANGUAGES:
        raise SettingsError(f"--lang {options.lang}: known are {', '.join(LANGUAGES)}")
    knowledge = load_knowledge(settings.knowledge, settings.town)
    knowledge = replace(knowledge, index=build_index(knowledge))
    finding = find(knowledge, options.question, options.lang)
    if options.json:
        print(json.dumps(ask_json(finding), ensure_ascii=False))
        return FINE
    print(finding.decision)
    for hit in finding.hits:
        texts = knowledge.articles[hit.article].texts
        text = texts.get(options.lang) or texts.get(hit.language) or texts["de"]
        print(f"  {hit.article:<32} {hit.score:6.3f}  {hit.language}  {text.title}")
    return FINE


def _dead_links(settings: Settings) -> Sequence[Problem]:
    """The links that lead nowhere; without a network none, and a line that says so."""
    from bot import links

    dead = links.look(settings.knowledge, settings.town)
    if dead is None:
        print("no link was looked at: there is no network", file=sys.stderr)
    return dead or ()


def _check(settings: Settings, options: argparse.Namespace) -> int:
    if options.draw is not None:
        if options.draw not in FLOWS:
            print(f"no flow is called {options.draw}; flows are {', '.join(FLOWS)}", file=sys.stderr)
            return WRONG_USE
        print(inspect.mermaid(FLOWS[options.draw]), end="")
        return FINE
    _, _, problems = whole.read(settings, options.on or dt.date.today())
    problems = sorted({*problems, *voice.problems(), *(_dead_links(settings) if options.links else ())})
    errors = sum(problem.severity == "error" for problem in problems)
    if options.json:
        rows = [{"path": str(p.path), "line": p.line, "severity": p.severity, "sentence": p.sentence} for p in problems]
        print(json.dumps(rows, ensure_ascii=False))
    else:
        for problem in problems:
            print(problem)
        print(f"{errors} errors, {len(problems) - errors} warnings")
    return NOT_FINE if errors else FINE


def _new_town(settings: Settings, options: argparse.Namespace) -> int:
    from bot.new_town import make_town

    if settings.knowledge_dir is None and not (ROOT / "pyproject.toml").is_file():
        raise SettingsError("lotse new-town writes files and needs a checkout, or LOTSE_KNOWLEDGE_DIR")
    id, files = make_town(settings.knowledge, options.name)
    for path in files:
        print(path)
    print(f"LOTSE_TOWN={id} lotse check   lists what is missing")
    return FINE
