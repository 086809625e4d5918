"""The command line: what each command takes, and the exit codes.

0 fine (warnings too) · 1 the thing checked is not fine · 2 wrong use, settings, content refused at start ·
130 interrupted. Errors go to stderr; with --json stdout holds JSON only.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bot.errors import ContentError, LotseError, SettingsError

FINE, NOT_FINE, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
LONGEST_NAME = 60


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    top = argparse.ArgumentParser(prog="lotse", description="Referral advice on Telegram, Matrix and the web.")
    top.add_argument("--version", action="version", version=_version())
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    commands.add_parser("run", help="start every channel that is configured, with web chat and desk")

    chat = commands.add_parser("chat", help="a conversation in the terminal, no account needed")
    chat.add_argument("--lang", metavar="CODE", help="begin in this language")
    chat.add_argument("--json", action="store_true", help="one JSON object a line")
    chat.add_argument("--keep", metavar="NAME", help="keep the conversation under this name")

    ask = commands.add_parser("ask", help="what the knowledge base would answer")
    ask.add_argument("question", help="as somebody would type it")
    ask.add_argument("--lang", metavar="CODE", default="", help="the language of the menu")
    ask.add_argument("--json", action="store_true", help="one JSON object")

    evaluate = commands.add_parser("evaluate", help="measure the search on questions with known answers")
    evaluate.add_argument(
        "questions", type=Path, nargs="+", help="files of JSON lines (also .gz): id, lang, text, expect, kind, town"
    )
    evaluate.add_argument(
        "--corpus", type=Path, action="append", help="search this collection in place of the articles; may be repeated"
    )
    evaluate.add_argument("--lang", default="", help="only these languages: de,ar")
    evaluate.add_argument("--topic", default="", help="only these topics: school,waste")
    evaluate.add_argument("--kind", default="", help="only these kinds: plain,typo")
    evaluate.add_argument("--split", default="", help="only lines of this split")
    evaluate.add_argument("--misspell", action="store_true", help="put typing mistakes into the questions")
    evaluate.add_argument("--errors", action="store_true", help="list the misses")
    evaluate.add_argument("--json", action="store_true", help="the figures as one JSON object")

    check = commands.add_parser("check", help="flows, articles, facts, translations: every problem with its place")
    check.add_argument("--on", type=_date, metavar="DATE", help="as on this day (YYYY-MM-DD)")
    check.add_argument("--json", action="store_true", help="the problems as one JSON list")
    check.add_argument("--links", action="store_true", help="also ask every web address whether it is still there")
    check.add_argument("--draw", metavar="FLOW", help="print the flow as a Mermaid diagram instead")

    doctor = commands.add_parser("doctor", help="settings, tokens, rights, database, clock: what is wrong")
    doctor.add_argument("--json", action="store_true", help="what was looked at as one JSON list")

    member = commands.add_parser("member", help="people on staff").add_subparsers(dest="action", required=True)
    add = member.add_parser("add", help="a new member; prints a join code, once")
    add.add_argument("name", type=_name, help="as colleagues call them")
    add.add_argument("--role", choices=("coordinator", "member", "mediator"), default="member", help="what they do")
    add.add_argument("--languages", default="", metavar="CODES", help="what they speak: de,ar")
    add.add_argument("--wake", action="store_true", help="wants a private message when a case waits")
    member.add_parser("list", help="all members")
    remove = member.add_parser("remove", help="take somebody off staff")
    remove.add_argument("name", help="as in the list")
    code = member.add_parser("code", help="a new join code for an existing member")
    code.add_argument("name", help="as in the list")

    link = commands.add_parser("desk-link", help="a one-time link to the web desk for an existing member")
    link.add_argument("name", help="as in lotse member list")

    translations = commands.add_parser("translations", help="the state of texts and of the bot's voice")
    steps = translations.add_subparsers(dest="action", required=True)
    status = steps.add_parser("status", help="reviewed, draft, outdated, missing, per language; what is overdue")
    status.add_argument("--lang", default="", metavar="CODE", help="only this language, with each article's state")
    status.add_argument("--on", type=_date, metavar="DATE", help="as on this day (YYYY-MM-DD)")
    status.add_argument("--json", action="store_true", help="one JSON object")
    export = steps.add_parser("export", help="write a sheet for a translator: German, present text, state, context")
    export.add_argument("--lang", required=True, metavar="CODE", help="the language to translate into")
    export.add_argument("--format", choices=("po", "xlsx", "csv"), default="xlsx", help="the kind of file")
    export.add_argument("--output", type=Path, metavar="FILE", help="lotse-CODE.FORMAT when left out, - for stdout")
    export.add_argument("--article", action="append", default=[], metavar="ID", help="only this one; may be repeated")
    export.add_argument("--topic", default="", help="only these topics: school,waste")
    export.add_argument("--state", default="", help="only these states: missing,draft,outdated,reviewed")
    bring = steps.add_parser("import", help="check a translator's sheet and take it over, all of it or nothing")
    bring.add_argument("file", type=Path, help="a sheet made by lotse translations export: .po, .xlsx or .csv")
    bring.add_argument(
        "--reviewer", metavar="NAME", help="this person has read each text that changed and stands for it"
    )
    bring.add_argument("--on", type=_date, metavar="DATE", help="the day of the review; today when left out")
    bring.add_argument("--all", action="store_true", help="the reviewer has read the unchanged texts of the sheet too")
    bring.add_argument("--dry-run", action="store_true", help="check and list, write nothing")
    steps.add_parser("extract", help="collect the voice's phrases from the code into locales/bot.pot")
    steps.add_parser("update", help="bring the catalogues up to locales/bot.pot")
    steps.add_parser("check", help="every phrase in every language")
    steps.add_parser("lexicon", help="learn the words of languages that lack texts from the texts they have")
    stamp = steps.add_parser("stamp", help="mark translations as made from the present German text")
    stamp.add_argument("articles", nargs="*", help="ids; all when none is named")
    minor = steps.add_parser("minor", help="a German text was only corrected: its translations stay current")
    minor.add_argument("articles", nargs="+", help="ids of the articles")
    minor.add_argument("--was", metavar="DIGEST", help="the text it says the same as, where that is not clear")

    new_town = commands.add_parser("new-town", help="make the folder of a new town, to be filled")
    new_town.add_argument("name", help='as people call it: "Neustadt am See"')

    bench = commands.add_parser(
        "bench", help="speed, cost and memory on this machine, beside raw drivers and an ordinary bot"
    )
    bench.add_argument("--json", action="store_true", help="the figures as one JSON list")
    bench.add_argument("--quick", action="store_true", help="a minute instead of ten; the figures scatter more")
    bench.add_argument("--postgresql", metavar="URL", help="a server to make databases on, instead of one of its own")
    bench.add_argument("--chart", type=Path, metavar="FILE", help="draw the comparisons too (.svg or .png)")

    commands.add_parser("matrix-logout", help="end the Matrix login of this data folder; its keys are given up")

    database = commands.add_parser("db", help="the database").add_subparsers(dest="action", required=True)
    database.add_parser("upgrade", help="bring the tables up to this release")
    backup = database.add_parser("backup", help="copy the embedded database")
    backup.add_argument("target", type=Path, help="a file that is not there yet")
    restore = database.add_parser("restore", help="put a copy back")
    restore.add_argument("source", type=Path, help="a copy made by lotse db backup")
    return top


def run(arguments: Sequence[str]) -> int:
    """Carry out one command; returns the exit code."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # people type what they type: no text may stop the program
            reconfigure(encoding="utf-8", errors="replace")
    options = parser().parse_args(arguments)
    try:
        return _carry_out(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return FINE
    except (ContentError, SettingsError) as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    except LotseError as error:
        print(error, file=sys.stderr)
        return NOT_FINE


def _carry_out(options: argparse.Namespace) -> int:
    from bot.settings import load_settings

    settings = load_settings()
    match options.command:
        case "run":
            from bot.serve import run_until_stopped

            return run_until_stopped(settings)
        case "chat":
            from bot.chat import run_chat

            return asyncio.run(run_chat(settings, options.lang, options.json, options.keep))
        case "ask" | "evaluate" | "check" | "translations" | "new-town":
            from bot import commands_knowledge

            return commands_knowledge.carry_out(settings, options)
        case "bench":
            from bot.bench.run import bench

            return asyncio.run(bench(settings, options.json, options.quick, options.postgresql, options.chart))
        case "doctor":
            from bot.doctor import doctor

            return asyncio.run(doctor(settings, options.json))
        case _:
            from bot import commands_store

            return commands_store.carry_out(settings, options)


def _name(text: str) -> str:
    """A member's name: it stands in lists, links and messages."""
    name = text.strip()
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise argparse.ArgumentTypeError(f"1 to {LONGEST_NAME} letters in one line, please")
    return name


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-11-24") from None


def _version() -> str:
    try:
        return f"lotse {version('lotse')}"
    except PackageNotFoundError:
        return "lotse (not installed)"
