"""The index: articles cut into word-bounded character 4-grams, weighed once, ready to be searched.

In each language an article is one document whose fields count differently. Its 4-grams ("_sof", "sofa", "ofa_") are
weighed by BM25 (Robertson & Zaragoza 2009). How rare a 4-gram is: the geometric mean of how rare it is among articles,
of which there are few, and among small units (a title, a way of asking, a section), of which there are many; on ways
of asking that the index had not seen, this mean was better than either. Beside it the ways of asking (`asks`) stand
alone, so that a question can be compared with each (Tversky 1977), and so do the sections: what is asked mostly stands
in one of them.

A long word has many 4-grams, a short one few, and yet "Kita" says as much as "Bürgergeld": each 4-gram's weight is
divided by a power of how many its word has.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import accumulate
from zlib import crc32

from flows.core import translit
from flows.core.danger import Alarm, build_alarm
from flows.core.fold import fold, joined
from flows.core.knowledge import Article, ArticleText, Block, Knowledge

K1, B = 5.0, 0.85
"""BM25: how slowly repeated words stop counting, and how much long articles are held back."""

TITLE, WORDS, HEADING, ASK, TEXT = 4.0, 3.0, 2.0, 1.0, 1.0
"""How often a word counts in a title, in the official words, in a heading, in a way of asking, in the text."""


LONG, LONG_ASK = 0.25, 0.5
"""By which power of the number of its word's 4-grams a 4-gram is held back, in texts and in ways of asking."""

EVERYDAY = 0.03
"""A 4-gram that more than this share of all ways of asking have ("_ich") tells none of them apart and is left out of
their comparison: it would take most of the time."""

FEWEST_ASKS = 100
"""Below so many ways of asking nothing counts as everyday."""

SECTION_GRAMS = 60
"""How many 4-grams a section may have before it is held back for its length."""

SYLLABLES_APART = ("vi",)
"""Languages that write a blank between syllables."""

PLACE_LETTERS = 5
"""A shorter word of a quarter's name ("Am", "See") means other things too."""

ELSEWHERE = "elsewhere"
"""The document of what is not for us (weather, recipes, jokes): it can be the best, and then nothing is found."""


ELSEWHERE_ASK = 6.0
"""The same in a question that is not for us, which has no title and no text to be found by."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """What is searched of one text: its words by field, and the ways it is asked for."""

    id: str
    title: str
    texts: tuple[str, ...]  # the first view and each section
    headings: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()  # the stretches one of which may answer a question by itself

    def units(self) -> Iterable[tuple[float, str]]:
        """Each piece with how often its words count."""
        yield TITLE, self.title
        yield WORDS, " ".join(self.words)
        for heading in self.headings:
            yield HEADING, heading
        for ask in self.asks:
            yield (ELSEWHERE_ASK if self.id == ELSEWHERE else ASK), ask
        for text in self.texts:
            yield TEXT, text


@dataclass(frozen=True)
class LanguageIndex:
    """The documents of one language, ready to be searched.

    A 4-gram's number, its place among all in order, leads into arrays, which take a tenth of the memory that
    dictionaries and lists of pairs would.
    """

    articles: tuple[str, ...]
    grams: array[int]  # in order
    weights: array[float]  # how rare each gram is
    unknown: float  # the rarity of a gram that stands nowhere
    starts: array[int]  # where the articles of each gram begin in `places` and `shares`
    places: array[int]
    shares: array[float]  # how much of the gram's weight the article gets
    asks: array[int]  # the article of each way of asking
    ask_weights: array[float]
    ask_starts: array[int]
    ask_places: array[int]
    everyday: frozenset[int]  # the numbers of grams by which ways of asking are not compared
    document_sections: array[int]  # where the sections of each article begin in `section_starts`
    section_starts: array[int]  # where the grams of each section begin in `section_grams`
    section_grams: array[int]
    vocabulary: array[int]  # the checksums, in order, of the words of its texts, without the official words

    def number(self, gram: int) -> int | None:
        """The gram's number; None when it stands nowhere."""
        number = bisect_left(self.grams, gram)
        return number if number < len(self.grams) and self.grams[number] == gram else None

    def knows(self, word: str) -> bool:
        """Whether a folded word stands in the texts; of a hundred thousand others one may seem to."""
        checksum = crc32(word.encode("utf-8", "surrogatepass"))
        place = bisect_left(self.vocabulary, checksum)
        return place < len(self.vocabulary) and self.vocabulary[place] == checksum

    def rarity(self, number: int | None) -> float:
        """How rare a gram is, the natural logarithm of an odds."""
        return self.unknown if number is None else self.weights[number]

    def found_in(self, number: int) -> Iterable[tuple[int, float]]:
        """The articles that have the gram, with their share of its weight."""
        start, end = self.starts[number], self.starts[number + 1]
        return zip(self.places[start:end], self.shares[start:end], strict=True)

    def asked_in(self, number: int) -> array[int]:
        """The ways of asking that have the gram."""
        return self.ask_places[self.ask_starts[number] : self.ask_starts[number + 1]]

    def sections_of(self, position: int) -> Iterator[array[int]]:
        """The grams, by number, of each section of an article."""
        for section in range(self.document_sections[position], self.document_sections[position + 1]):
            yield self.section_grams[self.section_starts[section] : self.section_starts[section + 1]]


