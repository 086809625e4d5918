"""Draw what the search's gate *known* costs and brings: `python -m bot.bench.gate QUESTIONS OFFTOPIC PICTURE.svg`.

For each threshold: the share of the off-topic questions that are refused, and the share of good questions that are
refused with them. Both files as `lotse evaluate` reads them. Needs the packages of `lotse[bench]`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import altair

from bot.content import load_knowledge
from bot.evaluate import NO_ANSWER
from bot.questions import read_questions
from bot.settings import ROOT
from flows.core import search
from flows.core.fold import fold

STEPS = 50


def shares(good: Path, offtopic: Path) -> list[dict[str, Any]]:
    """A row for each threshold and kind of question: the share refused."""
    knowledge = load_knowledge(ROOT / "knowledge", "magdeburg")
    index = search.build_index(knowledge)
    spoken = knowledge.town.languages
    questions = [q for q in (*read_questions(good), *read_questions(offtopic)) if q.language in spoken]
    likely: dict[str, list[float]] = {"questions with an answer": [], "off-topic": []}
    for question in questions:
        if question.kind == "greeting":
            continue
        folded = search.without_places(index, fold(question.text))
        ranking = search.rank(index, folded, question.language)
        kind = "off-topic" if question.kind in NO_ANSWER else "questions with an answer"
        likely[kind].append(search.known(ranking, folded))
    return [
        {"threshold": step / STEPS, "refused": sum(v < step / STEPS for v in values) / len(values), "what": kind}
        for kind, values in likely.items()
        for step in range(STEPS + 1)
    ]


def main(good: Path, offtopic: Path, picture: Path) -> None:
    """Write the picture."""
    lines = (
        altair.Chart({"values": shares(good, offtopic)}, width=560, height=280)
        .mark_line(strokeWidth=3)
        .encode(
            x=altair.X("threshold:Q", title="threshold of the gate “known”"),
            y=altair.Y("refused:Q", title="share refused", axis=altair.Axis(format="%")),
            color=altair.Color("what:N", title=None, scale=altair.Scale(range=["#b35900", "#0b4f5c"])),
        )
    )
    now = altair.Chart({"values": [{"x": search.KNOWN}]}).mark_rule(strokeDash=[6, 4]).encode(x="x:Q")
    (lines + now).save(str(picture))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
