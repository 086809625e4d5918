"""Learned numbers of the search's gates, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

KNOWN = {
    "bias": -0.85,
    "coverage": 2.25,
    "score": 0.65,
    "margin": -0.23,
    "alike": 3.57,
    "elsewhere": -4.84,
    "unknown": -1.05,
    "words": 1.68,
}
SURE = {
    "bias": -2.53,
    "coverage": 1.22,
    "score": -0.46,
    "margin": 4.66,
    "alike": 2.87,
    "elsewhere": -1.12,
    "unknown": 1.51,
    "words": 0.08,
}
