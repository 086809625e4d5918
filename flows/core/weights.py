"""Learned numbers of the search's gates, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

KNOWN = {"bias": -5.42, "coverage": 3.32, "score": 5.36, "margin": -0.12, "alike": 5.2, "unknown": -2.06, "words": 1.71}
SURE = {"bias": -2.76, "coverage": 0.71, "score": 1.48, "margin": 4.65, "alike": 2.16, "unknown": -0.31, "words": 0.2}
