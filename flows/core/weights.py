"""Learned numbers of the search, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

CHANNELS = {
    "text": 0.62,
    "asks": 0.3,
    "section": 0.06,
    "lexicon": 0.3,
}
KNOWN = {
    "bias": -3.91,
    "coverage": 1.28,
    "score": 2.25,
    "margin": 0.17,
    "alike": 3.04,
    "elsewhere": -6.13,
    "unknown": -0.98,
    "words": 3.49,
    "nearest": 0.36,
    "nearest_elsewhere": -3.4,
}
SURE = {
    "bias": -5.6,
    "coverage": 2.1,
    "score": -0.73,
    "margin": 5.66,
    "alike": 2.85,
    "elsewhere": -2.41,
    "unknown": 0.43,
    "words": 1.72,
    "nearest": 1.01,
    "nearest_elsewhere": -2.1,
}
DANGER = {
    "bias": -2.25,
    "coverage": 2.72,
    "score": -2.2,
    "margin": 6.05,
    "alike": 1.59,
    "elsewhere": -1.98,
    "unknown": 0.06,
    "nearest_elsewhere": -1.7,
    "nearest_danger": 2.35,
}
