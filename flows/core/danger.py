"""Words of acute danger: phrases that editors keep, found in what somebody typed.

A phrase is a few words. It is found where all of them stand in the message in that order with at most two other
words between neighbours. Words are compared folded; in a word of six letters or more one typing mistake is
allowed; `*` at the end of a word stands for any ending. In Arabic a conjunction, preposition or article written
onto the word does not hide it. Missing somebody is worse than a false alarm, but a false alarm teaches people
to look away: the lists are reviewed like articles.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.core.fold import fold, near

BETWEEN = 2
"""How many other words may stand between two words of a phrase."""

FORGIVING = 6
"""From how many letters on a word may have one typing mistake."""

_PREFIXES = ("وال", "فال", "بال", "ال", "لل", "و", "ف", "ب", "ل", "ع")
_STEM = 3  # letters that must be left of an Arabic word
_STEM_KEY = 3


@dataclass(frozen=True)
class Phrase:
    """One phrase of danger and the article it leads to."""

    words: tuple[str, ...]  # folded; a trailing "*" stands for any ending
    article: str


@dataclass(frozen=True)
class Alarm:
    """All phrases, by their first word, and the ways to come from a typed word to the words of phrases."""

    phrases: Mapping[str, tuple[Phrase, ...]]  # first word → phrases
    words: frozenset[str]
    stems: Mapping[str, tuple[str, ...]]  # first letters of "bedroh*" → such words
    shortened: Mapping[str, tuple[str, ...]]  # a forgiving word with one letter left out → such words


def build_alarm(lists: Mapping[str, Mapping[str, Sequence[str]]]) -> Alarm:
    """The phrases of every language; a message is held against all of them, whatever its language."""
    phrases: dict[Phrase, None] = {}
    for by_article in lists.values():
        for article, texts in by_article.items():
            for text in texts:
                words = tuple(part for word in text.split() for part in _pattern(word))
                if words:
                    phrases[Phrase(words, article)] = None
    by_first: defaultdict[str, list[Phrase]] = defaultdict(list)
    for phrase in phrases:
        by_first[phrase.words[0]].append(phrase)
    known = {word for phrase in phrases for word in phrase.words}
    stems: defaultdict[str, list[str]] = defaultdict(list)
    shortened: defaultdict[str, list[str]] = defaultdict(list)
    for word in sorted(known):
        if word.endswith("*"):
            stems[word[:_STEM_KEY].rstrip("*")].append(word)
        elif len(word) >= FORGIVING:
            for form in _shortened(word):
                shortened[form].append(word)
    return Alarm(
        phrases={word: tuple(found) for word, found in by_first.items()},
        words=frozenset(known),
        stems={key: tuple(found) for key, found in stems.items()},
        shortened={key: tuple(found) for key, found in shortened.items()},
    )


def _pattern(word: str) -> list[str]:
    parts = fold(word).split()
    if parts and word.endswith("*"):
        parts[-1] += "*"
    return parts


def danger(alarm: Alarm, text: str) -> tuple[str, ...]:
    """The articles that words of danger in the text lead to, the one with most phrases first; () for none."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(fold(text).split()):
        for known in _known(alarm, word):
            places[known].append(place)
    counts: Counter[str] = Counter()
    for first in places:
        for phrase in alarm.phrases.get(first, ()):
            if _in_order([places.get(word, []) for word in phrase.words]):
                counts[phrase.article] += 1
    return tuple(sorted(counts, key=lambda article: (-counts[article], article)))


def _known(alarm: Alarm, word: str) -> set[str]:
    """The words of phrases that a typed word stands for."""
    found: set[str] = set()
    for form in _forms(word):
        if form in alarm.words:
            found.add(form)
        for length in range(1, _STEM_KEY + 1):
            found.update(known for known in alarm.stems.get(form[:length], ()) if form.startswith(known[:-1]))
        if len(form) >= FORGIVING - 1:
            for short in _shortened(form):
                found.update(known for known in alarm.shortened.get(short, ()) if near(form, known))
    return found


def _shortened(word: str) -> set[str]:
    """The word, and the word with each one letter left out: two words one mistake apart share one of these."""
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}


def _forms(word: str) -> tuple[str, ...]:
    """The word, and for Arabic the word without what is written onto its front."""
    if not "\u0600" <= word[0] <= "\u06ff":
        return (word,)
    return (word, *(word[len(p) :] for p in _PREFIXES if word.startswith(p) and len(word) - len(p) >= _STEM))


def _in_order(places: list[list[int]]) -> bool:
    """Whether one place of each word can be picked so that neighbours are close and in order."""
    reached = set(places[0])
    for following in places[1:]:
        reached = {i for i in following if any(0 < i - before <= BETWEEN + 1 for before in reached)}
        if not reached:
            return False
    return True
