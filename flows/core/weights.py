"""Learned numbers of the search's gates, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

KNOWN = {
    "bias": -0.87,
    "coverage": 4.01,
    "score": 2.44,
    "margin": -1.47,
    "alike": 4.21,
    "elsewhere": -4.5,
    "unknown": -3.87,
    "words": 1.15,
}
SURE = {
    "bias": -2.46,
    "coverage": 0.51,
    "score": 1.2,
    "margin": 4.23,
    "alike": 1.74,
    "elsewhere": -1.05,
    "unknown": 0.18,
    "words": 0.34,
}
