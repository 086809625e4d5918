"""Draw what the search's gates cost and bring: `python -m bot.bench.gate QUESTIONS … PICTURE.svg`.

*Known*: for each threshold the share of the off-topic questions that are refused, and the share of good questions that
are refused with them. *Danger*: the share of messages of danger that are answered as such, and the share of all others
that are taken for danger with them. Files as `lotse evaluate` reads them. Needs the packages of `lotse[bench]`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import altair

from bot.content import load_knowledge
from bot.evaluate import NO_ANSWER
from bot.questions import Question, read_questions
from bot.settings import ROOT
from flows.core import gates, search
from flows.core.danger import danger as by_words
from flows.core.fold import fold

STEPS = 50


def shares(questions: Sequence[Question]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """For either gate a row for each threshold and kind of question: the share refused, the share taken for danger."""
    knowledge = load_knowledge(ROOT / "knowledge", "magdeburg")
    index = search.build_index(knowledge)
    known: dict[str, list[float]] = {"questions with an answer": [], "off-topic": []}
    danger: dict[str, list[float]] = {"messages of danger": [], "all others": []}
    for question in questions:
        if question.kind == "greeting" or question.language not in knowledge.town.languages:
            continue
        folded = search.without_places(index, fold(question.text))
        ranking, _ = search.read(index, folded, question.language)
        known["off-topic" if question.kind in NO_ANSWER else "questions with an answer"].append(
            gates.known(ranking, folded)
        )
        listed = bool(by_words(index.alarm, question.text))
        _, likely = gates.danger_likelihood(ranking, folded)
        if question.kind == "crisis" or not any(map(search.is_crisis, question.expect)):
            kind = "messages of danger" if question.kind == "crisis" else "all others"
            danger[kind].append(1.0 if listed else likely)
    return (
        [_row(step, sum(v < step / STEPS for v in values), values, kind) for kind, values, step in _steps(known)],
        [_row(step, sum(v >= step / STEPS for v in values), values, kind) for kind, values, step in _steps(danger)],
    )


def _steps(by_kind: Mapping[str, list[float]]) -> Iterator[tuple[str, list[float], int]]:
    return ((kind, values, step) for kind, values in by_kind.items() for step in range(STEPS + 1))


def _row(step: int, passed: int, values: Sequence[float], kind: str) -> dict[str, Any]:
    return {"threshold": step / STEPS, "share": passed / max(1, len(values)), "what": kind}


def panel(rows: list[dict[str, Any]], gate: str, what: str, thresholds: Sequence[float]) -> altair.LayerChart:
    """The lines of one gate, with where its thresholds stand now."""
    lines = (
        altair.Chart({"values": rows}, width=560, height=240)
        .mark_line(strokeWidth=3)
        .encode(
            x=altair.X("threshold:Q", title=f"threshold of the gate “{gate}”"),
            y=altair.Y("share:Q", title=what, axis=altair.Axis(format="%")),
            color=altair.Color("what:N", title=None, scale=altair.Scale(range=["#b35900", "#0b4f5c"])),
        )
    )
    marks = altair.Chart({"values": [{"x": x} for x in thresholds]})
    return lines + marks.mark_rule(strokeDash=[6, 4]).encode(x="x:Q")


def main(files: Sequence[Path], picture: Path) -> None:
    """Write the picture."""
    known, danger = shares([question for path in files for question in read_questions(path)])
    (
        panel(known, "known", "share refused", [search.KNOWN])
        & panel(danger, "danger", "share taken for danger", [search.DANGER, search.DANGER_DOUBT])
    ).resolve_scale(color="independent").save(str(picture))


if __name__ == "__main__":
    *asked, drawn = map(Path, sys.argv[1:])
    main(asked, drawn)
