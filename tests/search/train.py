"""Learn the numbers of the search's gates: `python -m tests.search.train` writes `flows/core/weights.py`.

What is learned from: ways of asking with an index that lacks them (questions nobody has written down), some with an
index that has them, misspelt (questions that somebody foresaw), and questions that nothing answers
(`tests/data/eval/offtopic.jsonl`). Logistic regression by plain gradient descent with a small penalty; the same numbers
for all languages.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bot.content import load_knowledge
from bot.evaluate import Question, misspell, read_questions
from bot.settings import ROOT
from flows.core import search
from flows.core.fold import fold
from flows.core.knowledge import Knowledge
from flows.core.search import Features

FOLDS = 5
ROUNDS = 3000
RATE = 0.5
PENALTY = 1e-4
SEED = 1
DATA = Path(__file__).resolve().parent.parent / "data" / "eval"
TARGET = ROOT / "flows" / "core" / "weights.py"

Example = tuple[Features, bool]


def without(knowledge: Knowledge, fold_number: int) -> tuple[Knowledge, list[Question]]:
    """The knowledge without one fold of its ways of asking, and these as questions."""
    articles = {}
    questions: list[Question] = []
    for article in knowledge.articles.values():
        texts = {}
        for code, text in article.texts.items():
            if code not in knowledge.town.languages:
                continue
            kept = tuple(ask for n, ask in enumerate(text.asks) if n % FOLDS != fold_number)
            asked = [ask for n, ask in enumerate(text.asks) if n % FOLDS == fold_number]
            questions += [
                Question(id=f"{article.id}:{code}:{n}", language=code, text=ask, expect=(article.id,))
                for n, ask in enumerate(asked)
            ]
            texts[code] = dataclasses.replace(text, asks=kept)
        articles[article.id] = dataclasses.replace(article, texts=texts)
    return dataclasses.replace(knowledge, articles=articles), questions


def examples(knowledge: Knowledge, questions: Sequence[Question]) -> Iterator[tuple[Question, Features, int | None]]:
    """Each question with what the gates see of it and where its answer stands."""
    index = search.build_index(knowledge)
    for question in questions:
        folded = fold(question.text)
        ranking = search.rank(index, folded, question.language)
        if ranking.hits:
            ids = [hit.article for hit in ranking.hits[:3]]
            place = next((n for n, id in enumerate(ids, 1) if id in question.expect), None)
            yield question, search.features(ranking, folded), place


def learn(found: Sequence[Example], balance: float) -> dict[str, float]:
    """The logistic function that tells the yes from the no; a no counts `balance` times."""
    names = [field.name for field in dataclasses.fields(Features)]
    rows = [([1.0, *(getattr(seen, name) for name in names)], answer) for seen, answer in found]
    weights = [0.0] * (1 + len(names))
    total = sum(1.0 if answer else balance for _, answer in rows)
    for _ in range(ROUNDS):
        slope = [PENALTY * w for w in weights]
        for values, answer in rows:
            likely = 1 / (1 + math.exp(-sum(w * v for w, v in zip(weights, values, strict=True))))
            error = (likely - answer) * (1.0 if answer else balance) / total
            for i, value in enumerate(values):
                slope[i] += error * value
        weights = [w - RATE * s for w, s in zip(weights, slope, strict=True)]
    return dict(zip(["bias", *names], (round(w, 2) for w in weights), strict=True))


def train(knowledge: Knowledge, most: int = 3000) -> dict[str, dict[str, float]]:
    """The numbers of both gates."""
    chance = random.Random(SEED)
    seen: list[tuple[Question, Features, int | None]] = []
    for number in range(FOLDS):
        reduced, questions = without(knowledge, number)
        chosen = chance.sample(questions, min(len(questions), most // FOLDS))
        seen += examples(reduced, chosen)
        foreseen = chance.sample(questions, min(len(questions), most // FOLDS // 3))
        seen += examples(knowledge, [dataclasses.replace(q, text=misspell(q.text, q.id)) for q in foreseen])
    offtopic = [f for _, f, _ in examples(knowledge, read_questions(DATA / "offtopic.jsonl"))]
    known = [(f, True) for _, f, place in seen if place is not None] + [(f, False) for f in offtopic]
    sure = [(f, place == 1) for _, f, place in seen] + [(f, False) for f in offtopic]
    share = sum(answer for _, answer in known) / max(1, len(offtopic))
    return {"KNOWN": learn(known, share / 4), "SURE": learn(sure, 1.0)}


def write(learned: Mapping[str, Mapping[str, float]]) -> None:
    """Put the numbers where the search reads them."""
    lines = [
        '"""Learned numbers of the search\'s gates, for all languages alike. By `python -m tests.search.train`."""',
        "",
        "from __future__ import annotations",
        "",
    ]
    for name, gate in learned.items():
        lines += [f"{name} = {{", *(f'    "{key}": {value},' for key, value in gate.items()), "}"]
    TARGET.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write(train(load_knowledge(ROOT / "knowledge", "magdeburg")))
