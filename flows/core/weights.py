"""Learned numbers of the search's gates, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

KNOWN = {
    "bias": -1.07,
    "coverage": 3.83,
    "score": 2.51,
    "margin": -1.4,
    "alike": 3.88,
    "elsewhere": -4.18,
    "unknown": -3.57,
    "words": 1.26,
}
SURE = {
    "bias": -1.99,
    "coverage": 0.67,
    "score": 0.74,
    "margin": 4.55,
    "alike": 1.81,
    "elsewhere": -1.06,
    "unknown": -0.3,
    "words": 0.14,
}
