"""A text in the pieces a translator works on: title, questions, first view, and each section's heading and body.

A piece is shown with every paragraph and list item on one line, so that a spreadsheet can hold it. Where it stands in
the file is kept: a piece that comes back as it went out is not written, and one that changed takes only its own place.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.content.front import listed, with_keys
from bot.content.markdown import split

TITLE, FIRST_VIEW, ASKS = "/title", "/first-view", "/asks"
HEADING = "/heading"

_ITEM = re.compile(r"-\s|\d+[.)]\s")
_TITLE = re.compile(r"#[ \t]+(.*?)[ \t]*")
_SECTION = re.compile(r"##[ \t]+(.*?)[ \t]*\{#([a-z0-9-]+)\}[ \t]*")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One piece of a text: its name within the article, what it says, and where that stands in the file."""

    name: str  # "/title", "/first-view", "/asks", "#cost", "#cost/heading"
    text: str
    start: int = 0
    end: int = 0


def shown(text: str) -> str:
    """A piece as a translator sees it: one line for each paragraph and list item, no blanks at the ends."""
    lines: list[str] = []
    for raw in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = raw.strip()
        if line and lines and lines[-1] and not _ITEM.match(line):
            lines[-1] += f" {line}"
        elif line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip()


def questions(text: str) -> list[str]:
    """The questions of a piece that holds one a line."""
    return [line.strip() for line in text.split("\n") if line.strip()]


def units(content: str) -> dict[str, Unit]:
    """The pieces of a text in the order they are worked on, by name; empty where it has no front matter."""
    parts = split(content)
    if parts is None:
        return {}
    front, body, _ = parts
    found: dict[str, Unit] = {}
    for unit in _pieces(body, len(content) - len(body)):
        found.setdefault(unit.name, unit)
    if TITLE in found:
        title = found.pop(TITLE)
        found = {TITLE: title, ASKS: Unit(name=ASKS, text="\n".join(_asks(front))), **found}
    return found


def _asks(front: str) -> list[str]:
    try:
        asks = tomllib.loads(front.replace("\r\n", "\n")).get("asks", [])
    except tomllib.TOMLDecodeError:
        return []
    return [" ".join(ask.split()) for ask in asks if isinstance(ask, str)]


def _pieces(body: str, offset: int) -> Iterator[Unit]:
    """Title, first view, headings and sections, each with its place in the file."""
    name, begins, position = "", 0, 0
    for line in body.split("\n"):
        plain = line.rstrip("\r")
        title = _TITLE.fullmatch(plain)
        section = None if title else _SECTION.fullmatch(plain)
        heading, following = (title, FIRST_VIEW) if title else (section, f"#{section[2]}" if section else "")
        if heading is not None:
            yield from _region(name, body, begins, position, offset)
            at = offset + position
            label = TITLE if title else following + HEADING
            yield Unit(name=label, text=heading[1], start=at + heading.start(1), end=at + heading.end(1))
            name, begins = following, position + len(line) + 1
        position += len(line) + 1
    yield from _region(name, body, begins, len(body), offset)


def _region(name: str, body: str, begins: int, ends: int, offset: int) -> Iterator[Unit]:
    if not name:
        return
    region = body[begins:ends]
    start = begins + len(region) - len(region.lstrip())
    end = max(start, begins + len(region.rstrip()))
    yield Unit(name=name, text=shown(region), start=offset + start, end=offset + end)


def with_units(content: str, texts: Mapping[str, str]) -> str:
    """The file with these pieces in the place of its own, and every other byte as it was."""
    newline = "\r\n" if "\r\n" in content else "\n"
    there = units(content)
    places = sorted((there[name] for name in texts if name != ASKS), key=lambda unit: -unit.start)
    for unit in places:
        text = texts[unit.name].replace("\n", newline)
        content = content[: unit.start] + text + content[unit.end :]
    if ASKS in texts:
        content = with_keys(content, {"asks": listed(questions(texts[ASKS]))})
    return content


def new_text(names: Sequence[str], texts: Mapping[str, str]) -> str:
    """A whole new text of these pieces, with its front matter still to be marked."""
    lines = ["+++", 'status = "draft"', f"asks = {listed(questions(texts[ASKS]))}", "+++", f"# {texts[TITLE]}"]
    for name in names:
        if name.endswith(HEADING):
            lines += ["", f"## {texts[name]} {{{name.removesuffix(HEADING)}}}"]
        elif name not in (TITLE, ASKS):
            lines += ["", texts[name]]
    return "\n".join(lines) + "\n"


def unit_at(content: str, line: int) -> str:
    """The name of the piece a line of the file belongs to; the questions for the front matter, "" for none."""
    lines = content.split("\n")
    start = sum(len(each) + 1 for each in lines[: max(0, line - 1)])
    end = start + len(lines[min(max(line, 1), len(lines)) - 1])
    there = units(content)
    for unit in there.values():
        if unit.name != ASKS and unit.start <= end and unit.end >= start:
            return unit.name
    return ASKS if there and end < min(unit.start for unit in there.values() if unit.name != ASKS) else ""
