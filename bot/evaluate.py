"""`lotse evaluate`: how well the search answers questions whose right answer is known."""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.cli import FINE
from bot.content import load_knowledge
from bot.errors import SettingsError
from bot.settings import Settings
from flows.core.fold import fold
from flows.core.index import Document, Index, index_documents
from flows.core.knowledge import Finding
from flows.core.search import build_index, find, rank

CONFUSIONS = 12
"""How many pairs of articles taken for each other are listed."""

WINDOW = 3
"""A page of an outside collection has no sections: each so many lines together count as one."""

NO_ANSWER = ("offtopic", "greeting")


@dataclass(frozen=True, kw_only=True)
class Question:
    """One line of a question file."""

    id: str
    language: str
    text: str
    expect: tuple[str, ...]
    kind: str = "plain"
    town: str | None = None
    split: str | None = None

    @property
    def good(self) -> bool:
        """Whether it has an answer that should be found."""
        return bool(self.expect) and self.kind != "unanswerable"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the search made of one question, and how long it took."""

    question: Question
    finding: Finding
    seconds: float

    @property
    def offered(self) -> tuple[str, ...]:
        """The ids that count, in order: nothing where the search refused."""
        if self.finding.decision == "none":
            return ()
        ids = (hit.article for hit in self.finding.hits)
        if self.finding.decision == "crisis":
            return tuple(id for id in ids if id.startswith("crisis."))
        return tuple(ids)

    @property
    def place(self) -> int | None:
        """Where the first expected id stands, from 1; None when it is not offered."""
        return next((n for n, id in enumerate(self.offered, 1) if id in self.question.expect), None)


def ask_json(finding: Finding) -> dict[str, Any]:
    """A finding as `lotse ask --json` prints it."""
    hits = [{"id": hit.article, "score": hit.score, "language": hit.language} for hit in finding.hits]
    return {"decision": finding.decision, "hits": hits}


def run_evaluate(settings: Settings, options: argparse.Namespace) -> int:
    """Search every chosen question and print the figures."""
    questions = choose(read_questions(options.questions), options)
    if not questions:
        raise SettingsError(f"no line of {options.questions} is left after --lang, --topic, --kind and --split")
    if options.misspell:
        questions = [dataclasses.replace(q, text=misspell(q.text, q.id)) for q in questions]
    if options.corpus is not None:
        search = _corpus_search(options.corpus)
    else:
        knowledge = load_knowledge(settings.knowledge, settings.town)
        ready = dataclasses.replace(knowledge, index=build_index(knowledge))

        def search(question: Question) -> Finding:
            return find(ready, question.text, question.language)

    outcomes = []
    for question in questions:
        begun = time.perf_counter()
        finding = search(question)
        outcomes.append(Outcome(question=question, finding=finding, seconds=time.perf_counter() - begun))
    figures = report(outcomes)
    if options.json:
        print(json.dumps(figures, ensure_ascii=False))
    else:
        _print_table(figures)
    if options.errors:
        _print_errors(outcomes)
    return FINE


def read_questions(path: Path) -> list[Question]:
    """The questions of a JSON-lines file; SettingsError names the line that cannot be read."""
    questions = []
    for number, data in _lines(path):
        place = f"{path}:{number}"
        expect = data.get("expect")
        if not isinstance(expect, list) or not all(isinstance(id, str) for id in expect):
            raise SettingsError(f'{place}: "expect" must be a list of ids')
        questions.append(
            Question(
                id=str(data.get("id", number)),
                language=_text(data, "lang", place),
                text=_text(data, "text", place),
                expect=tuple(expect),
                kind=_text(data, "kind", place, "plain"),
                town=data.get("town"),
                split=data.get("split"),
            )
        )
    return questions


def _text(data: Mapping[str, Any], key: str, place: str, default: str | None = None) -> str:
    value = data.get(key, default)
    if not isinstance(value, str):
        raise SettingsError(f'{place}: "{key}" must be a text')
    return value


def _lines(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except ValueError as error:
            raise SettingsError(f"{path}:{number}: not JSON: {error}") from None
        if not isinstance(data, dict):
            raise SettingsError(f"{path}:{number}: not a JSON object")
        yield number, data


def choose(questions: Sequence[Question], options: argparse.Namespace) -> list[Question]:
    """The questions that the options leave; lines that expect nothing belong to every topic."""
    languages, topics, kinds = (set(filter(None, o.split(","))) for o in (options.lang, options.topic, options.kind))

    def wanted(q: Question) -> bool:
        about = {id.split(".", 1)[0] for id in q.expect}
        return (
            (not languages or q.language in languages)
            and (not topics or not about or bool(about & topics))
            and (not kinds or q.kind in kinds)
            and (not options.split or q.split == options.split)
        )

    return [q for q in questions if wanted(q)]


def misspell(text: str, seed: str) -> str:
    """The text with one typing mistake in every third word of four letters or more; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - mistakes, not secrets
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    for i in chance.sample(long, (len(long) + 2) // 3):
        word, at = words[i], chance.randrange(1, len(words[i]) - 1)
        words[i] = chance.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            )
        )
    return " ".join(words)


