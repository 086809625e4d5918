"""`lotse evaluate`: how well the search answers questions whose right answer is known."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import corpus
from bot.cli import FINE
from bot.errors import SettingsError
from bot.questions import Question, choose, misspelt, read_questions
from bot.settings import Settings
from bot.whole import load
from flows.core.index import Index
from flows.core.knowledge import Finding
from flows.core.search import find

CONFUSIONS = 12
"""How many pairs of articles taken for each other are listed."""

NO_ANSWER = ("offtopic", "greeting")


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
    questions = choose([q for path in options.questions for q in read_questions(path)], options)
    if not questions:
        names = ", ".join(map(str, options.questions))
        raise SettingsError(f"no line of {names} is left after --lang, --topic, --kind and --split")
    if options.misspell:
        questions = misspelt(questions)
    if options.corpus:
        pages = corpus.read_pages(options.corpus)
        outcomes = ask_all(corpus.our_search(pages), questions)
        others = {name: ask_all(one, questions) for name, one in corpus.ordinary_searches(pages).items()}
        figures = {**report(outcomes), "compared": compare({"Lotse": outcomes, **others})}
    else:
        search, ready = _our_articles(settings)
        outcomes = ask_all(search, questions)
        figures = {**report(outcomes), "index": ready}
    if options.json:
        print(json.dumps(figures, ensure_ascii=False))
    else:
        print_table(figures)
    if options.errors:
        _print_errors(outcomes)
    return FINE


def _our_articles(settings: Settings) -> tuple[Callable[[Question], Finding], dict[str, float]]:
    """The search in our articles with every language's index at hand, and what having them took."""
    knowledge, _ = load(settings, trying=True)
    index: Index = knowledge.index
    before, begun = _resident(), time.perf_counter()
    for languages in (index.languages, index.sounds):
        for code in languages:
            languages[code]
    ready = {"seconds": round(time.perf_counter() - begun, 2), "mb": round((_resident() - before) / 1e6, 1)}
    return lambda question: find(knowledge, question.text, question.language), ready


def _resident() -> int:
    """The bytes of memory this process has, where the system tells; otherwise 0."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * 4096


def ask_all(search: Callable[[Question], Finding], questions: Iterable[Question]) -> list[Outcome]:
    """What a search makes of each question."""
    outcomes = []
    for question in questions:
        begun = time.perf_counter()
        finding = search(question)
        outcomes.append(Outcome(question=question, finding=finding, seconds=time.perf_counter() - begun))
    return outcomes


def compare(searches: Mapping[str, Sequence[Outcome]]) -> dict[str, dict[str, list[float]]]:
    """For each search and k the mean over languages of hit@k, and its interval of 95 %."""
    compared: dict[str, dict[str, list[float]]] = {}
    for name, outcomes in searches.items():
        places: defaultdict[str, list[int | None]] = defaultdict(list)
        for outcome in outcomes:
            if outcome.question.good:
                places[outcome.question.language].append(outcome.place)
        compared[name] = {
            f"hit@{k}": [
                round(figure, 4)
                for figure in corpus.mean_with_interval(
                    [[place is not None and place <= k for place in group] for group in places.values()]
                )
            ]
            for k in (1, 3, 5)
            if places
        }
    return compared


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


def print_table(figures: Mapping[str, Any]) -> None:
    """Print the figures of a report for people."""
    names = list(figures["total"])
    print(f"{'':<14}" + "".join(f"{name:>14}" for name in names))
    groups = {"total": figures["total"], **figures["by_language"], **figures["by_kind"]}
    for label, values in groups.items():
        shown = ("-" if v is None else f"{v:.3f}" if isinstance(v, float) else str(v) for v in values.values())
        print(f"{label:<14}" + "".join(f"{value:>14}" for value in shown))
    for name, compared in figures.get("compared", {}).items():
        shown = (f"{k} {mean:.3f} [{low:.3f}, {high:.3f}]" for k, (mean, low, high) in compared.items())
        print(f"{name:<14}  mean of languages: {'   '.join(shown)}")
    print(f"{figures['ms']['median']} ms a question (median), {figures['ms']['p99']} ms (p99)")
    if ready := figures.get("index"):
        print(f"index of all languages at hand in {ready['seconds']} s, {ready['mb']} MB")


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
