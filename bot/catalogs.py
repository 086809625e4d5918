"""The bot's own voice: the phrases of `locales/` in each language, read at start.

A msgid is a key ("welcome.hello"), never a sentence, so a sentence missing in one language can not silently
appear in another: a key nobody translated is a problem that `problems` tells and `load` refuses.
"""

from __future__ import annotations

import datetime as dt
import gettext
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, read_po

from bot import formats
from bot.errors import ContentError, Problem
from bot.languages import VOICED
from flows.core.limits import LABEL_CHARACTERS
from flows.core.phrases import CaseNumber, Phrase, Value

TEMPLATE = "bot.pot"
FILE = "LC_MESSAGES/bot.po"

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, kw_only=True)
class Phrases:
    """One language's phrases: forms by key, one form where the phrase has no plural."""

    path: Path
    forms: Mapping[str, tuple[str, ...]]
    lines: Mapping[str, int]
    pick: Callable[[int], int]  # which form for a count
    plurals: int  # how many forms


class Catalogs:
    """The phrases of every voiced language."""

    def __init__(self, by_language: Mapping[str, Phrases], template: Phrases | None = None) -> None:
        self._phrases = by_language
        self._template = template

    @classmethod
    def load(cls, folder: Path, languages: Sequence[str] = VOICED) -> Catalogs:
        """Read `bot.pot` and every language's `bot.po`; ContentError with all problems when anything is missing."""
        catalogs, problems = cls.read(folder, languages)
        problems += [problem for problem in catalogs.problems() if problem.severity == "error"]
        if problems:
            raise ContentError(problems)
        return catalogs

    @classmethod
    def read(cls, folder: Path, languages: Sequence[str] = VOICED) -> tuple[Catalogs, list[Problem]]:
        """What can be read, and what cannot be read at all; whether it is complete `problems` tells."""
        problems: list[Problem] = []
        by_language: dict[str, Phrases] = {}
        for language in languages:
            read = _read(folder / language / FILE, problems)
            if read is not None:
                by_language[language] = read
        return cls(by_language, _read(folder / TEMPLATE, problems)), problems

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._phrases)

    @property
    def keys(self) -> frozenset[str]:
        """Every phrase that must be there."""
        return frozenset(self._template.forms if self._template else ())

    def text(self, language: str, phrase: Phrase) -> str:
        """The phrase in that language with its values put in.

        KeyError names a key, language or value that is missing; ValueError a case without its number.
        """
        if not phrase.values:
            return self.fill(language, phrase.key, phrase.count)
        values = {name: self._value(language, value) for name, value in phrase.values.items()}
        return self.fill(language, phrase.key, phrase.count, **values)

    def fill(self, language: str, key: str, n: int | None = None, /, **ready: str) -> str:
        """The phrase of that key with values that are already written in the language; errors as `text`."""
        if language not in self._phrases:
            raise KeyError(f"the bot has no voice in {language}")
        phrases = self._phrases[language]
        forms = phrases.forms.get(key)
        if forms is None:
            raise KeyError(f"no phrase {key} in {language}")
        form = forms[0 if n is None or len(forms) == 1 else phrases.pick(n)]

        if "{" not in form:
            return form

        def put_in(found: re.Match[str]) -> str:
            if found[1] not in ready:
                raise KeyError(f"the phrase {key} in {language} needs the value {found[1]}")
            return ready[found[1]]

        return _PLACEHOLDER.sub(put_in, form)

    def _value(self, language: str, value: Value) -> str:
        match value:
            case Phrase():
                return self.text(language, value)
            case CaseNumber():
                raise ValueError("a case's number is put in before rendering")
            case dt.datetime():
                return formats.moment(value, language)
            case dt.date():
                return formats.isolate(formats.date(value, language), language)
            case int():
                return formats.isolate(formats.number(value, language), language)
        return formats.isolate(formats.clean(value), language)

    def problems(self) -> list[Problem]:
        """What makes the voice incomplete or wrong.

        The keys are those of `bot.pot`, the values in them those of the first language.
        """
        found = [
            problem
            for language, phrases in self._phrases.items()
            for problem in (*self._incomplete(phrases), *_wrong(language, phrases), *self._unlike(language, phrases))
        ]
        return sorted(set(found))

    def _incomplete(self, phrases: Phrases) -> Iterator[Problem]:
        if self._template is None:
            return
        wanted = self._template
        for key in wanted.forms.keys() - phrases.forms.keys():
            yield _problem(phrases, key, f"the phrase {key} is missing")
        for key in phrases.forms.keys() - wanted.forms.keys():
            yield _problem(phrases, key, f"nothing says the phrase {key} any more", "warning")
        for key in phrases.forms.keys() & wanted.forms.keys():
            if (len(wanted.forms[key]) > 1) != (len(phrases.forms[key]) > 1):
                yield _problem(phrases, key, f"the phrase {key} has plural forms in the code or here, not in both")

    def _unlike(self, language: str, phrases: Phrases) -> Iterator[Problem]:
        first, model = next(iter(self._phrases.items()))
        for key in phrases.forms.keys() & model.forms.keys():
            theirs = set().union(*map(_placeholders, model.forms[key]))
            for form in phrases.forms[key]:
                ours = _placeholders(form)
                # A form for exactly one or two may do without the number ("شهران").
                missing = theirs - ours - ({"count"} if len(phrases.forms[key]) > 1 else set())
                if form and (ours - theirs or missing):
                    names = ", ".join(f"{{{name}}}" for name in sorted((ours - theirs) | missing))
                    yield _problem(phrases, key, f"the phrase {key} differs from {first} in its values: {names}")


