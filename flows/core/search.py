"""Finding the article that answers a question.

Method. Everything is folded and cut into word-bounded character 4-grams ("_sof", "sofa", "ofa_"), which need no
stemmer and forgive mistakes; measured on public data they beat stems and full-text search (docs/search.md). In each
language an article is one document whose fields count differently; BM25 (Robertson & Zaragoza 2009) weighs its
4-grams. Beside it stands the single way of asking (`asks`) that is most like the question (Tversky 1977). Both
are shares between 0 and 1 of what the question could reach at most, so that languages can be compared: the
question is held against every language, and an article counts with its best.

Two gates: *coverage*, the share of the question's weight that the best article knows at all, tells what we have
nothing on; the *margin* between the first and the second tells a sure answer from a choice.

Known weakness: "nothing here answers this" can not be told from words alone when an off-topic question borrows our
words; two or three near hits are then offered rather than asserted.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flows.core.danger import Alarm, build_alarm, danger
from flows.core.fold import fold
from flows.core.knowledge import Article, ArticleText, Block, Finding, Hit, Knowledge

K1, B = 1.2, 0.4
FIELDS = {"title": 4.0, "words": 3.0, "asks": 2.0, "headings": 2.0, "body": 1.0}
"""How often a word in that field counts."""

TEXT, ASK = 0.55, 0.45
"""What the article as a whole and its most similar way of asking contribute to the score."""

QUESTION_SHARE = 0.6
"""How much more of the question than of the way of asking must be shared (Tversky's alpha)."""

MENU_BONUS = 1.05
"""The language somebody chose wins where two languages find equally well."""

COVERAGE = 0.38
SURE = 0.42
"""Below COVERAGE nothing of ours answers it; below SURE (a score) a single hit is not asserted."""

MARGIN = 0.12
"""How far, as a share of its own score, the first must be before the second to be shown at once."""

OFFERED_WITHIN = 0.35
"""Hits that far behind the first are not offered beside it."""

HITS = 5
CLEAR_WORDS = 3
"""How many words of a language must be recognised before a question counts as written in it."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """What is searched of one text: its words by field, and the ways it is asked for."""

    id: str
    title: str
    body: str
    headings: str = ""
    words: str = ""
    asks: tuple[str, ...] = ()


@dataclass(frozen=True)
class LanguageIndex:
    """The documents of one language, ready to be searched."""

    articles: tuple[str, ...]
    idf: Mapping[str, float]
    unknown: float  # the weight of a 4-gram no article has
    postings: Mapping[str, tuple[tuple[int, float], ...]]  # gram → (article, its share of the gram's weight)
    asks: tuple[int, ...]  # the article of each way of asking
    ask_weights: tuple[float, ...]
    ask_postings: Mapping[str, tuple[int, ...]]
    vocabulary: frozenset[str]


@dataclass(frozen=True)
class Index:
    """All languages, and the words of danger."""

    languages: Mapping[str, LanguageIndex]
    alarm: Alarm = field(default_factory=lambda: build_alarm({}))


@dataclass
class _Scores:
    """What one language makes of a question."""

    score: dict[str, float] = field(default_factory=dict)
    coverage: dict[str, float] = field(default_factory=dict)


def grams(word: str) -> tuple[str, ...]:
    """The word's 4-grams with its borders marked; a short word is one gram."""
    bounded = f"_{word}_"
    return tuple(bounded[i : i + 4] for i in range(max(1, len(bounded) - 3)))


def build_index(knowledge: Knowledge) -> Index:
    """The index of all articles in all their languages."""
    articles = knowledge.articles.values()
    codes = sorted({code for article in articles for code in article.texts})
    return Index(
        languages={
            code: index_documents([_document(a, a.texts[code]) for a in articles if code in a.texts]) for code in codes
        },
        alarm=build_alarm(knowledge.crisis_words),
    )


def _document(article: Article, text: ArticleText) -> Document:
    return Document(
        id=article.id,
        title=text.title,
        body="\n".join([_plain(text.lead), *(_plain(section.blocks) for section in text.sections)]),
        headings="\n".join(section.heading for section in text.sections),
        words="\n".join(article.words),
        asks=text.asks,
    )


def index_documents(documents: Sequence[Document]) -> LanguageIndex:
    """The index of documents written in one language."""
    counted: list[Counter[str]] = []
    vocabulary: set[str] = set()
    asks: list[int] = []
    ask_grams: list[frozenset[str]] = []
    for position, document in enumerate(documents):
        words: defaultdict[str, float] = defaultdict(float)
        for name, times in FIELDS.items():
            text = "\n".join(document.asks) if name == "asks" else getattr(document, name)
            for word in fold(text).split():
                words[word] += times
                if name != "words":
                    vocabulary.add(word)
        counts: Counter[str] = Counter()
        for word, count in words.items():
            for gram in grams(word):
                counts[gram] += count  # type: ignore[assignment]
        counted.append(counts)
        for ask in document.asks:
            ask_grams.append(_grams_of(ask))
            asks.append(position)
    frequency: Counter[str] = Counter(gram for counts in counted for gram in counts)
    total = len(documents)
    idf = {gram: math.log(1 + (total - n + 0.5) / (n + 0.5)) for gram, n in frequency.items()}
    average = sum(sum(counts.values()) for counts in counted) / max(total, 1)
    postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for position, counts in enumerate(counted):
        long = K1 * (1 - B + B * sum(counts.values()) / average) if average else K1
        for gram, count in counts.items():
            postings[gram].append((position, count / (count + long)))
    ask_postings: defaultdict[str, list[int]] = defaultdict(list)
    for number, found in enumerate(ask_grams):
        for gram in found:
            ask_postings[gram].append(number)
    return LanguageIndex(
        articles=tuple(document.id for document in documents),
        idf=idf,
        unknown=math.log(1 + (total + 0.5) / 0.5),
        postings={gram: tuple(places) for gram, places in postings.items()},
        asks=tuple(asks),
        ask_weights=tuple(sum(idf[gram] for gram in found) for found in ask_grams),
        ask_postings={gram: tuple(numbers) for gram, numbers in ask_postings.items()},
        vocabulary=frozenset(vocabulary),
    )


def _plain(blocks: Iterable[Block]) -> str:
    return "\n".join("".join(span.text if span.fact is None else " " for span in block.spans) for block in blocks)


def _grams_of(text: str) -> frozenset[str]:
    return frozenset(gram for word in fold(text).split() for gram in grams(word))


def _score(index: LanguageIndex, question: frozenset[str]) -> _Scores:
    weights = {gram: index.idf.get(gram, index.unknown) for gram in question}
    attainable = sum(weights.values())
    scores = _Scores()
    if not attainable:
        return scores
    texts: defaultdict[int, float] = defaultdict(float)
    known: defaultdict[int, float] = defaultdict(float)
    shared: defaultdict[int, float] = defaultdict(float)
    for gram, weight in weights.items():
        for position, share in index.postings.get(gram, ()):
            texts[position] += weight * share
            known[position] += weight
        for number in index.ask_postings.get(gram, ()):
            shared[number] += weight
    best_ask: defaultdict[int, float] = defaultdict(float)
    for number, both in shared.items():
        rest = QUESTION_SHARE * (attainable - both) + (1 - QUESTION_SHARE) * (index.ask_weights[number] - both)
        position = index.asks[number]
        best_ask[position] = max(best_ask[position], both / (both + rest))
    for position, text in texts.items():
        article = index.articles[position]
        scores.score[article] = TEXT * text / attainable + ASK * best_ask[position]
        scores.coverage[article] = known[position] / attainable
    return scores


def find(knowledge: Knowledge, text: str, language: str) -> Finding:
    """What the knowledge makes of a question asked under a menu in `language` ("" for none chosen yet).

    Words of danger come before everything. A greeting, a thank-you and a text without letters find nothing.
    """
    index: Index = knowledge.index
    folded = fold(text)
    own = recognise(index, text, language)
    if articles := danger(index.alarm, text):
        hits = tuple(Hit(article=article, score=1.0, language=own or language) for article in articles)
        return Finding(decision="crisis", hits=hits, language=own)
    if not folded or any(folded in knowledge.words.get(word, ()) for word in ("greeting", "thanks")):
        return Finding(decision="none", hits=(), language=own)
    ranked, coverage = rank(index, folded, language)
    hits = tuple(ranked[:HITS])
    if not hits or coverage[hits[0].article] < COVERAGE:
        return Finding(decision="none", hits=hits, language=own)
    first = hits[0]
    margin = first.score - (hits[1].score if len(hits) > 1 else 0.0)
    if first.score >= SURE and margin >= MARGIN * first.score:
        crisis = first.article.startswith("crisis.")
        return Finding(decision="crisis" if crisis else "answer", hits=hits[:1] if crisis else hits, language=own)
    near = tuple(hit for hit in hits[:3] if hit.score >= (1 - OFFERED_WITHIN) * first.score)
    return Finding(decision="choose", hits=near, language=own)


def rank(index: Index, folded: str, language: str) -> tuple[list[Hit], dict[str, float]]:
    """Every article that shares anything with the question, best first, and how much of the question each knows."""
    question = frozenset(gram for word in folded.split() for gram in grams(word))
    best: dict[str, Hit] = {}
    coverage: dict[str, float] = {}
    for code, part in index.languages.items():
        scores = _score(part, question)
        bonus = MENU_BONUS if code == language else 1.0
        for article, score in scores.score.items():
            if article not in best or score * bonus > best[article].score:
                best[article] = Hit(article=article, score=round(score * bonus, 4), language=code)
            coverage[article] = max(coverage.get(article, 0.0), scores.coverage[article])
    return sorted(best.values(), key=lambda hit: (-hit.score, hit.article)), coverage


def nearest_topics(knowledge: Knowledge, text: str, language: str, limit: int = 3) -> list[str]:
    """The topics closest to a question we have no answer to, nearest first; empty when nothing is near."""
    ranked, coverage = rank(knowledge.index, fold(text), language)
    topics = [hit.article.split(".", 1)[0] for hit in ranked[: 2 * HITS] if coverage[hit.article] >= COVERAGE / 2]
    return list(dict.fromkeys(t for t in topics if t not in ("crisis", "bot")))[:limit]


_SCRIPTS = {"arabic": re.compile(r"[\u0600-\u06ff]"), "cyrillic": re.compile(r"[\u0400-\u04ff]")}
_ONLY = (  # letters that only one of our languages has among those that share its script
    ("arabic", re.compile(r"[پچژگ]"), "fa"),
    ("cyrillic", re.compile(r"[іїєґІЇЄҐ]"), "uk"),
    ("cyrillic", re.compile(r"[ыэёъЫЭЁЪ]"), "ru"),
)
_WRITTEN_IN = {"arabic": ("ar", "fa"), "cyrillic": ("uk", "ru")}


def recognise(index: Index, text: str, language: str) -> str | None:
    """The language a text is written in, when that is clear; a few words never count as another than `language`."""
    letters = sum(c.isalpha() for c in text)
    words = fold(text).split()
    for script, pattern in _SCRIPTS.items():
        if 2 * len(pattern.findall(text)) <= letters or len(words) < 2:
            continue
        for other, only, code in _ONLY:
            if other == script and only.search(text):
                return code
        codes = _WRITTEN_IN[script]
        if language in codes:
            return language
        spoken = [code for code in codes if code in index.languages]
        return spoken[0] if len(spoken) == 1 else _by_words(index, words, spoken, language)
    latin = [code for code in index.languages if not any(code in codes for codes in _WRITTEN_IN.values())]
    return _by_words(index, words, latin, language)


def _by_words(index: Index, words: list[str], codes: Iterable[str], language: str) -> str | None:
    known = {code: sum(word in index.languages[code].vocabulary for word in words) for code in codes}
    ranked = sorted(known, key=lambda code: (-known[code], code != language))
    if not ranked or known[ranked[0]] < CLEAR_WORDS or 2 * known[ranked[0]] < len(words):
        return None
    second = known[ranked[1]] if len(ranked) > 1 else 0
    return ranked[0] if known[ranked[0]] >= second + 2 else None
