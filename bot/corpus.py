"""An outside collection searched in place of our articles, and two ordinary searches of the same pages beside ours.

The two: SQLite's FTS5 with its own ranking, and BM25 on folded words (Robertson & Zaragoza 2009, k1 = 1.2, b = 0.75).
"""

from __future__ import annotations

import math
import random
import sqlite3
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import TypeVar

from bot.content import lexicon
from bot.questions import Question, json_lines, text_of
from flows.core.fold import fold
from flows.core.index import Document, Index, index_documents
from flows.core.knowledge import Finding, Hit
from flows.core.ranking import rank
from flows.core.search import HITS

WINDOW = 3
"""A page of an outside collection has no sections: each so many lines together count as one."""

K1, B = 1.2, 0.75
ROUNDS, SEED = 2000, 1
"""How often the questions are drawn anew for an interval (bootstrap, Efron 1979)."""

Place = tuple[str, str | None]  # language and town
Pages = Mapping[Place, Sequence[Document]]
Search = Callable[[Question], Finding]
Ordinary = Callable[[str], list[str]]  # a question → ids, best first
Made = TypeVar("Made")


def read_pages(paths: Sequence[Path]) -> Pages:
    """The pages of each language, and of each town in it; SettingsError names the line that cannot be read."""
    pages: defaultdict[Place, list[Document]] = defaultdict(list)
    for path in paths:
        for number, data in json_lines(path):
            place = f"{path}:{number}"
            language = text_of(data, "lang", place)
            lines = text_of(data, "text", place).split("\n")
            page = Document(
                id=text_of(data, "id", place),
                title=text_of(data, "title", place, ""),
                texts=tuple(lines),
                sections=tuple("\n".join(lines[i : i + WINDOW]) for i in range(max(1, len(lines) - WINDOW + 1))),
            )
            for town in dict.fromkeys((None, data.get("town"))):
                pages[language, town].append(page)
    return pages


def our_search(pages: Pages) -> Search:
    """Lotse's search among the pages of the question's town; nothing is refused."""
    indexes = {place: index_documents(documents) for place, documents in pages.items()}
    lexicons = learn_lexicons(pages)
    ready: dict[Place, Index] = {}
    for language, town in indexes:
        others = {code: index for (code, where), index in indexes.items() if where == town}
        ready[language, town] = Index(languages=others, lexicons=lexicons)

    def search(question: Question) -> Finding:
        index = _of(ready, question)
        hits = rank(index, fold(question.text), question.language).hits if index else ()
        return Finding(decision="answer" if hits else "none", hits=hits[:HITS])

    return search


def learn_lexicons(pages: Pages) -> dict[str, dict[str, dict[str, str]]]:
    """For each language and each other one what its words are there, from pages with the same id and as many lines."""
    by_language = {code: {page.id: page for page in found} for (code, town), found in pages.items() if town is None}
    lexicons: dict[str, dict[str, dict[str, str]]] = {}
    for one, other in permutations(by_language, 2):
        pairs = [
            (fold(line).split(), fold(same).split())
            for id, page in by_language[one].items()
            if id in by_language[other] and len(page.texts) == len(by_language[other][id].texts)
            for line, same in zip(
                (page.title, *page.texts), (by_language[other][id].title, *by_language[other][id].texts), strict=True
            )
        ]
        if pairs:
            print(f"learning the words of {one} in {other} from {len(pairs)} lines", file=sys.stderr)
            lexicons.setdefault(one, {})[other] = lexicon.learn_from(pairs)
    return lexicons


def ordinary_searches(pages: Pages) -> Mapping[str, Search]:
    """The searches to compare with, by name."""
    kinds = {"SQLite FTS5": _fts5, "BM25 on words": _bm25}

    def searching(make: Callable[[Sequence[Document]], Ordinary]) -> Search:
        ready = {place: make(documents) for place, documents in pages.items()}

        def search(question: Question) -> Finding:
            found = _of(ready, question)
            ids = found(question.text)[:HITS] if found else []
            hits = tuple(Hit(article=id, score=1.0, language=question.language) for id in ids)
            return Finding(decision="answer" if hits else "none", hits=hits)

        return search

    return {name: searching(make) for name, make in kinds.items()}


def _of(ready: Mapping[Place, Made], question: Question) -> Made | None:
    return ready.get((question.language, question.town)) or ready.get((question.language, None))


def _fts5(documents: Sequence[Document]) -> Ordinary:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE pages USING fts5(id UNINDEXED, title, text)")
    database.executemany(
        "INSERT INTO pages VALUES (?, ?, ?)", [(page.id, page.title, "\n".join(page.texts)) for page in documents]
    )

    def search(question: str) -> list[str]:
        words = fold(question).split()
        if not words:
            return []
        with closing(
            database.execute(
                "SELECT id FROM pages WHERE pages MATCH ? ORDER BY rank LIMIT ?",
                (" OR ".join(f'"{word}"' for word in words), HITS),
            )
        ) as rows:
            return [id for (id,) in rows]

    return search


def _bm25(documents: Sequence[Document]) -> Ordinary:
    counted = [Counter(fold("\n".join((page.title, *page.texts))).split()) for page in documents]
    owned = Counter(word for counts in counted for word in counts)
    average = sum(counts.total() for counts in counted) / max(len(counted), 1)

    def score(counts: Counter[str], words: Iterable[str]) -> float:
        held_back = K1 * (1 - B + B * counts.total() / average)
        return sum(
            math.log(1 + (len(documents) - owned[word] + 0.5) / (owned[word] + 0.5))
            * counts[word]
            * (K1 + 1)
            / (counts[word] + held_back)
            for word in words
            if word in counts
        )

    def search(question: str) -> list[str]:
        words = fold(question).split()
        scores = {page.id: score(counts, words) for page, counts in zip(documents, counted, strict=True)}
        return sorted((id for id in scores if scores[id] > 0), key=lambda id: (-scores[id], id))

    return search


def mean_with_interval(by_language: Sequence[Sequence[bool]]) -> tuple[float, float, float]:
    """The mean over languages of the share of yes, and the interval in which 95 of 100 redrawn means lie."""
    chance = random.Random(SEED)  # noqa: S311 - a sample, not a secret

    def mean(groups: Iterable[Sequence[bool]]) -> float:
        shares = [sum(group) / len(group) for group in groups]
        return sum(shares) / len(shares)

    redrawn = sorted(mean(chance.choices(group, k=len(group)) for group in by_language) for _ in range(ROUNDS))
    return mean(by_language), redrawn[round(0.025 * ROUNDS)], redrawn[round(0.975 * ROUNDS) - 1]
