"""The language a text is written in: from its script, letters that only one language has, and known words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flows.core.fold import fold
from flows.core.index import Index

CLEAR_WORDS = 3
"""How many words of a language must be recognised before a question counts as written in it."""

FOREIGN_SHARE, FOREIGN_LETTERS = 0.34, 0.4
"""Up to which share of its words, or of its letters, a text in Latin letters may be known in one of our languages and
yet be foreign: short words are known by chance."""

_SCRIPTS = {"arabic": re.compile(r"[\u0600-\u06ff]"), "cyrillic": re.compile(r"[\u0400-\u04ff]")}
_ONLY = (  # letters that only one of our languages has among those that share its script
    ("arabic", re.compile(r"[پژیک]"), "fa"),  # گ and چ are written in Iraq too; ی and ک are those of Persian keyboards
    ("cyrillic", re.compile(r"[іїєґІЇЄҐ]"), "uk"),
    ("cyrillic", re.compile(r"[ыэёъЫЭЁЪ]"), "ru"),
)
_WRITTEN_IN = {"arabic": ("ar", "fa"), "cyrillic": ("uk", "ru")}


def script(language: str) -> str:
    """The script a language is written in: arabic, cyrillic or latin."""
    return next((script for script, codes in _WRITTEN_IN.items() if language in codes), "latin")


def scripts(text: str) -> set[str]:
    """The scripts that letters of the text are of."""
    found = {script for script, pattern in _SCRIPTS.items() if pattern.search(text)}
    rest = any(c.isalnum() and not any(pattern.match(c) for pattern in _SCRIPTS.values()) for c in text)
    return found | ({"latin"} if rest else set())


def recognise(index: Index, text: str, language: str) -> str | None:
    """The language a text is written in, when that is clear; a few words never count as another than `language`."""
    letters = sum(c.isalpha() for c in text)
    words = fold(text).split()
    for name, pattern in _SCRIPTS.items():
        if 2 * len(pattern.findall(text)) <= letters or len(words) < 2:
            continue
        for other, only, code in _ONLY:
            if other == name and only.search(text):
                return code
        codes = _WRITTEN_IN[name]
        if language in codes:
            return language
        spoken = [code for code in codes if code in index.languages]
        return spoken[0] if len(spoken) == 1 else _by_words(index, words, spoken, language)
    latin = [code for code in index.languages if script(code) == "latin"]
    return _by_words(index, words, latin, language)


def is_foreign(index: Index, folded: str) -> bool:
    """Whether a text in Latin letters is hardly made of words of our languages that are written in them."""
    words = folded.split()
    if scripts(folded) != {"latin"} or len(words) < CLEAR_WORDS:
        return False
    latin = [index.languages[code] for code in index.languages if script(code) == "latin"]
    known = [list(filter(language.knows, words)) for language in latin]
    of_words = max(map(len, known), default=0) / len(words)
    of_letters = max((len("".join(found)) for found in known), default=0) / len("".join(words))
    return of_words <= FOREIGN_SHARE or of_letters <= FOREIGN_LETTERS


def _by_words(index: Index, words: list[str], codes: Iterable[str], language: str) -> str | None:
    known = {code: sum(map(index.languages[code].knows, words)) for code in codes}
    ranked = sorted(known, key=lambda code: (-known[code], code != language))
    if not ranked or known[ranked[0]] < CLEAR_WORDS or 2 * known[ranked[0]] < len(words):
        return None
    second = known[ranked[1]] if len(ranked) > 1 else 0
    return ranked[0] if known[ranked[0]] >= second + 2 else None
