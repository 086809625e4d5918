"""Learned numbers of the search, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

CHANNELS = {
    "text": 0.62,
    "asks": 0.2,
    "section": 0.06,
    "lexicon": 0.4,
}
KNOWN = {
    "bias": -4.43,
    "coverage": 1.36,
    "score": 1.74,
    "margin": -0.52,
    "alike": 3.36,
    "elsewhere": -5.88,
    "unknown": -0.71,
    "words": 3.57,
    "nearest": 0.31,
    "nearest_elsewhere": -3.73,
}
SURE = {
    "bias": -5.7,
    "coverage": 1.79,
    "score": -0.09,
    "margin": 5.1,
    "alike": 3.38,
    "elsewhere": -2.47,
    "unknown": 0.57,
    "words": 1.69,
    "nearest": 1.2,
    "nearest_elsewhere": -2.43,
}
DANGER = {
    "bias": -2.27,
    "coverage": 2.7,
    "score": -2.65,
    "margin": 6.17,
    "alike": 2.25,
    "elsewhere": -1.84,
    "unknown": -0.03,
    "nearest_elsewhere": -2.72,
    "nearest_danger": 2.48,
}
