"""Jobcenter: which office, the first application, a letter that has come, an appointment one cannot keep."""

from __future__ import annotations

import calendar
import datetime as dt
import re

from flows.core.definition import Flow, Node, Option, Reader, Reading
from flows.core.phrases import phrase

_DATE = re.compile(r"(?<!\d)(\d{1,2})\s*[./\- ]\s*(\d{1,2})\s*[./\- ]\s*(\d{4}|\d{2})(?!\d)")
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")


def safe_date(printed: dt.date) -> dt.date:
    """The day by which a person is surely in time: one month after the date printed on the letter.

    Where that month has no such day it is its last day. The law counts the month from the day the letter was
    received (SGG § 84 (1)), so it may allow a few days more, never fewer.
    """
    year, month = printed.year + printed.month // 12, printed.month % 12 + 1
    return dt.date(year, month, min(printed.day, calendar.monthrange(year, month)[1]))


def read_date(text: str) -> dt.date | None:
    """The one date in a text, as it is written in Germany (day, month, year) or in ISO form; any script's digits.

    None for two that differ: nobody but the person knows which of them is meant.
    """
    western = "".join(str(int(c)) if c.isdecimal() else c for c in text)
    found = [tuple(map(int, parts)) for parts in _ISO.findall(western)]
    for day, month, year in _DATE.findall(western):
        full = int(year) + 2000 if len(year) == 2 else int(year)
        found.append((full, int(month), int(day)))
    try:
        dates = {dt.date(*parts) for parts in found}
    except ValueError:
        return None
    return dates.pop() if len(dates) == 1 else None


def read_letter_date(text: str, today: dt.date) -> Reading | None:
    """Where the date on a decision leads: still in time, or past; None for no date or one that is yet to come."""
    printed = read_date(text)
    if printed is None or printed > today or printed.year < today.year - 20:
        return None
    last = safe_date(printed)
    return Reading(to="in-time" if today <= last else "past", values={"date": last})


JOBCENTER = Flow(
    name="jobcenter",
    nodes=(
        Node(
            name="start",
            says=(phrase("jobcenter.start"),),
            options=(
                Option(value="letter", label=phrase("jobcenter.start.letter.label"), to="letter"),
                Option(value="apply", label=phrase("jobcenter.start.apply.label"), to="article:jobcenter.apply"),
                Option(value="office", label=phrase("jobcenter.start.office.label"), to="office"),
                Option(value="appointment", label=phrase("jobcenter.start.appointment.label"), to="appointment"),
                Option(value="money", label=phrase("jobcenter.start.money.label"), to="money"),
                Option(
                    value="changes",
                    label=phrase("jobcenter.start.changes.label"),
                    to="article:jobcenter.report-changes",
                ),
            ),
        ),
        Node(
            name="office",
            says=(phrase("jobcenter.office"),),
            options=(
                Option(value="no-money", label=phrase("jobcenter.office.no-money.label"), to="office-jobcenter"),
                Option(value="lost-job", label=phrase("jobcenter.office.lost-job.label"), to="office-agency"),
                Option(value="asylum", label=phrase("jobcenter.office.asylum.label"), to="office-social"),
                Option(value="unsure", label=phrase("jobcenter.office.unsure.label"), to="office-unsure"),
            ),
        ),
        Node(
            name="office-jobcenter",
            says=(phrase("jobcenter.office-jobcenter"),),
            shows="jobcenter.responsible",
            options=(Option(value="apply", label=phrase("jobcenter.start.apply.label"), to="article:jobcenter.apply"),),
        ),
        Node(name="office-agency", says=(phrase("jobcenter.office-agency"),), shows="jobcenter.responsible"),
        Node(name="office-social", says=(phrase("jobcenter.office-social"),), shows="jobcenter.responsible"),
        Node(name="office-unsure", shows="jobcenter.responsible", offers_human=True),
        Node(
            name="letter",
            says=(phrase("jobcenter.letter"),),
            options=(
                Option(value="decision", label=phrase("jobcenter.letter.decision.label"), to="date"),
                Option(
                    value="invitation",
                    label=phrase("jobcenter.letter.invitation.label"),
                    to="letter-invitation",
                ),
                Option(value="papers", label=phrase("jobcenter.letter.papers.label"), to="letter-papers"),
                Option(value="hearing", label=phrase("jobcenter.letter.hearing.label"), to="letter-hearing"),
                Option(value="unsure", label=phrase("jobcenter.letter.unsure.label"), to="letter-unsure"),
            ),
        ),
        Node(
            name="date",
            says=(phrase("jobcenter.date"),),
            options=(Option(value="none", label=phrase("jobcenter.date.none.label"), to="letter-unsure"),),
            reader=Reader(
                read=read_letter_date,
                to=("in-time", "past"),
                again=phrase("jobcenter.date.again"),
                wants_number=True,
                private=True,
            ),
        ),
        Node(
            name="in-time",
            says=(phrase("jobcenter.in-time"),),
            shows="jobcenter.letter",
            options=(
                Option(
                    value="objection",
                    label=phrase("jobcenter.letter.objection.label"),
                    to="article:jobcenter.objection",
                ),
            ),
            offers_human=True,
        ),
        Node(
            name="past",
            says=(phrase("jobcenter.past"),),
            shows="jobcenter.objection",
            offers_human=True,
        ),
        Node(
            name="letter-invitation",
            says=(phrase("jobcenter.letter-invitation"),),
            shows="jobcenter.appointment",
        ),
        Node(name="letter-papers", says=(phrase("jobcenter.letter-papers"),), shows="jobcenter.letter"),
        Node(name="letter-hearing", says=(phrase("jobcenter.letter-hearing"),), shows="jobcenter.letter"),
        Node(
            name="letter-unsure",
            says=(phrase("jobcenter.letter-unsure"),),
            shows="jobcenter.letter",
            offers_human=True,
        ),
        Node(
            name="appointment",
            says=(phrase("jobcenter.appointment"),),
            shows="jobcenter.appointment",
            options=(
                Option(
                    value="interpreter",
                    label=phrase("jobcenter.appointment.interpreter.label"),
                    to="article:jobcenter.interpreter",
                ),
            ),
        ),
        Node(
            name="money",
            says=(phrase("jobcenter.money"),),
            options=(
                Option(
                    value="amount",
                    label=phrase("jobcenter.money.amount.label"),
                    to="article:jobcenter.amount",
                ),
                Option(value="rent", label=phrase("jobcenter.money.rent.label"), to="article:jobcenter.rent"),
            ),
        ),
    ),
)