class Languages(Mapping[str, LanguageIndex]):
    """The index of each language, made when it is first needed: most questions need few."""

    def __init__(self, make: Mapping[str, Callable[[], LanguageIndex]]) -> None:
        self._make: dict[str, Callable[[], LanguageIndex]] = dict(make)
        self._made: dict[str, LanguageIndex] = {}

    def __getitem__(self, code: str) -> LanguageIndex:
        if code not in self._made:
            self._made[code] = self._make[code]()
        return self._made[code]

    def through(self, outer: Callable[[str, Callable[[], LanguageIndex]], LanguageIndex]) -> None:
        """Ask `outer` for an index before making it: it gets the code and the way to make it."""
        self._make = {code: partial(outer, code, make) for code, make in self._make.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._make)

    def __len__(self) -> int:
        return len(self._make)


@dataclass(frozen=True)
class Index:
    """All languages, and the words of danger."""

    languages: Mapping[str, LanguageIndex]
    sounds: Mapping[str, LanguageIndex] = field(default_factory=dict)  # for other scripts in Latin letters
    spoken: tuple[str, ...] = ()  # by the town; others are there only to be found in
    places: frozenset[str] = frozenset()  # words that name the town and its quarters
    make_alarm: Callable[[], Alarm] = field(default=lambda: build_alarm({}), repr=False)
    lexicons: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    """A language, another in which its questions are read too, and what a word of the one is in the other."""

    @cached_property
    def alarm(self) -> Alarm:
        """The words of danger of all languages, made ready when the first message comes."""
        return self.make_alarm()


def grams(word: str) -> tuple[int, ...]:
    """The word's 4-grams with its borders marked, each as the number its UTF-16 is; a short word is one gram."""
    written = f"_{word}_".encode("utf-16-be", "surrogatepass")
    return tuple(int.from_bytes(written[i : i + 8], "big") for i in range(0, max(1, len(written) - 7), 2))


def grams_of(folded: str) -> dict[int, int]:
    """The 4-grams of a folded text, each with how many the shortest word has that it stands in."""
    found: dict[int, int] = {}
    for word in folded.split():
        parts = grams(word)
        for gram in parts:
            found[gram] = min(len(parts), found.get(gram, len(parts)))
    return found


def read_in(language: str, folded: str) -> str:
    """A folded text as the index of a language has it."""
    return joined(folded) if language in SYLLABLES_APART else folded


def build_index(knowledge: Knowledge, make_alarm: Callable[[], Alarm] | None = None) -> Index:
    """The index of all articles in the languages that the town speaks, and in those that ways of asking are kept in.

    `make_alarm` brings the words of danger where they are ready already.
    """
    articles = knowledge.articles.values()

    def documents(code: str) -> list[Document]:
        elsewhere = Document(id=ELSEWHERE, title="", texts=(), asks=knowledge.offtopic.get(code, ()))
        asked = knowledge.asks.get(code, {})
        return [
            elsewhere,
            *(_document(a, a.texts[code], asked.get(a.id, ())) for a in articles if code in a.texts),
            *(_asked(a, asked[a.id]) for a in articles if code not in a.texts and a.id in asked),
        ]

    def made(code: str) -> Callable[[], LanguageIndex]:
        return lambda: index_documents(documents(code), lambda text: read_in(code, fold(text)))

    def by_sound(code: str) -> Callable[[], LanguageIndex]:
        return lambda: index_documents(documents(code), lambda text: translit.ways_heard(text, code))

    spoken = dict.fromkeys((*knowledge.town.languages, *knowledge.asks))
    return Index(
        languages=Languages({code: made(code) for code in spoken}),
        spoken=knowledge.town.languages,
        sounds=Languages({code: by_sound(code) for code in spoken if code in translit.SOUNDS}),
        make_alarm=make_alarm or (lambda: build_alarm(knowledge.crisis_words)),
        places=_places(knowledge),
        lexicons={code: {"de": words} for code, words in knowledge.lexicons.items()},
    )


def _places(knowledge: Knowledge) -> frozenset[str]:
    """The words that name the town and its quarters: they say where somebody is, not what they ask."""
    names = [knowledge.town.name, *(district.name for district in knowledge.districts)]
    words = {word for name in names for word in fold(name).split() if len(word) >= PLACE_LETTERS}
    return frozenset(words - {"strasse"})


