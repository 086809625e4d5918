"""Opening times as people read them: "Mo–Fr 06:00–22:00 · public holidays: closed".

Reads the part of OpenStreetMap's opening_hours that directories use: days, ranges and the n-th weekday of a month,
spans, an open end, off, public holidays, 24/7. What it cannot read is shown as it is written.
(Whether staff are there now is another question, and `flows/core/hours.py` answers it.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bot import formats
from bot.catalogs import Catalogs

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
HOLIDAYS = "PH"

_DAY = "|".join((*DAYS, HOLIDAYS))
_ITEM = rf"(?:{_DAY})(?:-(?:{_DAY})|\[(?:-1|[1-5])(?:,[1-5])*\])?"
_RULE = re.compile(rf"(?:(?P<days>{_ITEM}(?:,\s?{_ITEM})*)\s+)?(?P<times>off|[\d:,+ -]+)")
_DAYS = re.compile(rf"({_DAY})(?:-({_DAY})|\[([-1-5,]+)\])?")
_SPAN = re.compile(r"([0-2]\d:[0-5]\d)(?:-([0-2]\d:[0-5]\d)|(\+))")


@dataclass(frozen=True)
class Rule:
    """Some days and their spans; no span: closed. No days: every day."""

    days: tuple[tuple[str, str, tuple[str, ...]], ...]  # (first, last or "", n-th of the month)
    spans: tuple[tuple[str, str], ...]  # (opens, closes or "")


@lru_cache(maxsize=512)
def parse(spec: str) -> tuple[Rule, ...] | None:
    """The rules of an opening_hours text, or None when there is something in it that cannot be read."""
    rules: list[Rule] = []
    for part in filter(None, (part.strip() for part in spec.split(";"))):
        found = _RULE.fullmatch(part)
        if found is None:
            return None
        days = tuple(
            (first, last or "", tuple(nth.split(",")) if nth else ())
            for first, last, nth in _DAYS.findall(found["days"] or "")
        )
        spans: list[tuple[str, str]] = []
        for span in found["times"].split(",") if found["times"] != "off" else ():
            time = _SPAN.fullmatch(span.strip())
            if time is None:
                return None
            spans.append((time[1], time[2] or ""))
        rules.append(Rule(days, tuple(spans)))
    return tuple(rules) or None


def describe(spec: str, language: str, catalogs: Catalogs) -> str:
    """The opening times in that language, its times isolated where it runs right to left."""
    if spec.strip() == "24/7":
        return catalogs.fill(language, "render.hours.always")
    rules = parse(spec)
    if rules is None:
        return formats.isolate(formats.clean(spec), language)
    return formats.semicolon(language).join(_Words(language, catalogs).rule(rule) for rule in rules)


class _Words:
    def __init__(self, language: str, catalogs: Catalogs) -> None:
        self._language = language
        self._catalogs = catalogs
        self._comma = formats.comma(language)
        self._names = formats.day_names(language)

    def rule(self, rule: Rule) -> str:
        days = self._comma.join(self._day(*day) for day in rule.days)
        if not rule.spans:
            return self._catalogs.fill(self._language, "render.hours.closed", days=days)
        times = self._comma.join(self._span(*span) for span in rule.spans)
        return f"{days} {times}" if days else times

    def _day(self, first: str, last: str, nth: tuple[str, ...]) -> str:
        if (first, last) == ("Mo", "Su"):
            return self._catalogs.fill(self._language, "render.hours.daily")
        if last:
            return f"{self._name(first)}–{self._name(last)}"
        if nth:
            return self._comma.join(self._nth(n, self._name(first)) for n in nth)
        return self._name(first)

    def _nth(self, n: str, day: str) -> str:
        fill, language = self._catalogs.fill, self._language
        match n:
            case "1":
                return fill(language, "render.hours.first", day=day)
            case "2":
                return fill(language, "render.hours.second", day=day)
            case "3":
                return fill(language, "render.hours.third", day=day)
            case "4":
                return fill(language, "render.hours.fourth", day=day)
            case "5":
                return fill(language, "render.hours.fifth", day=day)
        return fill(language, "render.hours.last", day=day)

    def _name(self, day: str) -> str:
        if day == HOLIDAYS:
            return self._catalogs.fill(self._language, "render.hours.holidays")
        return self._names[DAYS.index(day)]

    def _span(self, opens: str, closes: str) -> str:
        fill, language = self._catalogs.fill, self._language
        start, end = (formats.isolate(time, language) for time in (opens, closes))
        if (opens, closes) == ("00:00", "24:00"):
            return fill(language, "render.hours.all-day")
        if not closes:
            return fill(language, "render.hours.open-end", start=start)
        return fill(language, "render.hours.span", start=start, end=end)
