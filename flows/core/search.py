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

from collections.abc import Sequence

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

DANGER, DANGER_DOUBT = 0.35, 0.12
"""How likely danger must be although no word of danger fell: to be answered as such; to be offered beside others."""

SHORT, DANGER_SHORT, DANGER_SHORT_DOUBT = 9, 0.75, 0.4
"""The same in a text of fewer words than that: "my phone is dead" has little else to be known by, and danger told in
few words is what the lists have."""

DANGER_DENIED = 0.01
"""Less likely than that, words of danger stand in something else that is asked: its answer is offered below the
numbers."""

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
    told = tuple(Hit(article=article, score=1.0, language=own or language) for article in danger(index.alarm, text))
    greeted = any(folded in knowledge.words.get(word, ()) for word in ("greeting", "thanks"))
    if not told and (greeted or not folded):
        return Finding(decision="none", hits=(), language=own)
    folded = without_places(index, folded)
    ranking, heard = read(index, folded, language)
    own = heard or own
    best, likely = danger_likelihood(ranking, folded)
    is_known = known(ranking, folded) >= KNOWN
    if told and not (is_known and best and likely < DANGER_DENIED):
        return Finding(decision="crisis", hits=told, language=own)
    short = len(folded.split()) < SHORT
    least, in_doubt = (DANGER_SHORT, DANGER_SHORT_DOUBT) if short else (DANGER, DANGER_DOUBT)
    if best and likely >= least and not harmless(index.alarm, text):
        return Finding(decision="crisis", hits=(best,), language=own)
    listed = next((hit for hit in ranking.hits if told and hit.article == told[0].article), None)
    doubt = (listed or best,) if best and (told or likely >= in_doubt) else ()
    hits = ranking.hits[:HITS]
    if not is_known:
        doubt = (
            () if short else doubt
        )  # "what will the weather be tomorrow" is like nothing we know, so a bit like danger
        return Finding(decision="choose" if doubt else "none", hits=doubt or hits, language=own)
    seen = features(ranking, folded)
    if sure(seen) >= SURE and seen.margin >= LEAST_MARGIN and not doubt and not is_crisis(hits[0].article):
        return Finding(decision="answer", hits=hits, language=own)
    return Finding(decision="choose", hits=_offered(hits, doubt), language=own)


def _offered(hits: Sequence[Hit], doubt: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """The best hits to choose from, with the one about danger among them."""
    near = [hit for hit in hits[:OFFERED] if hit.score >= (1 - OFFERED_WITHIN) * hits[0].score]
    if doubt and all(hit.article != doubt[0].article for hit in near):
        near = [*near[: OFFERED - 1], *doubt]
    return tuple(near)


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
