"""Learned numbers of the search, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

CHANNELS = {
    "text": 0.62,
    "asks": 0.3,
    "section": 0.06,
}
KNOWN = {
    "bias": -2.48,
    "coverage": 2.25,
    "score": 0.89,
    "margin": -0.55,
    "alike": 4.06,
    "elsewhere": -5.54,
    "unknown": -1.64,
    "words": 2.6,
}
SURE = {
    "bias": -3.76,
    "coverage": 1.46,
    "score": -0.35,
    "margin": 5.55,
    "alike": 2.96,
    "elsewhere": -1.38,
    "unknown": 0.14,
    "words": 0.77,
}
DANGER = {
    "bias": 0.43,
    "coverage": 0.57,
    "score": -1.96,
    "margin": 5.48,
    "alike": 3.16,
    "elsewhere": -0.37,
    "unknown": 3.56,
    "words": -0.57,
}
