"""Public holidays of a German state, by the `holidays` library, looked up when first asked for.

Importing the library and working out the years costs a tenth of a second, which no start should pay:
the days are known facts, so looking late changes no answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Set
from functools import cached_property

YEARS = range(2024, 2041)
STATES = (
    "BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH",
)  # fmt: skip


def is_subdivision(name: str) -> bool:
    """Whether this is the short name of a German state ("ST")."""
    return name in STATES


class PublicHolidays(Set[dt.date]):
    """The public holidays of a state from 2024 to 2040; equal for equal states."""

    def __init__(self, subdivision: str) -> None:
        self._subdivision = subdivision

    @cached_property
    def _days(self) -> frozenset[dt.date]:
        from holidays import country_holidays

        return frozenset(country_holidays("DE", subdiv=self._subdivision, years=YEARS))

    def __contains__(self, day: object) -> bool:
        return day in self._days

    def __iter__(self) -> Iterator[dt.date]:
        return iter(self._days)

    def __len__(self) -> int:
        return len(self._days)

    def __repr__(self) -> str:
        return f"PublicHolidays({self._subdivision!r})"
