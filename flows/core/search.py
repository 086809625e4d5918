"""Finding the article that answers a question.

Method. The question is held against every language's index (`flows/core/index.py`), and an article counts with its
best. Its score is the share of the question's weight it reaches: by its 4-grams, by the ways of asking most like the
question, and for the best few by the section that has most of it. Two gates follow. *Known* tells what we have nothing
on: how much of the question the best article knows at all, how much of it nobody knows, and whether it is more like
what people ask a bot about the weather and football (`knowledge/offtopic/`). *Sure* tells one answer from a choice: how
far the first is before the second.
Both are logistic functions of a few features whose numbers are learned (`flows/core/weights.py`).

Known weakness: "nothing here answers this" can not be told from words alone when an off-topic question borrows our
words; two or three near hits are then offered rather than asserted.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flows.core import weights
from flows.core.danger import danger, harmless
from flows.core.fold import fold
from flows.core.index import (
    ELSEWHERE,
    LONG,
    LONG_ASK,
    SECTION_GRAMS,
    Index,
    LanguageIndex,
    build_index,
    grams,
    grams_of,
    read_in,
)
from flows.core.knowledge import Finding, Hit, Knowledge
from flows.core.recognise import is_foreign, recognise, script, scripts
from flows.core.translit import typed

__all__ = ["Features", "build_index", "features", "find", "known", "nearest_topics", "rank", "without_places"]

LIKELY_SPOKEN = 0.5
"""A language that knows fewer of the question's words than this share of what the best knows is not searched."""

CLOSER = 10
"""How many of the best articles are looked at section by section."""

TOGETHER = 5
"""How many ways of asking are taken together: one alone is similar by chance."""

QUESTION_SHARE = 0.6
"""How much more of the question than of the way of asking must be shared (Tversky's alpha)."""

BY_LEXICON = 0.3
"""What the German texts contribute in a language that lacks texts."""

LENGTH_HELD = 0.3
"""How much a section is held back for its length."""

MENU_BONUS = 1.05
"""The language somebody chose wins where two languages find equally well."""

KNOWN, SURE = 0.9, 0.5
"""How likely it must be that we have something on it; that the first hit is right."""

DANGER, DANGER_DOUBT = 0.9, 0.4
"""How likely danger must be although no word of danger fell: to be answered as such; to be offered beside others."""

LEAST_MARGIN = 0.02
"""Nearer than that, two hits are a tie, and neither is asserted."""

OFFERED_WITHIN = 0.35
"""Hits that far behind the first are not offered beside it."""

SOUND_KNOWN = 0.8
"""How likely an answer must be to a question that is read as Arabic or Ukrainian in Latin letters."""

NEAR_TOPIC = 0.2
"""How much of a question an article must know for its topic to be named."""

HITS = 5
OFFERED = 3
"""How many articles are found at most, and how many are offered to choose from."""

HALF_KNOWN = 0.5
"""From which share of its 4-grams on a word counts as known."""


@dataclass(frozen=True)
class Ranking:
    """Every article that shares anything with a question, best first, and how much of the question each knows."""

    hits: tuple[Hit, ...]
    coverage: Mapping[str, float]
    elsewhere: float  # the score of what is not for us
    alike: Mapping[str, float]  # how much the question is like the article's most similar way of asking
    unknown: float  # the share of the question's words that no article knows, in the language of the first hit


@dataclass(frozen=True)
class Features:
    """What the gates look at."""

    coverage: float
    score: float
    margin: float
    alike: float
    elsewhere: float  # the score of what is not for us, beside the first hit's
    unknown: float
    words: float  # ln(1 + number of words)


def rank(index: Index, folded: str, language: str) -> Ranking:
    """The articles for a folded question asked under a menu in `language`.

    Languages whose script does not occur in the question share nothing with it and are left alone, but for the menu's
    own, which knows the German official words. So are those that know far fewer of its words than the likeliest.
    """
    written = scripts(folded)
    parts = {code: index.languages[code] for code in index.languages if code == language or script(code) in written}
    words = set(folded.split())
    known = {code: len(words & part.vocabulary) for code, part in parts.items()}
    enough = LIKELY_SPOKEN * max(known.values(), default=0)
    parts = {code: part for code, part in parts.items() if known[code] >= enough or code == language}
    questions = {code: read_in(code, folded) for code in parts}
    return _ranking(parts, questions, language, _in_german(index, parts, folded))


