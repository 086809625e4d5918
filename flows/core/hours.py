"""Office hours of staff: whether somebody is there, and when next.

Reads the part of OpenStreetMap's opening_hours that a weekly timetable needs: `Mo-Fr 09:00-12:00,13:00-16:00; We off;
PH off`. A later rule takes the place of an earlier one for its days; public holidays count as PH only when a PH
rule is given, else as their weekday.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from zoneinfo import ZoneInfo

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
HOLIDAY = "PH"
LOOK_AHEAD_DAYS = 21

_RULE = re.compile(r"(?P<days>[A-Za-z,\- ]+?)\s+(?P<times>off|[\d:,\- ]+)")

Spans = tuple[tuple[dt.time, dt.time], ...]


def parse(spec: str) -> dict[str, Spans]:
    """Times of opening by day ("Mo" … "Su", and "PH" when given); ValueError names the part that cannot be read."""
    week: dict[str, Spans] = {}
    for rule in filter(None, (part.strip() for part in spec.split(";"))):
        found = _RULE.fullmatch(rule)
        if found is None:
            raise ValueError(f"cannot read the opening times {rule!r}; write for example Mo-Fr 09:00-12:00; PH off")
        spans = () if found["times"] == "off" else tuple(_span(s.strip()) for s in found["times"].split(","))
        for day in _days(found["days"]):
            week[day] = spans
    return week


def _days(text: str) -> list[str]:
    days: list[str] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first == HOLIDAY and not last:
            days.append(HOLIDAY)
            continue
        if first not in DAYS or (last and last not in DAYS):
            raise ValueError(f"{part!r} is not a day; days are {', '.join(DAYS)} and PH")
        start, end = DAYS.index(first), DAYS.index(last or first)
        days += [DAYS[i % 7] for i in range(start, (end if end >= start else end + 7) + 1)]
    return days


def _span(text: str) -> tuple[dt.time, dt.time]:
    try:
        opens, closes = (dt.time.fromisoformat(t.strip()) for t in text.split("-"))
    except ValueError:
        raise ValueError(f"{text!r} is not a span of time such as 09:00-12:00") from None
    if closes <= opens:
        raise ValueError(f"{text!r} ends before it begins")
    return opens, closes


def next_open(spec: str, at: dt.datetime, timezone: str, holidays: Collection[dt.date]) -> dt.datetime | None:
    """The moment at or after `at` from which somebody is there; `at` itself when they are there now.

    None when no opening comes within three weeks.
    """
    week = parse(spec)
    zone = ZoneInfo(timezone)
    local = at.astimezone(zone)
    for ahead in range(LOOK_AHEAD_DAYS + 1):
        day = local.date() + dt.timedelta(days=ahead)
        name = HOLIDAY if day in holidays and HOLIDAY in week else DAYS[day.weekday()]
        for opens, closes in sorted(week.get(name, ())):
            start = dt.datetime.combine(day, opens, zone)
            end = dt.datetime.combine(day, closes, zone)
            if local < start:
                return start
            if local < end:
                return at
    return None
