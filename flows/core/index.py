"""The index: articles cut into word-bounded character 4-grams, weighed once, ready to be searched.

In each language an article is one document whose fields count differently. Its 4-grams ("_sof", "sofa", "ofa_") are
weighed by BM25 (Robertson & Zaragoza 2009). How rare a 4-gram is counts over small units (a title, a way of asking, a
section), not over whole articles, of which there are few: "can" stands in every article and yet tells little, and
so does a word that every second way of asking begins with. Beside it the ways of asking (`asks`) stand alone, so that
a question can be compared with each (Tversky 1977).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flows.core.danger import Alarm, build_alarm
from flows.core.fold import fold
from flows.core.knowledge import Article, ArticleText, Block, Knowledge

K1, B = 5.0, 0.7
"""BM25: how slowly repeated words stop counting, and how much long articles are held back."""

TITLE, WORDS, HEADING, ASK, TEXT = 4.0, 3.0, 2.0, 1.0, 1.0
"""How often a word counts in a title, in the official words, in a heading, in a way of asking, in the text."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """What is searched of one text: its words by field, and the ways it is asked for."""

    id: str
    title: str
    texts: tuple[str, ...]  # the first view and each section
    headings: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()

    def units(self) -> Iterable[tuple[float, str]]:
        """Each piece with how often its words count."""
        yield TITLE, self.title
        yield WORDS, " ".join(self.words)
        for heading in self.headings:
            yield HEADING, heading
        for ask in self.asks:
            yield ASK, ask
        for text in self.texts:
            yield TEXT, text


@dataclass(frozen=True)
class LanguageIndex:
    """The documents of one language, ready to be searched."""

    articles: tuple[str, ...]
    rarity: Mapping[str, float]
    unknown: float  # the rarity of a 4-gram that stands nowhere
    postings: Mapping[str, tuple[tuple[int, float], ...]]  # gram → (article, its share of the gram's weight)
    asks: tuple[int, ...]  # the article of each way of asking
    ask_weights: tuple[float, ...]
    ask_postings: Mapping[str, tuple[int, ...]]
    vocabulary: frozenset[str]  # the words of its texts, without the official words


@dataclass(frozen=True)
class Index:
    """All languages, and the words of danger."""

    languages: Mapping[str, LanguageIndex]
    alarm: Alarm = field(default_factory=lambda: build_alarm({}))


def grams(word: str) -> tuple[str, ...]:
    """The word's 4-grams with its borders marked; a short word is one gram."""
    bounded = f"_{word}_"
    return tuple(bounded[i : i + 4] for i in range(max(1, len(bounded) - 3)))


def grams_of(folded: str) -> frozenset[str]:
    """The 4-grams of a folded text."""
    return frozenset(gram for word in folded.split() for gram in grams(word))


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
        texts=(_plain(text.lead), *(_plain(section.blocks) for section in text.sections)),
        headings=tuple(section.heading for section in text.sections),
        words=article.words,
        asks=text.asks,
    )


def _plain(blocks: Iterable[Block]) -> str:
    return "\n".join("".join(span.text if span.fact is None else " " for span in block.spans) for block in blocks)


def index_documents(documents: Sequence[Document]) -> LanguageIndex:
    """The index of documents written in one language."""
    counted: list[Counter[str]] = []
    spread: Counter[str] = Counter()  # in how many units a gram stands
    units = 0
    vocabulary: set[str] = set()
    asks: list[int] = []
    ask_grams: list[frozenset[str]] = []
    for position, document in enumerate(documents):
        words: defaultdict[str, float] = defaultdict(float)
        for times, text in document.units():
            unit = fold(text).split()
            units += 1
            for word in unit:
                words[word] += times
            spread.update({gram for word in set(unit) for gram in grams(word)})
            if times != WORDS:
                vocabulary.update(unit)
        counts: Counter[str] = Counter()
        for word, count in words.items():
            for gram in grams(word):
                counts[gram] += count  # type: ignore[assignment]
        counted.append(counts)
        for ask in document.asks:
            ask_grams.append(grams_of(fold(ask)))
            asks.append(position)
    rarity = {gram: _rarity(n, units) for gram, n in spread.items()}
    average = sum(sum(counts.values()) for counts in counted) / max(len(documents), 1)
    postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for position, counts in enumerate(counted):
        held_back = K1 * (1 - B + B * sum(counts.values()) / average) if average else K1
        for gram, count in counts.items():
            postings[gram].append((position, count / (count + held_back)))
    ask_postings: defaultdict[str, list[int]] = defaultdict(list)
    for number, found in enumerate(ask_grams):
        for gram in found:
            ask_postings[gram].append(number)
    return LanguageIndex(
        articles=tuple(document.id for document in documents),
        rarity=rarity,
        unknown=_rarity(0, units),
        postings={gram: tuple(places) for gram, places in postings.items()},
        asks=tuple(asks),
        ask_weights=tuple(sum(rarity[gram] for gram in found) for found in ask_grams),
        ask_postings={gram: tuple(numbers) for gram, numbers in ask_postings.items()},
        vocabulary=frozenset(vocabulary),
    )


def _rarity(n: int, units: int) -> float:
    return math.log(1 + (units - n + 0.5) / (n + 0.5))
