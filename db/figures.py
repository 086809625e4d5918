"""Figures about the store itself, for health and metrics, and the weekly counts."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Text, bindparam, func, literal_column, select

from db.sql import Statement, Tx, micros, week
from db.tables import OPEN, inbox, outbox, tallies

_FAILED = literal_column("'failed'", Text)
_INBOX = Statement(select(func.count(), func.min(inbox.c.at)).where(inbox.c.state == OPEN))
_INBOX_FAILED = Statement(select(func.count()).where(inbox.c.state == _FAILED))
_OUTBOX = Statement(select(func.count(), func.min(outbox.c.at)).where(outbox.c.state == OPEN))
_TALLIES = Statement(
    select(tallies.c.what, tallies.c.language, tallies.c.topic, tallies.c.count).where(
        tallies.c.week == bindparam("in_week")
    )
)


def _age(now: dt.datetime, at: int | None) -> float:
    return max(0.0, (micros(now) - at) / 1e6) if at is not None else 0.0


async def figures(tx: Tx, now: dt.datetime) -> dict[str, float]:
    """Counts of what is open and set aside, and the age in seconds of what is oldest."""
    found: dict[str, float] = {}
    for name, statement in (("inbox", _INBOX), ("outbox", _OUTBOX)):
        for count, oldest in await tx.rows(statement):
            found[f"{name}_open"] = count
            found[f"{name}_oldest_seconds"] = _age(now, oldest)
    for (count,) in await tx.rows(_INBOX_FAILED):
        found["failed"] = count
    return found


async def tallies_of(tx: Tx, now: dt.datetime) -> dict[tuple[str, str, str], int]:
    """Counts of this week by (what, language, topic)."""
    rows = await tx.rows(_TALLIES, in_week=week(now))
    return {(what, language, topic): count for what, language, topic, count in rows}
