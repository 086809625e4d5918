"""The comparisons of a run as a picture: one bar for each, how many times as much."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.bench.figures import Figure, written
from bot.errors import LotseError


def draw(figures: Sequence[Figure], path: Path) -> None:
    """Draw the ratios of a run; the ending of the path says how (.svg, .png)."""
    try:
        import altair
    except ImportError:
        raise LotseError("drawing needs altair and vl-convert-python: pip install 'lotse[bench]'") from None
    rows = [
        {"case": f"{f.case} · {f.metric}", "times": f.value, "written": f"{written(f.value)} ×"}
        for f in figures
        if f.unit == "×"
    ]
    bars = altair.Chart({"values": rows}).encode(
        y=altair.Y("case:N", sort=None, title=None, axis=altair.Axis(labelLimit=560)),
        x=altair.X("times:Q", title="times as much as what it is compared with", scale=altair.Scale(type="sqrt")),
    )
    picture = bars.mark_bar(color="#2a6f97") + bars.mark_text(align="left", dx=4).encode(text="written:N")
    picture.properties(width=420, title="lotse bench").save(str(path))
