"""The questions that measure the search stand nowhere in what it is made from, or their figure would say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.questions import read_questions
from flows.core.fold import fold
from flows.core.knowledge import Knowledge

DATA = Path(__file__).parents[1] / "data" / "eval"


@pytest.mark.parametrize("name", ["questions-dev", "questions-own", "questions-held-out"])
def test_no_question_that_measures_stands_among_ways_of_asking_or_what_is_not_for_us(
    knowledge: Knowledge, name: str
) -> None:
    measured = {fold(q.text) for q in read_questions(DATA / f"{name}.jsonl") if q.kind != "greeting"} - {""}
    assert len(measured) > 300
    there = {fold(line) for lines in knowledge.offtopic.values() for line in lines}
    there |= {fold(ask) for by_article in knowledge.asks.values() for asks in by_article.values() for ask in asks}
    there |= {fold(ask) for a in knowledge.articles.values() for text in a.texts.values() for ask in text.asks}
    assert measured & there == set()
