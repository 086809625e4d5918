"""How well each article fits a question.

An article counts with its best language. Its score is the share of the question's weight it reaches: by its 4-grams, by
the ways of asking most like the question, and for the best few by the section that has most of it. Where there are
lexicons, the question is read word by word in other languages as well.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest

from flows.core import weights
from flows.core.index import ELSEWHERE, LONG, LONG_ASK, SECTION_GRAMS, Index, LanguageIndex, grams, grams_of, read_in
from flows.core.knowledge import Hit
from flows.core.recognise import script, scripts
from flows.core.translit import typed_as_heard

LIKELY_SPOKEN = 0.7
"""A language that knows fewer of the question's words than this share of what the best knows is not searched."""

CLOSER = 10
"""How many of the best articles are looked at section by section."""

TOGETHER = 5
"""How many ways of asking are taken together: one alone is similar by chance."""

WORTH_COMPARING = 0.2
"""A way of asking that shares less than this share of what the best shares is not compared."""

NEAREST = 10
"""How many of the most similar ways of asking, whatever their articles, say what a question is about."""

QUESTION_SHARE = 0.6
"""How much more of the question than of the way of asking must be shared (Tversky's alpha)."""

LENGTH_HELD = 0.3
"""How much a section is held back for its length."""

MENU_BONUS = 1.05
"""The language somebody chose wins where two languages find equally well."""

HALF_KNOWN = 0.5
"""From which share of its 4-grams on a word counts as known."""

NOTHING_ALIKE = (0.0,)


@dataclass(frozen=True)
class Ranking:
    """Every article that shares anything with a question, best first, and how much of the question each knows."""

    hits: tuple[Hit, ...]
    coverage: Mapping[str, float]
    elsewhere: float  # the score of what is not for us
    alike: Mapping[str, float]  # how much the question is like the article's most similar way of asking
    unknown: float  # the share of the question's words that no article knows, in the language of the first hit
    nearest: Mapping[str, float]  # the articles of the most similar ways of asking, with their share of the likeness


def rank(index: Index, folded: str, language: str) -> Ranking:
    """The articles for a folded question asked under a menu in `language`.

    Languages whose script does not occur in the question share nothing with it and are left alone, but for the menu's
    own, which knows the German official words. So are those that know far fewer of its words than the likeliest.
    """
    written = scripts(folded)
    parts = {code: index.languages[code] for code in index.languages if code == language or script(code) in written}
    words = set(folded.split())
    known = {code: sum(map(part.knows, words)) for code, part in parts.items()}
    enough = LIKELY_SPOKEN * max(known.values(), default=0)
    parts = {code: part for code, part in parts.items() if known[code] >= enough or code == language}
    questions = {code: read_in(code, folded) for code in parts}
    return _ranking(parts, questions, language, _read_elsewhere(index, parts, folded))


def _read_elsewhere(index: Index, codes: Iterable[str], folded: str) -> dict[str, dict[str, float]]:
    """For languages with lexicons: what articles score for the question read word by word in others, on average."""
    scores: dict[str, dict[str, float]] = {}
    for code in codes:
        lexicons = {other: words for other, words in index.lexicons.get(code, {}).items() if other in index.languages}
        total: defaultdict[str, float] = defaultdict(float)
        for other, lexicon in lexicons.items():
            read = " ".join(lexicon.get(word, word) for word in folded.split())
            for article, (score, _, _) in _scores(index.languages[other], grams_of(read)).items():
                total[article] += score / len(lexicons)
        if lexicons:
            scores[code] = total
    return scores


def rank_by_sound(index: Index, folded: str, language: str) -> Ranking:
    """The same for a question in another script's language written in Latin letters."""
    parts = {code: index.sounds[code] for code in index.sounds}
    return _ranking(parts, {code: typed_as_heard(folded, code) for code in parts}, language)


