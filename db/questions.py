"""Questions without an answer that people let us keep: their words, the week, and nothing of who asked."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from db import retention
from db.codec import Codec
from db.sql import Insert, Statement, Tx, micros, week
from db.store import KeptQuestion
from db.tables import questions
from flows.core.events import Event

_KEEP = Insert(questions, ("id", "week", "language", "topic", "district", "payload", "expires_at"), key=("id",))
_ALL = Statement(
    select(
        questions.c.id,
        questions.c.week,
        questions.c.language,
        questions.c.topic,
        questions.c.district,
        questions.c.payload,
    ).order_by(questions.c.week.desc(), questions.c.id)
)


async def keep(tx: Tx, codec: Codec, kept: Iterable[tuple[Event, KeptQuestion]]) -> None:
    """Store questions; the event is only their key, so that the same agreement twice keeps one."""
    rows = []
    for event, question in kept:
        key = codec.digest("question", event.id)
        rows.append(
            {
                "id": key,
                "week": week(event.at),
                "language": question.language,
                "topic": question.topic,
                "district": question.district,
                "payload": codec.seal(f"question:{key}", {"text": question.text}),
                "expires_at": micros(event.at + retention.QUESTION),
            }
        )
    if rows:
        await tx.insert(_KEEP, rows)


async def all_kept(tx: Tx, codec: Codec) -> list[KeptQuestion]:
    """The questions kept, the latest week first; within a week in no order that tells who asked when."""
    return [
        KeptQuestion(
            week=week,
            language=language,
            topic=topic,
            district=district,
            text=codec.open_json(f"question:{key}", payload)["text"],
        )
        for key, week, language, topic, district, payload in await tx.rows(_ALL)
    ]
