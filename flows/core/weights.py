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
    "coverage": 2.41,
    "score": 2.12,
    "margin": -0.45,
    "alike": 2.14,
    "elsewhere": -6.0,
    "unknown": -0.84,
    "words": 3.49,
    "nearest": 0.79,
    "nearest_elsewhere": -3.13,
}
SURE = {
    "bias": -5.5,
    "coverage": 1.95,
    "score": 0.08,
    "margin": 5.47,
    "alike": 2.72,
    "elsewhere": -2.46,
    "unknown": 0.29,
    "words": 1.65,
    "nearest": 0.95,
    "nearest_elsewhere": -2.41,
}
DANGER = {
    "bias": -2.87,
    "coverage": 3.06,
    "score": -1.82,
    "margin": 5.99,
    "alike": 1.64,
    "elsewhere": -1.45,
    "unknown": 0.04,
    "nearest_elsewhere": -2.58,
    "nearest_danger": 2.46,
}
