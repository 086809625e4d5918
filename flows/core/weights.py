"""Learned numbers of the search, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

CHANNELS = {
    "text": 0.62,
    "asks": 0.3,
    "section": 0.06,
}
KNOWN = {
    "bias": -2.0,
    "coverage": 2.37,
    "score": -0.32,
    "margin": -0.35,
    "alike": 3.33,
    "elsewhere": -6.16,
    "unknown": -1.87,
    "words": 2.49,
}
SURE = {
    "bias": -3.94,
    "coverage": 2.02,
    "score": -0.83,
    "margin": 5.75,
    "alike": 3.0,
    "elsewhere": -1.63,
    "unknown": 0.95,
    "words": 0.74,
}
DANGER = {
    "bias": -0.07,
    "coverage": 0.23,
    "margin": 6.06,
    "alike": 2.07,
    "elsewhere": -0.52,
}
