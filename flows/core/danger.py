"""Words of acute danger: phrases that editors keep, found in what somebody typed.

A phrase is a few words. It is found where all of them stand in one sentence in that order with at most two other
words between neighbours. Words are compared folded; in a word of six letters or more one typing mistake is
allowed; `*` at the end of a word stands for any ending and `|` between words for any of them. In Arabic a
conjunction, preposition or article written onto the word does not hide it. A phrase that begins with `!` is
harmless: where its words stand side by side they are not read as danger. Phrases of Arabic, Persian, Russian and
Ukrainian are also heard in Latin letters, those of Serbian also read in Cyrillic ones. Missing somebody is worse
than a false alarm, but a false alarm teaches people to look away: the lists are reviewed like articles.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from zlib import crc32

from flows.core.fold import fold, near
from flows.core.translit import serbian_cyrillic, sound, typed

BETWEEN = 2
"""How many other words may stand between two words of a phrase."""

FORGIVING = 6
"""From how many letters on a word may have one typing mistake."""

HEARD = {"ar": ("ar",), "fa": ("fa",), "uk": ("uk", "ru")}
"""Which phrases are heard as which language: those of Ukrainian and Russian sound alike in Latin letters."""

LEAST_HEARD = {"ar": 6, "fa": 7, "uk": 6}
"""How many letters a phrase has at least that is heard: shorter ones sound like words of other languages."""

LEAST_HEARD_ALONE = 9
"""How many letters a single word has at least that is heard."""

_SENTENCE_END = re.compile(r"(?:(?<=\w{3})\.|[!?؟])(?=\s)")
"""Where a sentence surely ends: not at dots in a row ("he hits me... again"), at "ca." or where a line does."""

_PREFIXES = ("وال", "فال", "بال", "ال", "لل", "و", "ف", "ب", "ل", "ع")
_STEM = 3  # letters that must be left of an Arabic word
_STEM_KEY = 3

_Words = tuple[tuple[str, ...], ...]  # for each place the words that may stand there


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase of danger and the article it leads to, or a harmless one that leads nowhere."""

    words: _Words  # folded; a trailing "*" stands for any ending
    article: str  # "" for a harmless one


@dataclass(frozen=True)
class Lists:
    """Phrases by their first two words, and the ways to come from a typed word to the words of phrases."""

    phrases: Mapping[str, Mapping[str, tuple[Phrase, ...]]]  # first word → second word or "" → phrases
    words: frozenset[str]
    stems: Mapping[str, tuple[str, ...]]  # first letters of "bedroh*" → such words
    forgiving: tuple[str, ...]  # the words in which a mistake is forgiven
    shortened: array[int]  # checksums of these and of them with one letter left out, in order
    shortened_of: array[int]  # of which of them each is: two arrays take a tenth of what a dictionary would

    def one_mistake_off(self, form: str) -> Iterator[str]:
        """The forgiving words that the form may be with one mistake; each is still to be looked at."""
        for short in _shortened(form):
            sum_ = crc32(short.encode())
            place = bisect_left(self.shortened, sum_)
            while place < len(self.shortened) and self.shortened[place] == sum_:
                yield self.forgiving[self.shortened_of[place]]
                place += 1


@dataclass(frozen=True)
class Alarm:
    """All phrases as they are written, and those that are also heard in Latin letters."""

    written: Lists
    heard: Mapping[str, Lists]  # language of `translit` → phrases in the form of `sound`


def build_alarm(lists: Mapping[str, Mapping[str, Sequence[str]]]) -> Alarm:
    """The phrases of every language; a message is held against all of them, whatever its language."""
    written: dict[Phrase, None] = {}
    for language, by_article in lists.items():
        written.update(dict.fromkeys(_phrases(by_article, fold)))
        if language == "sr":
            written.update(dict.fromkeys(_phrases(by_article, lambda word: fold(serbian_cyrillic(word)))))
    heard: dict[str, Lists] = {}
    for ear, languages in HEARD.items():
        phrases: dict[Phrase, None] = {}
        for language in languages:
            for phrase in _phrases(lists.get(language, {}), partial(_own_script, ear)):
                letters = sum(min(len(word.rstrip("*")) for word in words) for words in phrase.words)
                least = LEAST_HEARD[ear] if len(phrase.words) > 1 else LEAST_HEARD_ALONE
                if letters >= least or not phrase.article:
                    phrases[phrase] = None
        heard[ear] = _lists(phrases)
    return Alarm(written=_lists(written), heard=heard)


def _own_script(ear: str, word: str) -> str:
    """What a word in the language's own script sounds like; a word in Latin letters is compared as it is written."""
    folded = fold(word)
    return "" if folded.isascii() else sound(folded, ear)


def _phrases(by_article: Mapping[str, Sequence[str]], form: Callable[[str], str]) -> Iterable[Phrase]:
    for article, texts in by_article.items():
        for text in texts:
            harmless = text.startswith("!")
            for words in _alternatives(text.removeprefix("!"), form):
                yield Phrase(words, "" if harmless else article)


def _alternatives(text: str, form: Callable[[str], str]) -> Iterable[_Words]:
    """The phrase with the words of each place; one of "a|b-c" with more than one word makes a phrase of its own."""
    places: list[list[_Words]] = []
    for word in text.split():
        read = [_pattern(each, form) for each in word.split("|")]
        choices: list[_Words] = [tuple((part,) for part in parts) for parts in read if len(parts) > 1]
        if single := tuple(dict.fromkeys(parts[0] for parts in read if len(parts) == 1)):
            choices.append((single,))
        if choices:
            places.append(choices)
    for choice in product(*places):
        if words := tuple(place for part in choice for place in part):
            yield words