def _in_german(index: Index, codes: Iterable[str], folded: str) -> dict[str, dict[str, float]]:
    """For languages that lack texts: what the German articles score for the question read word by word in German."""
    scores: dict[str, dict[str, float]] = {}
    texts = index.languages.get("de")
    if texts is None:
        return scores
    for code in codes:
        if lexicon := index.lexicons.get(code):
            german = " ".join(lexicon.get(word, word) for word in folded.split())
            found = _scores(texts, grams_of(german))
            scores[code] = {article: score for article, (score, _, _) in found.items()}
    return scores


def rank_by_sound(index: Index, folded: str, language: str) -> Ranking:
    """The same for a question in another script's language written in Latin letters."""
    parts = {code: index.sounds[code] for code in index.sounds}
    return _ranking(parts, {code: typed(folded, code) for code in parts}, language)


def _ranking(
    parts: Mapping[str, LanguageIndex],
    questions: Mapping[str, str],
    language: str,
    german: Mapping[str, Mapping[str, float]] | None = None,
) -> Ranking:
    best: dict[str, tuple[float, str]] = {}
    coverage: dict[str, float] = {}
    alike: dict[str, float] = {}
    asked = {code: grams_of(question) for code, question in questions.items()}
    bonus = {code: MENU_BONUS if code == language else 1.0 for code in parts}
    for code, part in parts.items():
        found = _scores(part, asked[code])
        if other := (german or {}).get(code):
            found = {
                article: ((1 - BY_LEXICON) * own + BY_LEXICON * other.get(article, 0.0), known, closest)
                for article, (own, known, closest) in {**dict.fromkeys(other, (0.0, 0.0, 0.0)), **found}.items()
            }
        for article, (score, known, closest) in found.items():
            best[article] = max(best.get(article, (0.0, "")), (score * bonus[code], code))
            coverage[article] = max(coverage.get(article, 0.0), known)
            alike[article] = max(alike.get(article, 0.0), closest)
    elsewhere = best.pop(ELSEWHERE, None)
    for article in sorted(best, key=lambda id: (-best[id][0], id))[:CLOSER]:
        score, code = best[article]
        if article not in parts[code].articles:
            continue
        window = _best_section(parts[code], article, asked[code])
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
    )


def _scores(index: LanguageIndex, question: Mapping[int, int]) -> dict[str, tuple[float, float, float]]:
    """Score, coverage and likeness of the closest way of asking, of each article in one language."""
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
    for ask, both in shared.items():
        rest = QUESTION_SHARE * (asked - both) + (1 - QUESTION_SHARE) * (index.ask_weights[ask] - both)
        asks[index.asks[ask]].append(both / (both + rest))
    channels = weights.CHANNELS
    found: dict[str, tuple[float, float, float]] = {}
    for position, text in texts.items():
        closest = sorted(asks[position], reverse=True)[:TOGETHER] if position in asks else [0.0]
        score = channels["text"] * text / attainable + channels["asks"] * sum(closest) / TOGETHER
        found[index.articles[position]] = score, known[position] / attainable, closest[0]
    return found


def _best_section(index: LanguageIndex, article: str, question: Mapping[int, int]) -> float:
    """The share of the question's weight that the article's best section has; a long one has more by chance."""
    weight_of: dict[int, float] = {}
    attainable = 0.0
    for gram, among in question.items():
        number = index.number(gram)
        weight = index.rarity(number) * among**-LONG
        attainable += weight
        if number is not None:
            weight_of[number] = weight
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


def features(ranking: Ranking, folded: str) -> Features:
    """What the gates *known* and *sure* look at, of a ranking that has hits: the first hit beside the second."""
    return _features(ranking, folded, ranking.hits[0], ranking.hits[1] if len(ranking.hits) > 1 else None)