def _corpus_search(path: Path) -> Any:
    """A search in an outside collection: among the pages of the question's language and town, never refused."""
    pages: defaultdict[tuple[str, str | None], list[Document]] = defaultdict(list)
    for number, data in _lines(path):
        place = f"{path}:{number}"
        if "id" not in data:
            raise SettingsError(f'{place}: "id" is missing')
        lines = _text(data, "text", place).split("\n")
        page = Document(
            id=str(data["id"]),
            title=_text(data, "title", place, ""),
            texts=tuple(lines),
            sections=tuple("\n".join(lines[i : i + WINDOW]) for i in range(max(1, len(lines) - WINDOW + 1))),
        )
        language = _text(data, "lang", place)
        pages[language, None].append(page)
        if data.get("town"):
            pages[language, _text(data, "town", place)].append(page)
    ready = {place: Index(languages={place[0]: index_documents(documents)}) for place, documents in pages.items()}

    def search(question: Question) -> Finding:
        index = ready.get((question.language, question.town)) or ready.get((question.language, None))
        hits = rank(index, fold(question.text), question.language).hits if index else ()
        return Finding(decision="answer" if hits else "none", hits=hits[:5])

    return search


# ---- figures ----


def report(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures as `--json` prints them: in total, by language, by kind, and milliseconds a question."""
    by_language: defaultdict[str, list[Outcome]] = defaultdict(list)
    by_kind: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_language[outcome.question.language].append(outcome)
        by_kind[outcome.question.kind].append(outcome)
    times = sorted(1000 * outcome.seconds for outcome in outcomes)
    return {
        "total": figures(outcomes),
        "by_language": {code: figures(group) for code, group in sorted(by_language.items())},
        "by_kind": {kind: figures(group) for kind, group in sorted(by_kind.items())},
        "ms": {
            "median": round(statistics.median(times), 2),
            "p99": round(times[min(len(times) - 1, int(0.99 * len(times)))], 2),
        },
    }


def figures(outcomes: Sequence[Outcome]) -> dict[str, float | int | None]:
    """The shares of one group; null where the group has no such line."""
    good = [o for o in outcomes if o.question.good]
    places = [o.place for o in good]
    offtopic = [o for o in outcomes if o.question.kind == "offtopic"]
    crisis = [o for o in outcomes if o.question.kind == "crisis"]
    harmless = [o for o in outcomes if not any(id.startswith("crisis.") for id in o.question.expect)]
    return {
        "n": len(outcomes),
        "hit@1": _share(p is not None and p <= 1 for p in places),
        "hit@3": _share(p is not None and p <= 3 for p in places),
        "hit@5": _share(p is not None and p <= 5 for p in places),
        "mrr": round(sum(1 / p for p in places if p) / len(places), 4) if places else None,
        "choose": _share(o.finding.decision == "choose" for o in good),
        "refusal": _share(o.finding.decision == "none" for o in offtopic),
        "refused_good": _share(o.finding.decision == "none" for o in good),
        "crisis_recall": _share(o.finding.decision == "crisis" for o in crisis),
        "false_crisis": _share(o.finding.decision == "crisis" for o in harmless),
    }


def _share(values: Iterable[bool]) -> float | None:
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else None


def _print_table(figures: Mapping[str, Any]) -> None:
    names = list(figures["total"])
    print(f"{'':<14}" + "".join(f"{name:>14}" for name in names))
    groups = {"total": figures["total"], **figures["by_language"], **figures["by_kind"]}
    for label, values in groups.items():
        shown = ("-" if v is None else f"{v:.3f}" if isinstance(v, float) else str(v) for v in values.values())
        print(f"{label:<14}" + "".join(f"{value:>14}" for value in shown))
    print(f"{figures['ms']['median']} ms a question (median), {figures['ms']['p99']} ms (p99)")


def _print_errors(outcomes: Sequence[Outcome]) -> None:
    """The misses: a good line not first, an off-topic line not refused, a crisis missed or falsely seen."""
    for o in outcomes:
        q, decision = o.question, o.finding.decision
        harmless = not any(id.startswith("crisis.") for id in q.expect)
        missed = (
            (q.good and o.place != 1)
            or (q.kind in NO_ANSWER and decision != "none")
            or (q.kind == "crisis" and decision != "crisis")
            or (decision == "crisis" and harmless)
        )
        if missed:
            found = " ".join(f"{hit.article}({hit.score:.2f})" for hit in o.finding.hits[:3]) or "-"
            expected = ",".join(q.expect) or q.kind
            print(
                f"{q.id} {q.language} [{q.kind}] {q.text!r}: expected {expected}; {decision}: {found}", file=sys.stderr
            )
    pairs = Counter(
        (o.question.expect[0], o.finding.hits[0].article)
        for o in outcomes
        if o.question.good and o.place != 1 and o.finding.hits
    )
    for (expected, shown), times in pairs.most_common(CONFUSIONS):
        print(f"confused {times} ×: {expected} → {shown}", file=sys.stderr)
