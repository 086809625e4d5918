"""The safe date of a decision: never later than the law allows."""

from __future__ import annotations

import datetime as dt

import pytest

from flows.jobcenter import read_letter_date

TODAY = dt.date(2026, 11, 24)


@pytest.mark.parametrize(
    ("typed", "last"),
    [
        ("20.10.2026", dt.date(2026, 11, 20)),
        ("٢٠.١٠.٢٠٢٦", dt.date(2026, 11, 20)),
        ("2026-10-31", dt.date(2026, 11, 30)),
        ("Bescheid vom 31.10.2026", dt.date(2026, 11, 30)),
        ("31.12.25, also 31.12.2025", dt.date(2026, 1, 31)),
    ],
)
def test_the_safe_date_is_one_month_after_the_date_printed(typed: str, last: dt.date) -> None:
    reading = read_letter_date(typed, TODAY)
    assert reading is not None
    assert reading.values["date"] == last


@pytest.mark.parametrize(
    "typed", ["vom 01.11.2026, Bescheid 20.09.2026", "2026-11-01 20.09.2026", "1.11.2026–20.9.2026"]
)
def test_two_dates_are_asked_back_so_that_the_safe_date_is_never_a_later_one(typed: str) -> None:
    assert read_letter_date(typed, TODAY) is None
