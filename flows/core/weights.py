"""Learned numbers of the search's gates, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

KNOWN = {"bias": -5.37, "coverage": 3.36, "score": 4.37, "margin": 0.53, "alike": 5.48, "unknown": -2.52, "words": 1.48}
SURE = {"bias": -3.39, "coverage": 1.05, "score": 1.4, "margin": 5.38, "alike": 2.34, "unknown": -0.43, "words": 0.34}