def danger_features(ranking: Ranking, folded: str) -> tuple[Hit, Features] | None:
    """What the gate *danger* looks at: the best article about danger beside the best other; None without one."""
    hit = next((hit for hit in ranking.hits if is_crisis(hit.article)), None)
    rival = next((hit for hit in ranking.hits if not is_crisis(hit.article)), None)
    return (hit, _features(ranking, folded, hit, rival)) if hit else None


def is_crisis(article: str) -> bool:
    """Whether an article is about acute danger."""
    return article.startswith("crisis.")


def _features(ranking: Ranking, folded: str, hit: Hit, rival: Hit | None) -> Features:
    other = rival.score if rival else 0.0
    return Features(
        coverage=ranking.coverage[hit.article],
        score=hit.score,
        margin=(hit.score - other) / max(hit.score, other) if hit.score else 0.0,
        alike=ranking.alike[hit.article],
        elsewhere=ranking.elsewhere / hit.score if hit.score else 1.0,
        unknown=ranking.unknown,
        words=math.log(1 + len(folded.split())),
    )


def _likely(gate: Mapping[str, float], seen: Features) -> float:
    total = gate["bias"] + sum(weight * getattr(seen, name) for name, weight in gate.items() if name != "bias")
    return 1 / (1 + math.exp(-total))


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
    folded = without_places(index, folded)
    ranking = rank(index, folded, language)
    likely = known(ranking, folded)
    if is_foreign(index, folded):
        by_sound = rank_by_sound(index, folded, language)
        nearer = by_sound.hits and (not ranking.hits or by_sound.hits[0].score > ranking.hits[0].score)
        if (nearer or likely < KNOWN) and known(by_sound, folded) >= SOUND_KNOWN:
            ranking, likely, own = by_sound, 1.0, by_sound.hits[0].language
    hits = ranking.hits[:HITS]
    in_danger = danger_features(ranking, folded)
    danger_likely = _likely(weights.DANGER, in_danger[1]) if in_danger else 0.0
    if in_danger and danger_likely >= DANGER and not harmless(index.alarm, text):
        return Finding(decision="crisis", hits=(in_danger[0],), language=own)
    doubt = (in_danger[0],) if in_danger and danger_likely >= DANGER_DOUBT else ()
    if likely < KNOWN:
        if doubt:
            return Finding(decision="choose", hits=doubt, language=own)
        return Finding(decision="none", hits=hits, language=own)
    seen = features(ranking, folded)
    first = hits[0]
    if _likely(weights.SURE, seen) >= SURE and seen.margin >= LEAST_MARGIN and not is_crisis(first.article):
        return Finding(decision="answer", hits=hits, language=own)
    near = [hit for hit in hits[:OFFERED] if hit.score >= (1 - OFFERED_WITHIN) * first.score]
    if doubt and doubt[0] not in near:
        near = [*near[: OFFERED - 1], *doubt]
    return Finding(decision="choose", hits=tuple(near), language=own)


def known(ranking: Ranking, folded: str) -> float:
    """How likely it is that one of the first hits is right."""
    return _likely(weights.KNOWN, features(ranking, folded)) if ranking.hits else 0.0


def without_places(index: Index, folded: str) -> str:
    """The question without the names of town and quarters, unless nothing else is left."""
    words = [word for word in folded.split() if word not in index.places]
    return " ".join(words) or folded


def nearest_topics(knowledge: Knowledge, text: str, language: str, limit: int = 3) -> list[str]:
    """The topics closest to a question we have no answer to, nearest first; empty when nothing is near."""
    ranking = rank(knowledge.index, without_places(knowledge.index, fold(text)), language)
    near = [hit.article for hit in ranking.hits[: 2 * HITS] if ranking.coverage[hit.article] >= NEAR_TOPIC]
    topics = dict.fromkeys(article.split(".", 1)[0] for article in near)
    return [topic for topic in topics if topic not in ("crisis", "bot")][:limit]
