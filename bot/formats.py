"""Numbers, dates and foreign words in a language: how they look, and that they stay in order.

Text that runs right to left keeps a phone number, an address or a German word in order only when it is isolated:
U+2068 (first strong isolate) before, U+2069 (pop isolate) after. Digits are Western everywhere.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal

from bot.languages import LANGUAGES

FSI, PDI = "\u2068", "\u2069"

_LINE_ENDS = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str) -> str:
    """Somebody's words without what could disturb the words around them: direction marks and controls.

    Line breaks stay, tabs become blanks. Joiners stay: Persian words and some emoji need them.
    """
    text = _LINE_ENDS.sub("\n", text).replace("\t", " ")
    return "".join(c for c in text if c == "\n" or (c not in _BIDI and unicodedata.category(c) not in ("Cc", "Cs")))


def isolate(text: str, language: str) -> str:
    """The text so that a right-to-left sentence around it does not reorder it; each line by itself."""
    if LANGUAGES[language].direction == "ltr":
        return text
    return "\n".join(f"{FSI}{line}{PDI}" if line else line for line in text.split("\n"))


def locale(language: str) -> str:
    return LANGUAGES[language].locale


@lru_cache(maxsize=4096)
def number(value: int | float, language: str) -> str:
    """ "1.234,5" in German; always with Western digits."""
    return _bare(format_decimal(value, locale=locale(language), numbering_system="latn"))


@lru_cache(maxsize=4096)
def money(value: int | float, language: str) -> str:
    """Euros as people write them: "563 €", cents only where there are some."""
    pattern = "#,##0" if float(value).is_integer() else "#,##0.00"
    written = format_decimal(value, format=pattern, locale=locale(language), numbering_system="latn")
    return f"{_bare(written)}\u00a0€"


@lru_cache(maxsize=4096)
def date(day: dt.date, language: str) -> str:
    """ "23. November 2026"."""
    return _bare(format_date(day, "long", locale=locale(language)))


@lru_cache(maxsize=4096)
def day_of_year(month_day: str, language: str) -> str:
    """ "1. März" for "03-01"."""
    month, day = map(int, month_day.split("-"))
    return _bare(format_skeleton("MMMMd", dt.date(2024, month, day), locale=locale(language)))


def moment(at: dt.datetime, language: str) -> str:
    """ "Montag, 23. November, 09:00", in the time zone `at` has."""
    weekday = day_names(language, "wide")[at.weekday()]
    day = _bare(format_skeleton("MMMMd", at.date(), locale=locale(language)))
    return comma(language).join((weekday, day, isolate(f"{at:%H:%M}", language)))


_YEAR_IN_ITS_OWN_WAY = ("hu", "vi")
"""Where month and year do not just stand side by side ("2024. március"); elsewhere such a form adds "year" to them."""


@lru_cache(maxsize=4096)
def as_of(value: str, language: str) -> str:
    """A source's date as exactly as it is known: "2025", "Mai 2025", "26. Mai 2025"."""
    parts = [int(part) for part in value.split("-")]
    if len(parts) == 1:
        return value
    day = dt.date(parts[0], parts[1], parts[2] if len(parts) == 3 else 1)
    if len(parts) == 3:
        return date(day, language)
    if language in _YEAR_IN_ITS_OWN_WAY:
        return _bare(format_skeleton("yMMMM", day, locale=locale(language)))
    return _bare(format_date(day, "LLLL y", locale=locale(language)))


@lru_cache(maxsize=256)
def day_names(language: str, width: str = "abbreviated") -> Mapping[int, str]:
    """Monday is 0."""
    return dict(Locale.parse(locale(language)).days["stand-alone"][width])


def comma(language: str) -> str:
    """What stands between the parts of a list."""
    return "، " if language in ("ar", "fa") else ", "


def semicolon(language: str) -> str:
    return "؛ " if language in ("ar", "fa") else "; "


def _bare(text: str) -> str:
    # CLDR puts direction marks into some patterns; isolates around the whole do their work here.
    return "".join(c for c in text if c not in _BIDI)
