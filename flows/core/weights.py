"""Learned numbers of the search, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

CHANNELS = {
    "text": 0.62,
    "asks": 0.3,
    "section": 0.06,
}
KNOWN = {
    "bias": -1.31,
    "coverage": 2.5,
    "score": 0.72,
    "margin": -0.47,
    "alike": 3.09,
    "elsewhere": -4.68,
    "unknown": -1.11,
    "words": 1.91,
}
SURE = {
    "bias": -2.73,
    "coverage": 0.99,
    "score": -0.76,
    "margin": 4.62,
    "alike": 2.69,
    "elsewhere": -1.06,
    "unknown": 1.0,
    "words": 0.33,
}
