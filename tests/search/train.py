"""Learn the numbers of the search: `python -m tests.search.train` writes `flows/core/weights.py`.

Channels. What text, ways of asking, sections and reading in other languages contribute is chosen so that most questions
find their answer first and among three: the development questions, and the training part of an outside collection
(OMoS-QA). Coordinate by coordinate, because there are four.

Gates. *Known* and *sure* learn from the same ways of asking, from some with an index that has them, misspelt (questions
that somebody foresaw), from the development questions, and from questions that nothing answers (`offtopic.jsonl`, and
lines of the lists with an index that lacks them); *danger* from messages of danger and harmless ones (`danger.jsonl`)
beside all of these. Logistic regression with a small penalty; the same numbers for all languages.

`--folds` writes nothing: it measures the development questions, each with gates learned without its fifth of them.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bot import corpus
from bot.content import load_knowledge
from bot.evaluate import NO_ANSWER, ask_all, print_table, report
from bot.questions import Question, misspelt, read_questions
from bot.settings import ROOT
from flows.core import search, weights
from flows.core.fold import fold
from flows.core.gates import Features, danger_features, features, is_crisis
from flows.core.index import Index
from flows.core.knowledge import Hit, Knowledge
from flows.core.ranking import Ranking

FOLDS = 5
ROUNDS = 12
PENALTY = 1e-4
SEED = 1
DEVELOPMENT = 3
"""How often a development question counts beside a way of asking: it is nearer to what people type."""

GRID = (0.0, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75)
DATA = Path(__file__).resolve().parent.parent / "data" / "eval"
KNOWLEDGE = Path(os.environ.get("LOTSE_KNOWLEDGE_DIR", ROOT / "knowledge"))
TARGET = ROOT / "flows" / "core" / "weights.py"

Example = tuple[Features, bool]
Gates = dict[str, dict[str, float]]


def without(knowledge: Knowledge, fold_number: int) -> tuple[Knowledge, list[Question], list[Question]]:
    """The knowledge without one fold of its ways of asking and of what is not for us, and these as questions."""

    def split(article: str, code: str, asks: Sequence[str]) -> tuple[str, ...]:
        asked = [ask for n, ask in enumerate(asks) if n % FOLDS == fold_number]
        questions.extend(
            Question(id=f"{article}:{code}:{n}", language=code, text=ask, expect=(article,))
            for n, ask in enumerate(asked)
        )
        return tuple(ask for n, ask in enumerate(asks) if n % FOLDS != fold_number)

    questions: list[Question] = []
    articles = {}
    for article in knowledge.articles.values():
        texts = {
            code: dataclasses.replace(text, asks=split(article.id, code, text.asks))
            for code, text in article.texts.items()
            if code in knowledge.town.languages
        }
        articles[article.id] = dataclasses.replace(article, texts=texts)
    asks = {
        code: {article: split(article, code, lines) for article, lines in by_article.items()}
        for code, by_article in knowledge.asks.items()
    }
    unanswered: list[Question] = []
    offtopic = {}
    for code, lines in knowledge.offtopic.items():
        offtopic[code] = tuple(line for n, line in enumerate(lines) if n % FOLDS != fold_number)
        unanswered += (
            Question(id=f"offtopic:{code}:{n}", language=code, text=line, expect=(), kind="offtopic")
            for n, line in enumerate(lines)
            if n % FOLDS == fold_number
        )
    return dataclasses.replace(knowledge, articles=articles, asks=asks, offtopic=offtopic), questions, unanswered


def ranked(index: Index, questions: Iterable[Question]) -> Iterator[tuple[Question, str, Ranking]]:
    """Each question with its folded form and what the search ranks for it."""
    for question in questions:
        folded = search.without_places(index, fold(question.text))
        ranking, _ = search.read(index, folded, question.language)
        if ranking.hits:
            yield question, folded, ranking


# ---- channels ----


def channels(index: Index, questions: Sequence[Question], most: int = 1200) -> dict[str, float]:
    """What each channel contributes."""
    chance = random.Random(SEED)
    own = [question for question in questions if question.good]
    pages = corpus.read_pages(sorted((DATA / "omos-qa").glob("corpus-*.gz")))
    outside = [q for path in sorted((DATA / "omos-qa").glob("questions-*.gz")) for q in read_questions(path)]
    outside = chance.sample([q for q in outside if q.good and q.split == "train"], most)
    among = corpus.our_search(pages)

    def found() -> float:
        places = [_place(ranking.hits, question) for question, _, ranking in ranked(index, own)]
        others = [_place(among(q).hits, q) for q in outside]
        return sum(
            sum(place is not None and place <= k for place in group) / len(group)
            for group in (places, others)
            for k in (1, 3)
        )

    best = found()
    for name in ("asks", "section", "lexicon", "asks"):
        kept = weights.CHANNELS[name]
        for value in GRID:
            weights.CHANNELS[name] = value
            if (figure := found()) > best:
                best, kept = figure, value
        weights.CHANNELS[name] = kept
        print(name, kept, round(best / 4, 4))
    return dict(weights.CHANNELS)


def _place(hits: Sequence[Hit], question: Question) -> int | None:
    return next((n for n, hit in enumerate(hits, 1) if hit.article in question.expect), None)


# ---- gates ----


OF_ANSWERS = ("coverage", "score", "margin", "alike", "elsewhere", "unknown", "words", "nearest", "nearest_elsewhere")
OF_DANGER = (
    "coverage",
    "score",
    "margin",
    "alike",
    "elsewhere",
    "unknown",
    "nearest_elsewhere",
    "nearest_danger",
)
"""What tells that something is known and sure, and what tells danger: its length does not, the examples are short."""


def learn(found: Sequence[Example], balance: float, names: Sequence[str] = OF_ANSWERS) -> dict[str, float]:
    """The logistic function of these features that tells the yes from the no; a no counts `balance` times.

    Newton's method on the likelihood with a small penalty.
    """
    rows = [((1.0, *(getattr(seen, name) for name in names)), answer) for seen, answer in found]
    size, total = len(names) + 1, sum(1.0 if answer else balance for _, answer in rows)
    numbers = [0.0] * size
    for _ in range(ROUNDS):
        slope = [PENALTY * number for number in numbers]
        curve = [[PENALTY * (i == j) for j in range(size)] for i in range(size)]
        for values, answer in rows:
            likely = 1 / (1 + math.exp(-sum(w * v for w, v in zip(numbers, values, strict=True))))
            times = (1.0 if answer else balance) / total
            error, bend = times * (likely - answer), times * likely * (1 - likely)
            for i, value in enumerate(values):
                slope[i] += error * value
                row, bent = curve[i], bend * value
                for j in range(i, size):
                    row[j] += bent * values[j]
        for i in range(size):
            for j in range(i):
                curve[i][j] = curve[j][i]
        numbers = [number - step for number, step in zip(numbers, _solved(curve, slope), strict=True)]
    return dict(zip(["bias", *names], (round(number, 2) for number in numbers), strict=True))


def _solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The x of matrix · x = right, by elimination; the matrix is positive definite."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i, row in enumerate(rows):
        for other in rows[i + 1 :]:
            factor = other[i] / row[i]
            for j in range(i, len(row)):
                other[j] -= factor * row[j]
    solution = [0.0] * len(rows)
    for i in reversed(range(len(rows))):
        known = sum(rows[i][j] * solution[j] for j in range(i + 1, len(rows)))
        solution[i] = (rows[i][-1] - known) / rows[i][i]
    return solution


@dataclasses.dataclass
class Seen:
    """What the gates learn from: of each question what they see and whether it is a yes."""

    known: list[Example] = dataclasses.field(default_factory=list)
    sure: list[Example] = dataclasses.field(default_factory=list)
    danger: list[Example] = dataclasses.field(default_factory=list)

    def take(self, index: Index, questions: Iterable[Question], times: int = 1, only_danger: bool = False) -> None:
        """Add these questions, each `times`."""
        for question, folded, ranking in ranked(index, questions):
            looks = features(ranking, folded)
            place = _place(ranking.hits[: search.OFFERED], question)
            if not only_danger and question.kind != "greeting":
                if place is not None or question.kind in NO_ANSWER:
                    self.known += [(looks, place is not None)] * times
                self.sure += [(looks, place == 1)] * times
            if seen := danger_features(ranking, folded):
                self.danger += [(seen[1], any(map(is_crisis, question.expect)))] * times


def foreseen_and_not(knowledge: Knowledge, index: Index, most: int = 3000) -> Seen:
    """What is learned from beside the development questions; `index` is that of the whole knowledge."""
    chance = random.Random(SEED)
    seen = Seen()
    for number in range(FOLDS):
        reduced, questions, unanswered = without(knowledge, number)
        less = search.build_index(reduced)
        seen.take(less, chance.sample(questions, min(len(questions), most // FOLDS)))
        seen.take(less, chance.sample(unanswered, min(len(unanswered), most // FOLDS // 3)))
        seen.take(index, misspelt(chance.sample(questions, min(len(questions), most // FOLDS // 3))))
    seen.take(index, read_questions(DATA / "offtopic.jsonl"))
    seen.take(index, read_questions(DATA / "danger.jsonl"), only_danger=True)
    return seen


def gates(seen: Seen) -> Gates:
    """The numbers of the gates."""
    refused = sum(not answer for _, answer in seen.known)
    share = (len(seen.known) - refused) / max(1, refused)
    return {
        "KNOWN": learn(seen.known, share / 4),
        "SURE": learn(seen.sure, 1.0),
        "DANGER": learn(seen.danger, 1.0, OF_DANGER),
    }


def folds(knowledge: Knowledge, questions: Sequence[Question]) -> None:
    """Measure each fifth of the questions with gates learned without it: first the development ones, then our own."""
    index = search.build_index(knowledge)
    seen = foreseen_and_not(knowledge, index)
    ready = dataclasses.replace(knowledge, index=index)
    outcomes = []
    for number in range(FOLDS):
        fold_seen = dataclasses.replace(seen, known=[*seen.known], sure=[*seen.sure], danger=[*seen.danger])
        fold_seen.take(index, (q for n, q in enumerate(questions) if n % FOLDS != number), DEVELOPMENT)
        for name, gate in gates(fold_seen).items():
            setattr(weights, name, gate)
        left = [q for n, q in enumerate(questions) if n % FOLDS == number]
        outcomes += ask_all(lambda q: search.find(ready, q.text, q.language), left)
    theirs = {question.id for question in read_questions(DATA / "questions-dev.jsonl")}
    for part in (True, False):
        print_table(report([outcome for outcome in outcomes if (outcome.question.id in theirs) == part]))


def write(learned: Mapping[str, Mapping[str, float]]) -> None:
    """Put the numbers where the search reads them."""
    lines = [
        '"""Learned numbers of the search, for all languages alike. By `python -m tests.search.train`."""',
        "",
        "from __future__ import annotations",
        "",
    ]
    for name, numbers in learned.items():
        lines += [f"{name} = {{", *(f'    "{key}": {value},' for key, value in numbers.items()), "}"]
    TARGET.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Learn and write, or measure by folds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", action="store_true", help="measure only")
    parser.add_argument("--keep-channels", action="store_true", help="learn the gates alone")
    options = parser.parse_args()
    knowledge = load_knowledge(KNOWLEDGE, "magdeburg")
    questions = read_questions(DATA / "questions-dev.jsonl") + read_questions(DATA / "questions-own.jsonl")
    if options.folds:
        folds(knowledge, questions)
        return
    index = search.build_index(knowledge)
    if not options.keep_channels:
        channels(index, questions)
    seen = foreseen_and_not(knowledge, index)
    seen.take(index, questions, DEVELOPMENT)
    write({"CHANNELS": weights.CHANNELS, **gates(seen)})


if __name__ == "__main__":
    main()
