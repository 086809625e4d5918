"""Learned numbers of the search, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

CHANNELS = {
    "text": 0.62,
    "asks": 0.3,
    "section": 0.06,
}
KNOWN = {
    "bias": -2.68,
    "coverage": 2.46,
    "score": 0.24,
    "margin": -0.47,
    "alike": 4.25,
    "elsewhere": -5.78,
    "unknown": -1.46,
    "words": 2.67,
}
SURE = {
    "bias": -3.54,
    "coverage": 1.4,
    "score": -0.93,
    "margin": 5.47,
    "alike": 3.15,
    "elsewhere": -1.4,
    "unknown": 0.05,
    "words": 0.76,
}
DANGER = {
    "bias": -0.3,
    "coverage": -0.72,
    "margin": 5.44,
    "alike": 2.96,
    "elsewhere": -0.33,
}