def _ranking(
    parts: Mapping[str, LanguageIndex],
    questions: Mapping[str, str],
    language: str,
    elsewhere_read: Mapping[str, Mapping[str, float]] | None = None,
) -> Ranking:
    best: dict[str, tuple[float, str]] = {}
    coverage: dict[str, float] = {}
    alike: dict[str, float] = {}
    closest_asks: list[tuple[float, str]] = []
    asked = {code: grams_of(question) for code, question in questions.items()}
    read_elsewhere = weights.CHANNELS["lexicon"]
    bonus = {code: MENU_BONUS if code == language else 1.0 for code in parts}
    for code, part in parts.items():
        found = _scores(part, asked[code])
        if other := (elsewhere_read or {}).get(code):
            found = {
                article: ((1 - read_elsewhere) * own + read_elsewhere * other.get(article, 0.0), known, closest)
                for article, (own, known, closest) in {
                    **dict.fromkeys(other, (0.0, 0.0, NOTHING_ALIKE)),
                    **found,
                }.items()
            }
        for article, (score, known, closest) in found.items():
            best[article] = max(best.get(article, (0.0, "")), (score * bonus[code], code))
            coverage[article] = max(coverage.get(article, 0.0), known)
            alike[article] = max(alike.get(article, 0.0), closest[0])
            closest_asks += ((likeness, article) for likeness in closest)
    elsewhere = best.pop(ELSEWHERE, None)
    weighed: dict[str, tuple[dict[int, float], float]] = {}
    for article in sorted(best, key=lambda id: (-best[id][0], id))[:CLOSER]:
        score, code = best[article]
        if article not in parts[code].articles:
            continue
        if code not in weighed:
            weighed[code] = _weighed(parts[code], asked[code])
        window = _best_section(parts[code], article, *weighed[code])
        best[article] = score + weights.CHANNELS["section"] * window * bonus[code], code
    hits = tuple(
        sorted(
            (Hit(article=id, score=round(score, 4), language=code) for id, (score, code) in best.items()),
            key=lambda hit: (-hit.score, hit.article),
        )
    )
    return Ranking(
        hits=hits,
        coverage=coverage,
        elsewhere=elsewhere[0] if elsewhere else 0.0,
        alike=alike,
        unknown=_unknown(parts[hits[0].language], questions[hits[0].language]) if hits else 1.0,
        nearest=_shares(nlargest(NEAREST, closest_asks)),
    )


def _shares(asks: Iterable[tuple[float, str]]) -> dict[str, float]:
    """How the likeness of ways of asking is shared among their articles."""
    shares: defaultdict[str, float] = defaultdict(float)
    for likeness, article in asks:
        shares[article] += likeness
    total = sum(shares.values())
    return {article: share / total for article, share in shares.items()} if total else {}


def _scores(index: LanguageIndex, question: Mapping[int, int]) -> dict[str, tuple[float, float, Sequence[float]]]:
    """Score, coverage and likeness of the closest ways of asking, of each article in one language."""
    attainable = asked = 0.0
    texts: defaultdict[int, float] = defaultdict(float)
    known: defaultdict[int, float] = defaultdict(float)
    shared: defaultdict[int, float] = defaultdict(float)
    for gram, among in question.items():
        number = index.number(gram)
        rarity = index.rarity(number)
        weight, ask_weight = rarity * among**-LONG, rarity * among**-LONG_ASK
        attainable += weight
        if number not in index.everyday:
            asked += ask_weight
        if number is None:
            continue
        for position, share in index.found_in(number):
            texts[position] += weight * share
            known[position] += weight
        for ask in index.asked_in(number):
            shared[ask] += ask_weight
    asks: defaultdict[int, list[float]] = defaultdict(list)
    least = WORTH_COMPARING * max(shared.values(), default=0.0)
    for ask, both in shared.items():
        if both < least:
            continue
        rest = QUESTION_SHARE * (asked - both) + (1 - QUESTION_SHARE) * (index.ask_weights[ask] - both)
        asks[index.asks[ask]].append(both / (both + rest))
    channels = weights.CHANNELS
    found: dict[str, tuple[float, float, Sequence[float]]] = {}
    for position, text in texts.items():
        closest = sorted(asks[position], reverse=True)[:TOGETHER] if position in asks else NOTHING_ALIKE
        score = channels["text"] * text / attainable + channels["asks"] * sum(closest) / TOGETHER
        found[index.articles[position]] = score, known[position] / attainable, closest
    return found


def _weighed(index: LanguageIndex, question: Mapping[int, int]) -> tuple[dict[int, float], float]:
    """The weight of each of the question's grams that the language has, by number, and that of all of them."""
    weight_of: dict[int, float] = {}
    attainable = 0.0
    for gram, among in question.items():
        number = index.number(gram)
        weight = index.rarity(number) * among**-LONG
        attainable += weight
        if number is not None:
            weight_of[number] = weight
    return weight_of, attainable


def _best_section(index: LanguageIndex, article: str, weight_of: Mapping[int, float], attainable: float) -> float:
    """The share of the question's weight that the article's best section has; a long one has more by chance."""
    best = 0.0
    for section in index.sections_of(index.articles.index(article)):
        had = sum(weight_of[number] for number in weight_of.keys() & section)
        best = max(best, had / (1 + LENGTH_HELD * math.log(1 + len(section) / SECTION_GRAMS)))
    return best / attainable if attainable else 0.0


def _unknown(index: LanguageIndex, folded: str) -> float:
    """The share of the words of four letters or more that stand in no article, not even half."""
    words = [word for word in folded.split() if len(word) > 3]
    strange = 0
    for word in words:
        parts = grams(word)
        strange += sum(index.number(part) is not None for part in parts) < HALF_KNOWN * len(parts)
    return strange / len(words) if words else 0.0
