"""What the running program counts about itself: how much, how long, never who or what."""

from __future__ import annotations

import bisect
from collections import Counter
from dataclasses import dataclass, field

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Upper ends in seconds."""


@dataclass
class Timing:
    """How often something took how long."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect.bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds


@dataclass
class Metrics:
    """Counts since the start of this process."""

    received: Counter[str] = field(default_factory=Counter)  # events new to the inbox, by channel
    handled: Counter[str] = field(default_factory=Counter)  # events by what came of them: "done", "failed"
    step: Timing = field(default_factory=Timing)  # deciding, for every event
    search: Timing = field(default_factory=Timing)  # finding an article for typed words, within the step
    batch: Timing = field(default_factory=Timing)  # reading, deciding, rendering and storing together
