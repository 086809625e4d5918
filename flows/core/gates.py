"""The gates: how likely it is that something is known, that the first hit is right, that somebody is in danger.

Each is a logistic function of a few features of a ranking; the numbers are learned (`weights.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from flows.core import weights
from flows.core.index import ELSEWHERE
from flows.core.knowledge import Hit
from flows.core.ranking import Ranking

DANGER_COVERAGE = 0.25
"""Where less of a text is known than that, it is not judged: random letters are like nothing, and so like anything."""


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
    nearest: float  # the share that the most similar ways of asking have which are the hit's
    nearest_elsewhere: float  # and which are not for us
    nearest_danger: float  # and which tell of danger


def features(ranking: Ranking, folded: str) -> Features:
    """What the gates *known* and *sure* look at, of a ranking that has hits: the first hit beside the second."""
    return _features(ranking, folded, ranking.hits[0], ranking.hits[1] if len(ranking.hits) > 1 else None)


def danger_features(ranking: Ranking, folded: str) -> tuple[Hit, Features] | None:
    """What the gate *danger* looks at: the best article about danger beside the best other.

    None where there is none, or where too little of the text is known.
    """
    hit = next((hit for hit in ranking.hits if is_crisis(hit.article)), None)
    if hit is None or ranking.coverage[hit.article] < DANGER_COVERAGE:
        return None
    rival = next((hit for hit in ranking.hits if not is_crisis(hit.article)), None)
    return hit, _features(ranking, folded, hit, rival)


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
        nearest=ranking.nearest.get(hit.article, 0.0),
        nearest_elsewhere=ranking.nearest.get(ELSEWHERE, 0.0),
        nearest_danger=sum(share for article, share in ranking.nearest.items() if is_crisis(article)),
    )


def _likely(gate: Mapping[str, float], seen: Features) -> float:
    total = gate["bias"] + sum(weight * getattr(seen, name) for name, weight in gate.items() if name != "bias")
    return 1 / (1 + math.exp(-total))


def danger_likelihood(ranking: Ranking, folded: str) -> tuple[Hit | None, float]:
    """The best article about danger, and how likely somebody is in danger; None and 0 without one."""
    seen = danger_features(ranking, folded)
    return (seen[0], _likely(weights.DANGER, seen[1])) if seen else (None, 0.0)


def known(ranking: Ranking, folded: str) -> float:
    """How likely it is that one of the first hits is right."""
    return _likely(weights.KNOWN, features(ranking, folded)) if ranking.hits else 0.0


def sure(seen: Features) -> float:
    """How likely it is that the first hit is right."""
    return _likely(weights.SURE, seen)
