"""Learned numbers of the search, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

CHANNELS = {
    "text": 0.62,
    "asks": 0.3,
    "section": 0.06,
    "lexicon": 0.3,
}
KNOWN = {
    "bias": -4.71,
    "coverage": 1.24,
    "score": 2.68,
    "margin": -0.51,
    "alike": 2.68,
    "elsewhere": -5.56,
    "unknown": -1.1,
    "words": 3.85,
    "nearest": 0.5,
    "nearest_elsewhere": -3.9,
}
SURE = {
    "bias": -5.84,
    "coverage": 1.96,
    "score": 0.06,
    "margin": 5.28,
    "alike": 2.76,
    "elsewhere": -2.09,
    "unknown": 0.17,
    "words": 1.69,
    "nearest": 1.11,
    "nearest_elsewhere": -2.62,
}
DANGER = {
    "bias": -2.49,
    "coverage": 2.15,
    "score": -1.58,
    "margin": 5.52,
    "alike": 1.41,
    "elsewhere": -1.26,
    "unknown": 0.16,
    "nearest_elsewhere": -2.43,
    "nearest_danger": 2.44,
}
