"""Keeping the bot's voice complete: which phrases the code says, and the catalogues that must have them.

A phrase is found where its key is written out: `phrase("welcome.hello")`, `counted("case.waiting", n)`.
A key that is put together while running could not be found, so it is a problem.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from bot.catalogs import FILE, TEMPLATE, Catalogs
from bot.errors import Problem
from bot.languages import LANGUAGES, VOICED
from bot.settings import ROOT, data_folder

FOLDERS = ("flows", "bot")
HEADER = "# What the bot says. A msgid is a key; the sentence is the msgstr."

_LEFT_OUT = tuple(
    f'"{name}:'.encode()
    for name in (
        "Project-Id-Version", "Report-Msgid-Bugs-To", "POT-Creation-Date", "PO-Revision-Date",
        "Last-Translator", "Language-Team", "Generated-By",
    )
)  # fmt: skip
_SAY = ("phrase", "counted")
_FILL = ("fill", "_fill")  # the renderer's own, for values that are already written out


@dataclass(frozen=True, kw_only=True, order=True)
class Use:
    """A place where the code says a phrase."""

    key: str
    path: Path
    line: int
    plural: bool


def used_keys() -> tuple[list[Use], list[Problem]]:
    """Every phrase the code can say, in order, and the calls whose key cannot be seen."""
    uses: list[Use] = []
    problems: list[Problem] = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            try:
                tree = ast.parse(path.read_text(encoding="utf-8"))
            except SyntaxError as error:
                problems.append(_problem(path, error.lineno or 0, f"not Python: {error.msg}"))
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Call):
                    for found in _used(node, path):
                        (uses if isinstance(found, Use) else problems).append(found)  # type: ignore[arg-type]
    plural = {use.key for use in uses if use.plural}
    for use in uses:
        if use.key in plural and not use.plural:
            problems.append(_problem(use.path, use.line, f"{use.key} is said with a count elsewhere"))
    return sorted(uses), problems


def _used(call: ast.Call, path: Path) -> Iterator[Use | Problem]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name in _SAY and call.args:
        for key in _written_out(call.args[0]):
            if key is None:
                yield _problem(path, call.lineno, f"{name}() needs its key written out, so that it can be found")
            else:
                yield Use(key=key, path=path, line=call.lineno, plural=name == "counted")
    elif name in _FILL:
        for argument in call.args[:2]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield Use(key=argument.value, path=path, line=call.lineno, plural=False)


def _written_out(argument: ast.expr) -> Iterator[str | None]:
    """The keys an argument can be: one, or two where it says which under a condition."""
    match argument:
        case ast.Constant(value=str(key)):
            yield key
        case ast.IfExp():
            yield from _written_out(argument.body)
            yield from _written_out(argument.orelse)
        case _:
            yield None


def extract() -> Path:
    """Write the phrases the code says to `locales/bot.pot`; the file."""
    path = data_folder("locales") / TEMPLATE
    path.write_bytes(_template())
    return path


def update() -> list[Path]:
    """Bring `bot.pot` and every voiced language's `bot.po` to the phrases the code says; the files that changed.

    New phrases come in empty, phrases nobody says any more go. No sentence is ever guessed from another.
    """
    folder = data_folder("locales")
    changed = [folder / TEMPLATE] if _write(folder / TEMPLATE, _template()) else []
    template = read_po(io.BytesIO(_template()))
    for language in VOICED:
        path = folder / language / FILE
        locale = LANGUAGES[language].locale
        if path.exists():
            with path.open("rb") as file:
                catalog = read_po(file, locale=locale)
        else:
            catalog = Catalog(locale=locale, project="Lotse", fuzzy=False, header_comment=HEADER)
        catalog.update(template, no_fuzzy_matching=True, update_header_comment=False)
        catalog.obsolete.clear()
        if _write(path, _written(catalog, locations=False)):
            changed.append(path)
    return changed


def problems(catalogs: Catalogs | None = None) -> list[Problem]:
    """What is wrong with the voice: with `bot.pot` against the code, and with every language against `bot.pot`."""
    folder = data_folder("locales")
    found: list[Problem] = []
    if catalogs is None:
        catalogs, found = Catalogs.read(folder)
    _, unseen = used_keys()
    path = folder / TEMPLATE
    if path.exists() and path.read_bytes() != _template():
        found.append(_problem(path, 0, "the code says other phrases: run lotse translations update"))
    return sorted({*found, *unseen, *catalogs.problems()})


def _template() -> bytes:
    uses, _ = used_keys()
    catalog = Catalog(project="Lotse", fuzzy=False, header_comment=HEADER)
    plural = {use.key for use in uses if use.plural}
    for use in uses:
        place = (use.path.relative_to(ROOT).as_posix(), None)
        catalog.add((use.key, use.key) if use.key in plural else use.key, locations=[place])  # type: ignore[list-item]
    return _written(catalog, locations=True)


def _written(catalog: Catalog, locations: bool) -> bytes:
    """The file without dates and names, so that it changes only when a phrase does."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=0, no_location=not locations, sort_output=True, include_lineno=False)
    kept = (line for line in buffer.getvalue().splitlines(True) if not line.startswith(_LEFT_OUT))
    return b"".join(kept)


def _write(path: Path, content: bytes) -> bool:
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def _problem(path: Path, line: int, sentence: str) -> Problem:
    return Problem(path=path, line=line, severity="error", sentence=sentence)