def _pattern(word: str, form: Callable[[str], str]) -> list[str]:
    parts = form(word).split()
    if parts and word.endswith("*"):
        parts[-1] += "*"
    return parts


def _lists(phrases: Iterable[Phrase]) -> Lists:
    by_first: defaultdict[str, defaultdict[str, list[Phrase]]] = defaultdict(lambda: defaultdict(list))
    known: set[str] = set()
    for phrase in phrases:
        for first in phrase.words[0]:
            for second in phrase.words[1] if len(phrase.words) > 1 else ("",):
                by_first[first][second].append(phrase)
        known.update(word for words in phrase.words for word in words)
    stems: defaultdict[str, list[str]] = defaultdict(list)
    forgiving = tuple(sorted(word for word in known if len(word) >= FORGIVING and not word.endswith("*")))
    shortened = sorted(
        (crc32(short.encode()), place) for place, word in enumerate(forgiving) for short in _shortened(word)
    )
    for word in sorted(known):
        if word.endswith("*"):
            stems[word[:_STEM_KEY].rstrip("*")].append(word)
    return Lists(
        phrases={first: {second: tuple(x) for second, x in found.items()} for first, found in by_first.items()},
        words=frozenset(known),
        stems={key: tuple(found) for key, found in stems.items()},
        forgiving=forgiving,
        shortened=array("I", (sum_ for sum_, _ in shortened)),
        shortened_of=array("I", (place for _, place in shortened)),
    )


def danger(alarm: Alarm, text: str) -> tuple[str, ...]:
    """The articles that words of danger in the text lead to, the one with most phrases first; () for none."""
    sentences = [words for sentence in _SENTENCE_END.split(text) if (words := fold(sentence).split())]
    counts: Counter[str] = Counter()
    for words in sentences:
        counts += _read(alarm.written, words)
    if not counts:
        for words in sentences:
            if any("a" <= c <= "z" for word in words for c in word):
                for ear, lists in alarm.heard.items():
                    counts += _read(lists, [typed(word, ear) for word in words])
    return tuple(sorted(counts, key=lambda article: (-counts[article], article)))


def harmless(alarm: Alarm, text: str) -> bool:
    """Whether a harmless phrase that editors keep stands in the text ("beat eggs")."""
    found, _, strict = _found(alarm.written, fold(text).split())
    return any(_side_by_side(phrase, strict) for phrase in found if not phrase.article)


def _read(lists: Lists, words: Sequence[str]) -> Counter[str]:
    """How many phrases of danger lead to each article."""
    found, places, strict = _found(lists, words)
    hidden = {place for phrase in found if not phrase.article for place in _side_by_side(phrase, strict)}
    if hidden:
        places = defaultdict(list, {word: [i for i in at if i not in hidden] for word, at in places.items()})
    return Counter(phrase.article for phrase in found if phrase.article and _reached(phrase, places, BETWEEN))


def _found(
    lists: Lists, words: Sequence[str]
) -> tuple[dict[Phrase, None], defaultdict[str, list[int]], defaultdict[str, list[int]]]:
    """The phrases whose first words stand in the text, and where each of their words may stand, and surely stands."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    strict: defaultdict[str, list[int]] = defaultdict(list)  # no mistake forgiven: "nemizane" must not hide "mizane"
    for place, word in enumerate(words):
        if word:
            exact = _exact(lists, word)
            for known in exact:
                strict[known].append(place)
            for known in exact | _forgiven(lists, word):
                places[known].append(place)
    found: dict[Phrase, None] = {}
    for first in places:
        by_second = lists.phrases.get(first, {})
        for second in by_second.keys() & places.keys():
            found.update(dict.fromkeys(by_second[second]))
        found.update(dict.fromkeys(by_second.get("", ())))
    return found, places, strict


def _exact(lists: Lists, word: str) -> set[str]:
    """The words of phrases that a typed word is, with what may stand before or after it."""
    found: set[str] = set()
    for form in _forms(word):
        if form in lists.words:
            found.add(form)
        for length in range(1, _STEM_KEY + 1):
            found.update(known for known in lists.stems.get(form[:length], ()) if form.startswith(known[:-1]))
    return found


def _forgiven(lists: Lists, word: str) -> set[str]:
    """The long words of phrases that a typed word stands for with one mistake."""
    found: set[str] = set()
    for form in _forms(word):
        if len(form) >= FORGIVING - 1:
            found.update(known for known in lists.one_mistake_off(form) if near(form, known))
    return found


def _shortened(word: str) -> set[str]:
    """The word, and the word with each one letter left out: two words one mistake apart share one of these."""
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}


def _forms(word: str) -> tuple[str, ...]:
    """The word, and for Arabic the word without what is written onto its front."""
    if not "\u0600" <= word[0] <= "\u06ff":
        return (word,)
    return (word, *(word[len(p) :] for p in _PREFIXES if word.startswith(p) and len(word) - len(p) >= _STEM))


def _reached(phrase: Phrase, places: Mapping[str, Sequence[int]], between: int) -> set[int]:
    """Where the phrase can end: one place of each word picked so that neighbours are close and in order."""
    reached: set[int] = {i for word in phrase.words[0] for i in places.get(word, ())}
    for words in phrase.words[1:]:
        following = {i for word in words for i in places.get(word, ())}
        reached = {i for i in following if any(0 < i - before <= between + 1 for before in reached)}
        if not reached:
            break
    return reached


def _side_by_side(phrase: Phrase, places: Mapping[str, Sequence[int]]) -> set[int]:
    """The places of a harmless phrase's words, where nothing stands between them."""
    ends = _reached(phrase, places, 0)
    return {end - back for end in ends for back in range(len(phrase.words))}
