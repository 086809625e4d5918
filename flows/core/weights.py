"""Learned numbers of the search's gates, for all languages alike. By `python -m tests.search.train`."""

from __future__ import annotations

KNOWN = {"bias": -5.23, "coverage": 2.81, "score": 5.77, "margin": 1.14, "unknown": -3.97, "words": 2.24}
SURE = {"bias": -2.68, "coverage": 0.47, "score": 3.81, "margin": 4.69, "unknown": -2.18, "words": 0.22}
