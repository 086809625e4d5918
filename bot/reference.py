"""The pages of docs/ that are made from the code: commands, flow diagrams, the table of precedence.

`python -m bot.reference` writes them anew in a checkout; `tests/test_docs.py` fails while one of them is old.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.cli import parser
from bot.settings import ROOT
from flows import FLOWS
from flows.core import inspect
from flows.core.engine import PRECEDENCE

DOCS = ROOT / "docs"
BEGIN, END = "<!-- precedence: made by bot/reference.py -->", "<!-- end -->"

COMMANDS_HEAD = """# Commands

Made from the code by `python -m bot.reference`.

Exit codes: 0 fine (warnings too) · 1 the thing checked is not fine · 2 wrong use, settings, content refused at start ·
130 interrupted. Errors go to stderr; with `--json` stdout holds JSON only.
"""
FLOWS_HEAD = """# Guided flows

Made from the code by `python -m bot.reference`; `lotse check --draw FLOW` prints one of them.
A diamond asks, a box is an article, a dotted line is a typed answer, a rounded box is a place of the engine.
"""


def commands() -> str:
    """docs/commands.md: every command with its arguments."""
    return "\n".join([COMMANDS_HEAD, *_command("lotse", "", parser())])


def _command(name: str, sentence: str, of: argparse.ArgumentParser) -> Iterator[str]:
    """A command as a section, or those below it."""
    below = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    for group in below:
        said = {choice.dest: choice.help or "" for choice in group._choices_actions}
        for word, child in group.choices.items():
            yield from _command(f"{name} {word}", said.get(word, ""), child)
    if below:
        return
    arguments = [action for action in of._actions if not isinstance(action, argparse._HelpAction)]
    yield f"## `{' '.join([name, *(_usage(action) for action in arguments)])}`\n"
    yield f"{sentence[:1].upper()}{sentence[1:]}.\n"
    if arguments:
        yield "| argument | |\n|---|---|"
        yield from (f"| `{_form(action)}` | {_meaning(action)} |" for action in arguments)
        yield ""


def _form(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        return value
    return action.option_strings[-1] if action.nargs == 0 else f"{action.option_strings[-1]} {value}"


def _usage(action: argparse.Action) -> str:
    if action.option_strings:
        return _form(action) if action.required else f"[{_form(action)}]"
    if action.nargs == "+":
        return f"{_form(action)} …"
    return f"[{_form(action)} …]" if action.nargs == "*" else _form(action)


def _meaning(action: argparse.Action) -> str:
    choices = f" ({', '.join(map(str, action.choices))})" if action.choices else ""
    return f"{action.help or ''}{choices}"


def flow_diagrams() -> str:
    """docs/flows.md: every guided flow, drawn from its declared targets."""
    pages = (f"## {name}\n\n```mermaid\n{inspect.mermaid(flow)}```\n" for name, flow in FLOWS.items())
    return "\n".join([FLOWS_HEAD, *pages])


def precedence() -> str:
    """The table in docs/architecture.md: which rule is asked when."""
    rows = ["| | rule | what it does | where |", "|---|---|---|---|"]
    for number, rule in enumerate(PRECEDENCE, 1):
        sentence = (rule.take.__doc__ or "").strip().splitlines()[0]
        place = f"`{rule.take.__module__.replace('.', '/')}.py`, `{rule.take.__name__}`"
        rows.append(f"| {number} | {rule.name} | {sentence} | {place} |")
    return "\n".join(rows) + "\n"


def with_precedence(page: str) -> str:
    """The page with the table between its two marks written anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{precedence()}{END}{after}"


def pages() -> dict[Path, str]:
    """Every page that is made, with what should stand in it."""
    architecture = DOCS / "architecture.md"
    return {
        DOCS / "commands.md": commands(),
        DOCS / "flows.md": flow_diagrams(),
        architecture: with_precedence(architecture.read_text(encoding="utf-8")),
    }


def main() -> int:
    """Write what has changed and name it."""
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