def _document(article: Article, text: ArticleText, further: tuple[str, ...] = ()) -> Document:
    """An article in one language; `further` are ways of asking kept beside it."""
    texts = (plain(text.lead), *(plain(section.blocks) for section in text.sections))
    return Document(
        id=article.id,
        title=text.title,
        texts=texts,
        headings=tuple(section.heading for section in text.sections),
        words=article.words,
        asks=tuple(dict.fromkeys((*text.asks, *further))),
        sections=texts,
    )


def _asked(article: Article, asks: tuple[str, ...]) -> Document:
    """An article that people of a language can find although it has no text in it.

    Its ways of asking stand for the title and headings it lacks.
    """
    return Document(id=article.id, title="", texts=(), headings=asks, words=article.words, asks=asks)


def plain(blocks: Iterable[Block]) -> str:
    """The words of blocks as typed, a line each, without the facts they cite."""
    return "\n".join("".join(span.text if span.fact is None else " " for span in block.spans) for block in blocks)


def index_documents(documents: Sequence[Document], read: Callable[[str], str] = fold) -> LanguageIndex:
    """The index of documents written in one language; `read` brings a text to the form that questions have."""
    counted: list[Counter[int]] = []
    spread: Counter[int] = Counter()  # in how many units a gram stands
    owned: Counter[int] = Counter()  # in how many documents
    units = 0
    vocabulary: set[str] = set()
    asks: list[int] = []
    ask_grams: list[dict[int, int]] = []
    section_grams: list[set[int]] = []
    document_sections = [0]
    for position, document in enumerate(documents):
        words: defaultdict[str, float] = defaultdict(float)
        for times, text in document.units():
            unit = read(text).split()
            units += 1
            for word in unit:
                words[word] += times
            spread.update({gram for word in set(unit) for gram in grams(word)})
            if times != WORDS:
                vocabulary.update(unit)
        counts: Counter[int] = Counter()
        for word, count in words.items():
            for gram in grams(word):
                counts[gram] += count  # type: ignore[assignment]
        counted.append(counts)
        owned.update(counts.keys())
        for ask in document.asks:
            ask_grams.append(grams_of(read(ask)))
            asks.append(position)
        section_grams += ({gram for word in read(text).split() for gram in grams(word)} for text in document.sections)
        document_sections.append(len(section_grams))
    known = sorted(spread)
    numbers = {gram: number for number, gram in enumerate(known)}
    total = len(documents)
    weights = array("f", (_rarity(spread[gram], units, owned[gram], total) for gram in known))
    average = sum(sum(counts.values()) for counts in counted) / max(total, 1)
    postings: list[list[tuple[int, float]]] = [[] for _ in numbers]
    for position, counts in enumerate(counted):
        held_back = K1 * (1 - B + B * sum(counts.values()) / average) if average else K1
        for gram, count in counts.items():
            postings[numbers[gram]].append((position, count / (count + held_back)))
    among = Counter(gram for found in ask_grams for gram in found)
    most = EVERYDAY * len(ask_grams) if len(ask_grams) >= FEWEST_ASKS else len(ask_grams)
    everyday = {gram for gram, n in among.items() if n > most}
    ask_postings: list[list[int]] = [[] for _ in numbers]
    ask_weights: list[float] = []
    for ask_number, found in enumerate(ask_grams):
        telling = {numbers[gram]: n for gram, n in found.items() if gram not in everyday}
        ask_weights.append(sum(weights[number] * n**-LONG_ASK for number, n in telling.items()))
        for number in telling:
            ask_postings[number].append(ask_number)
    return LanguageIndex(
        articles=tuple(document.id for document in documents),
        grams=array("Q", known),
        weights=weights,
        unknown=_rarity(0, units, 0, total),
        starts=_starts(postings),
        places=array("H", (position for places in postings for position, _ in places)),
        shares=array("f", (share for places in postings for _, share in places)),
        asks=array("H", asks),
        ask_weights=array("f", ask_weights),
        ask_starts=_starts(ask_postings),
        ask_places=array("H", (ask_number for places in ask_postings for ask_number in places)),
        everyday=frozenset(numbers[gram] for gram in everyday),
        document_sections=array("H", document_sections),
        section_starts=_starts(section_grams),
        section_grams=array("I", (numbers[gram] for found in section_grams for gram in sorted(found))),
        vocabulary=array("I", sorted({crc32(word.encode("utf-8", "surrogatepass")) for word in vocabulary})),
    )


def _starts(lists: Sequence[Sized]) -> array[int]:
    return array("I", accumulate((len(found) for found in lists), initial=0))


def _rarity(in_units: int, units: int, in_documents: int, documents: int) -> float:
    """How much a gram tells, from in how many of all units and of all documents it stands (BM25's idf of both)."""
    among_units = math.log(1 + (units - in_units + 0.5) / (in_units + 0.5))
    among_documents = math.log(1 + (documents - in_documents + 0.5) / (in_documents + 0.5))
    return math.sqrt(among_units * among_documents)
