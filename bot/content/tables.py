"""TOML files read key by key, so that every wrong, missing or unknown key is told with its line."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from bot.errors import Problem

AS_OF = re.compile(r"\d{4}(-\d{2}){0,2}|undated")
IDENTIFIER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*")

_PLACE_IN_FILE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")


class Problems:
    """Everything wrong that was found so far; reading goes on after each, so that all are told at once."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def error(self, path: Path, line: int, sentence: str) -> None:
        self._add(path, line, "error", sentence)

    def warn(self, path: Path, line: int, sentence: str) -> None:
        self._add(path, line, "warning", sentence)

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.found if problem.severity == "error"]

    def _add(self, path: Path, line: int, severity: Literal["error", "warning"], sentence: str) -> None:
        self.found.append(Problem(path=path, line=line, severity=severity, sentence=sentence))


class TomlFile:
    """A TOML text with the lines its keys stand on. `first_line` is where it begins in its file."""

    def __init__(self, path: Path, text: str, problems: Problems, first_line: int = 1) -> None:
        self.path = path
        self.problems = problems
        self._lines = text.splitlines()
        self._first_line = first_line
        self.data: dict[str, Any] = {}
        try:
            self.data = tomllib.loads(text)
            self.broken = False
        except tomllib.TOMLDecodeError as error:
            self.broken = True
            place = _PLACE_IN_FILE.search(str(error))
            line = int(place[1]) if place and place[1] else len(self._lines) or 1
            sentence = _PLACE_IN_FILE.sub("", str(error)).strip()
            problems.error(path, first_line + line - 1, f"not TOML: {sentence}")

    @classmethod
    def read(cls, path: Path, problems: Problems) -> TomlFile | None:
        """The file, or None (and a problem) when it is missing or not UTF-8."""
        text = read_text(path, problems)
        return None if text is None else cls(path, text, problems)

    def line(self, key: str | None = None, *, table: str = "", number: int = 0, value: str = "") -> int:
        """Where a key stands: in the `number`-th table of that header, and the `value` in its list."""
        inside, seen, start = table == "", -1, self._first_line
        for n, text in enumerate(self._lines, self._first_line):
            if header := _HEADER.match(text):
                if inside and table:
                    break
                inside = False
                if _plain(header[2]) == table:
                    seen += 1
                    inside, start = seen == number, n if seen == number else start
                continue
            if not inside or key is None:
                continue
            if re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", text):
                return self._line_of_value(n, value)
        return start

    def _line_of_value(self, start: int, value: str) -> int:
        if value:
            for n in range(start, self._first_line + len(self._lines)):
                if re.search(rf"""["']{re.escape(value)}["']""", self._lines[n - self._first_line]):
                    return n
        return start

    def table(self, name: str = "") -> Table:
        """The table of that name, "" for the top of the file, "a.b" for one inside another."""
        data: Any = self.data
        for part in name.split(".") if name else ():
            data = data.get(part, {}) if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            self.problems.error(self.path, self.line(name), f"{name} must be a table: [{name}]")
            data = {}
        return Table(self, name, 0, data)

    def tables(self, name: str) -> Iterator[Table]:
        """The entries `[[name]]` in their order."""
        entries = self.data.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self.problems.error(self.path, self.line(name), f"{name} must be written as [[{name}]] entries")
            return
        for number, entry in enumerate(entries):
            yield Table(self, name, number, entry)


class Table:
    """One table of a TOML file; `finish` tells the keys nobody asked for."""

    def __init__(self, file: TomlFile, name: str, number: int, data: dict[str, Any]) -> None:
        self.file = file
        self.data = data
        self._name = name
        self._number = number
        self._known: set[str] = set()

    def line(self, key: str | None = None, value: str = "") -> int:
        return self.file.line(key, table=self._name, number=self._number, value=value)

    def error(self, sentence: str, key: str | None = None, value: str = "") -> None:
        self.file.problems.error(self.file.path, self.line(key, value), sentence)

    def warn(self, sentence: str, key: str | None = None, value: str = "") -> None:
        self.file.problems.warn(self.file.path, self.line(key, value), sentence)

    def text(self, key: str, *, form: re.Pattern[str] | None = None, like: str = "", empty: bool = False) -> str | None:
        """A text; `form` is what the whole of it must match, `like` an example. None for one that may be empty."""
        value = self._take(key, str, "a text in quotes")
        if value is None:
            return None
        if not value.strip():
            if not empty:
                self.error(f"{key} is empty", key)
            return None
        if form is not None and not form.fullmatch(value):
            self.error(f"{key} has the wrong form: “{value}”" + (f" (like {like})" if like else ""), key)
            return None
        return str(value)

    def need_text(self, key: str, *, form: re.Pattern[str] | None = None, like: str = "") -> str:
        """A text that must be there; "" (and a problem) when it is not."""
        self.need(key)
        return self.text(key, form=form, like=like) or ""

    def one_of(self, key: str, choices: Sequence[str]) -> str | None:
        self.need(key)
        value = self.text(key)
        if value is not None and value not in choices:
            self.error(f"{key} must be one of {', '.join(choices)}, not “{value}”", key)
            return None
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty when the key is missing."""
        value = self._take(key, list, "a list of texts")
        if value is None:
            return ()
        for item in value:
            if not isinstance(item, str) or not item.strip():
                self.error(f"{key} holds something that is not a text: {item!r}", key)
        return tuple(item for item in value if isinstance(item, str) and item.strip())

    def date(self, key: str) -> dt.date | None:
        value = self.data.get(key)
        self._known.add(key)
        if value is None:
            return None
        if type(value) is not dt.date:
            self.error(f"{key} must be a date like 2026-11-23, without quotes", key)
            return None
        return value

    def number(self, key: str) -> float | int | None:
        value = self.data.get(key)
        self._known.add(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.error(f"{key} must be a number", key)
            return None
        return value

    def flag(self, key: str) -> bool:
        return bool(self._take(key, bool, "true or false"))

    def need(self, *keys: str) -> None:
        """Tell which of these keys are missing."""
        for key in keys:
            if key not in self.data:
                self.error(f"{key} is missing")

    def ignore(self, *keys: str) -> None:
        """Keys that stand there for people or for other tools."""
        self._known.update(keys)

    def finish(self) -> None:
        for key in self.data.keys() - self._known:
            self.error(f"unknown key: {key}", key)

    def _take(self, key: str, kind: type, called: str) -> Any:
        self._known.add(key)
        value = self.data.get(key)
        if value is not None and not isinstance(value, kind):
            self.error(f"{key} must be {called}", key)
            return None
        return value


def read_text(path: Path, problems: Problems) -> str | None:
    """The text of a UTF-8 file, or None (and a problem)."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        problems.error(path, 0, "the file is missing")
    except UnicodeDecodeError as error:
        problems.error(path, path.read_bytes()[: error.start].count(b"\n") + 1, "not UTF-8")
    return None


def _plain(header: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in header.split("."))
