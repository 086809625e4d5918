"""Words of acute danger: phrases that editors keep, found in what somebody typed.

A phrase is a few words. It is found where all of them stand in the message in that order with at most two other
words between neighbours. Words are compared folded; in a word of six letters or more one typing mistake is
allowed; `*` at the end of a word stands for any ending. In Arabic a conjunction, preposition or article written
onto the word does not hide it. Missing somebody is worse than a false alarm, but a false alarm teaches people
to look away: the lists are reviewed like articles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.core.fold import fold, near

BETWEEN = 2
"""How many other words may stand between two words of a phrase."""

FORGIVING = 6
"""From how many letters on a word may have one typing mistake."""

_PREFIXES = ("وال", "فال", "بال", "ال", "لل", "و", "ف", "ب", "ل", "ع")
_STEM = 3  # letters that must be left of an Arabic word


@dataclass(frozen=True)
class Phrase:
    """One phrase of danger and the article it leads to."""

    words: tuple[str, ...]  # folded; a trailing "*" stands for any ending
    article: str


def compile_phrases(lists: Mapping[str, Mapping[str, Sequence[str]]]) -> tuple[Phrase, ...]:
    """The phrases of every language; a message is held against all of them, whatever its language."""
    found: dict[Phrase, None] = {}
    for by_article in lists.values():
        for article, phrases in by_article.items():
            for phrase in phrases:
                words = tuple(part for word in phrase.split() for part in _pattern(word))
                if words:
                    found[Phrase(words, article)] = None
    return tuple(found)


def _pattern(word: str) -> list[str]:
    parts = fold(word).split()
    if parts and word.endswith("*"):
        parts[-1] += "*"
    return parts


def danger(phrases: Sequence[Phrase], text: str) -> tuple[str, ...]:
    """The articles that words of danger in the text lead to, the one with most phrases first; () for none."""
    words = fold(text).split()
    forms = [_forms(word) for word in words]
    places: dict[str, tuple[int, ...]] = {}
    counts: dict[str, int] = {}
    for phrase in phrases:
        for word in phrase.words:
            if word not in places:
                places[word] = tuple(i for i, form in enumerate(forms) if _matches(word, form))
            if not places[word]:
                break
        else:
            if _in_order([places[word] for word in phrase.words]):
                counts[phrase.article] = counts.get(phrase.article, 0) + 1
    return tuple(sorted(counts, key=lambda article: (-counts[article], article)))


def _forms(word: str) -> tuple[str, ...]:
    """The word, and for Arabic the word without what is written onto its front."""
    if not "\u0600" <= word[0] <= "\u06ff":
        return (word,)
    return (word, *(word[len(p) :] for p in _PREFIXES if word.startswith(p) and len(word) - len(p) >= _STEM))


def _matches(pattern: str, forms: tuple[str, ...]) -> bool:
    if pattern.endswith("*"):
        stem = pattern[:-1]
        return any(form.startswith(stem) for form in forms)
    return any(form == pattern or (len(pattern) >= FORGIVING and near(form, pattern)) for form in forms)


def _in_order(places: list[tuple[int, ...]]) -> bool:
    """Whether one place of each word can be picked so that neighbours are close and in order."""
    reached = set(places[0])
    for following in places[1:]:
        reached = {i for i in following if any(0 < i - before <= BETWEEN + 1 for before in reached)}
        if not reached:
            return False
    return True
