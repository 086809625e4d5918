"""What was measured, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of a run."""

    case: str
    metric: str
    value: float
    unit: str


def as_json(figures: Iterable[Figure]) -> str:
    """The figures as one JSON list."""
    return json.dumps([asdict(figure) for figure in figures], ensure_ascii=False, indent=1)


def as_table(figures: Sequence[Figure]) -> str:
    """The figures as a table in Markdown, one line a figure, each case named once."""
    lines = ["| case | | |", "|---|---|---:|"]
    last = None
    for figure in figures:
        case = figure.case if figure.case != last else ""
        lines.append(f"| {case} | {figure.metric} | {written(figure.value)} {figure.unit} |")
        last = figure.case
    return "\n".join(lines)


def written(value: float) -> str:
    """A number with as many digits as say something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio(case: str, metric: str, ours: float, theirs: float) -> Figure:
    """How many times as much."""
    return Figure(case=case, metric=metric, value=ours / theirs if theirs else 0.0, unit="×")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def median(values: Sequence[float]) -> float:
    """The value in the middle; 0 of none."""
    return statistics.median(values) if values else 0.0
