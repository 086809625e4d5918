"""Finding the article that answers a question.

Method. The question is held against every language's index, and every article gets a score (`flows/core/ranking.py`).
Three gates follow (`flows/core/gates.py`). *Danger* tells who needs help at once although none of the words of danger
fell. *Known* tells what we have nothing on: how much of the question the best article knows at all, how much of it
nobody knows, and whether it is more like what people ask a bot about the weather and football (`knowledge/offtopic/`).
*Sure* tells one answer from a choice: how far the first is before the second.

Known weakness: "nothing here answers this" can not be told from words alone when an off-topic question borrows our
words; two or three near hits are then offered rather than asserted.
"""

from __future__ import annotations

from flows.core.danger import danger, harmless
from flows.core.fold import fold
from flows.core.gates import danger_likelihood, features, is_crisis, known, sure
from flows.core.index import Index, build_index
from flows.core.knowledge import Finding, Hit, Knowledge
from flows.core.ranking import Ranking, rank, rank_by_sound
from flows.core.recognise import is_foreign, recognise

__all__ = ["build_index", "find", "is_crisis", "nearest_topics", "read", "without_places"]

KNOWN, SURE = 0.75, 0.5
"""How likely it must be that we have something on it; that the first hit is right."""

DANGER, DANGER_DOUBT = 0.5, 0.25
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
    ranking, heard = read(index, folded, language)
    own = heard or own
    hits = ranking.hits[:HITS]
    in_danger, danger_likely = danger_likelihood(ranking, folded)
    if in_danger and danger_likely >= DANGER and not harmless(index.alarm, text):
        return Finding(decision="crisis", hits=(in_danger,), language=own)
    doubt = (in_danger,) if in_danger and danger_likely >= DANGER_DOUBT else ()
    if known(ranking, folded) < KNOWN:
        if doubt:
            return Finding(decision="choose", hits=doubt, language=own)
        return Finding(decision="none", hits=hits, language=own)
    seen = features(ranking, folded)
    first = hits[0]
    if sure(seen) >= SURE and seen.margin >= LEAST_MARGIN and not is_crisis(first.article):
        return Finding(decision="answer", hits=hits, language=own)
    near = [hit for hit in hits[:OFFERED] if hit.score >= (1 - OFFERED_WITHIN) * first.score]
    if doubt and doubt[0] not in near:
        near = [*near[: OFFERED - 1], *doubt]
    return Finding(decision="choose", hits=tuple(near), language=own)


def read(index: Index, folded: str, language: str) -> tuple[Ranking, str | None]:
    """The ranking of a question as it is written or, where that knows it better, by ear; then with the language."""
    ranking = rank(index, folded, language)
    if is_foreign(index, folded):
        by_sound = rank_by_sound(index, folded, language)
        nearer = by_sound.hits and (not ranking.hits or by_sound.hits[0].score > ranking.hits[0].score)
        if (nearer or known(ranking, folded) < KNOWN) and known(by_sound, folded) >= SOUND_KNOWN:
            return by_sound, by_sound.hits[0].language
    return ranking, None


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
