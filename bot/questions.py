"""Questions whose right answer is known, read from files of JSON lines, and typing mistakes put into them."""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

from bot.errors import SettingsError

UNHURT = 4
"""Words up to so many letters get no typing mistake."""

SEED = 1


@dataclass(frozen=True, kw_only=True)
class Question:
    """One line of a question file."""

    id: str
    language: str
    text: str
    expect: tuple[str, ...]
    kind: str = "plain"
    town: str | None = None
    split: str | None = None

    @property
    def good(self) -> bool:
        """Whether it has an answer that should be found."""
        return bool(self.expect) and self.kind != "unanswerable"


def read_questions(path: Path) -> list[Question]:
    """The questions of a JSON-lines file; SettingsError names the line that cannot be read."""
    questions = []
    for number, data in json_lines(path):
        place = f"{path}:{number}"
        expect = data.get("expect")
        if not isinstance(expect, list) or not all(isinstance(id, str) for id in expect):
            raise SettingsError(f'{place}: "expect" must be a list of ids')
        questions.append(
            Question(
                id=str(data.get("id", number)),
                language=text_of(data, "lang", place),
                text=text_of(data, "text", place),
                expect=tuple(expect),
                kind=text_of(data, "kind", place, "plain"),
                town=data.get("town"),
                split=data.get("split"),
            )
        )
    return questions


def text_of(data: Mapping[str, Any], key: str, place: str, default: str | None = None) -> str:
    """The text under that key; SettingsError where it is missing or none."""
    value = data.get(key, default)
    if not isinstance(value, str):
        raise SettingsError(f'{place}: "{key}" must be a text')
    return value


def json_lines(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    """Each line's number and object; the file may be packed (`.gz`)."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except ValueError as error:
            raise SettingsError(f"{path}:{number}: not JSON: {error}") from None
        if not isinstance(data, dict):
            raise SettingsError(f"{path}:{number}: not a JSON object")
        yield number, data


def choose(questions: Sequence[Question], options: argparse.Namespace) -> list[Question]:
    """The questions that the options leave; lines that expect nothing belong to every topic."""
    languages, topics, kinds = (set(filter(None, o.split(","))) for o in (options.lang, options.topic, options.kind))

    def wanted(q: Question) -> bool:
        about = {id.split(".", 1)[0] for id in q.expect}
        return (
            (not languages or q.language in languages)
            and (not topics or not about or bool(about & topics))
            and (not kinds or q.kind in kinds)
            and (not options.split or q.split == options.split)
        )

    return [q for q in questions if wanted(q)]


def misspelt(questions: Iterable[Question]) -> list[Question]:
    """The questions with a mistake in every third word of over four letters.

    By turns two neighbouring letters change places and one is left out; the same for the same questions.
    """
    chance = random.Random(SEED)  # noqa: S311 - mistakes, not secrets
    swaps = cycle((True, False))
    changed = []
    for question in questions:
        words = question.text.split(" ")
        long = [i for i, word in enumerate(words) if len(word) > UNHURT and word.isalpha()]
        for i in long[::3]:
            word, at = words[i], chance.randrange(len(words[i]) - 1)
            words[i] = word[:at] + (word[at + 1] + word[at] + word[at + 2 :] if next(swaps) else word[at + 1 :])
        changed.append(replace(question, text=" ".join(words)))
    return changed