def _wrong(language: str, phrases: Phrases) -> Iterator[Problem]:
    for key, forms in phrases.forms.items():
        if not any(forms):
            yield _problem(phrases, key, f"the phrase {key} is not translated")
            continue
        if not all(forms) or (len(forms) > 1 and len(forms) != phrases.plurals):
            yield _problem(phrases, key, f"the phrase {key} needs {phrases.plurals} plural forms")
        for form in forms:
            if "{" in _PLACEHOLDER.sub("", form) or "}" in _PLACEHOLDER.sub("", form):
                yield _problem(phrases, key, f"the phrase {key} has a brace that is no value: write {{name}}")
            if is_label(key) and len(form) > LABEL_CHARACTERS:
                yield _problem(
                    phrases, key, f"the label {key} has {len(form)} characters, {LABEL_CHARACTERS} fit on a phone"
                )


def is_label(key: str) -> bool:
    """Whether the phrase stands on a button."""
    return key.startswith("button.") or key.endswith(".label")


def _placeholders(form: str) -> set[str]:
    return set(_PLACEHOLDER.findall(form))


def _problem(phrases: Phrases, key: str, sentence: str, severity: str = "error") -> Problem:
    line = phrases.lines.get(key, 0)
    return Problem(
        path=phrases.path, line=line, severity="warning" if severity == "warning" else "error", sentence=sentence
    )


def _read(path: Path, problems: list[Problem]) -> Phrases | None:
    try:
        with path.open("rb") as file:
            catalog = read_po(file, abort_invalid=True)
    except FileNotFoundError:
        problems.append(Problem(path=path, line=0, severity="error", sentence="the catalogue is missing"))
        return None
    except (PoFileError, UnicodeDecodeError, ValueError) as error:
        line = getattr(error, "lineno", None) or 0
        problems.append(Problem(path=path, line=line, severity="error", sentence=f"not a gettext catalogue: {error}"))
        return None
    forms: dict[str, tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    for message in catalog:
        if not message.id:
            continue
        key, texts = _forms(message)
        if message.fuzzy:
            texts = ("",) * len(texts)  # a guess of the update is no translation
        forms[key], lines[key] = texts, message.lineno or 0
    return Phrases(path=path, forms=forms, lines=lines, pick=_plural(catalog), plurals=catalog.num_plurals)


def _forms(message: Message) -> tuple[str, tuple[str, ...]]:
    if isinstance(message.id, str):
        return message.id, (str(message.string or ""),)
    strings = message.string if isinstance(message.string, list | tuple) else (message.string or "", "")
    return message.id[0], tuple(strings)


def _plural(catalog: Catalog) -> Callable[[int], int]:
    pick: Callable[[int], int] = gettext.c2py(catalog.plural_expr)
    return pick
