"""The whole benchmark, one case after the other."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

from bot.bench import engine, flow, postgresql, size, stores
from bot.bench.figures import Figure, as_json, as_table, ratio
from bot.errors import LotseError
from bot.settings import Settings
from bot.whole import load

KNOWN = 1000
"""People who have talked to the bot before, when the whole flow is measured."""


async def bench(settings: Settings, as_list: bool, quick: bool, server: str | None, chart: Path | None) -> int:
    """Measure, print a table or JSON, and draw when asked; 0."""
    try:
        import telegram.ext  # noqa: F401
    except ImportError:
        raise LotseError("the benchmark needs python-telegram-bot: pip install 'lotse[bench]'") from None
    figures: list[Figure] = []
    async for part in _parts(settings, quick, server):
        figures += part
        if not as_list:
            print(as_table(part).split("\n", 2)[2] if len(figures) > len(part) else as_table(part), flush=True)
    if as_list:
        print(as_json(figures))
    if chart is not None:
        from bot.bench.chart import draw

        draw(figures, chart)
    return 0


async def _parts(settings: Settings, quick: bool, server: str | None) -> AsyncIterator[list[Figure]]:
    seconds = 2.0 if quick else 8.0
    with _quiet():
        knowledge, catalogs = load(settings)
    _say("search, engine")
    yield engine.searching(knowledge, seconds / 2)
    yield await engine.engine(knowledge, catalogs, seconds)
    _say("store on SQLite")
    yield await stores.on_sqlite(seconds)
    async with postgresql.databases(server) as fresh:
        if fresh is None:
            _say("no PostgreSQL: pip install 'lotse[bench]', or name a server with --postgresql")
        else:
            _say("store on PostgreSQL")
            yield await stores.on_postgresql(fresh, seconds)
        kinds = ("SQLite", "PostgreSQL") if fresh is not None else ("SQLite",)
        for load_ in (flow.WINDOW, flow.SLOW, flow.STEADY):
            rates: dict[str, float] = {}
            for kind in kinds:
                _say(f"{load_.name}, {kind}")
                url = await fresh() if fresh is not None and kind == "PostgreSQL" else None
                found = await flow.measured(load_, flow.start_lotse(settings, url, KNOWN), seconds)
                rates[kind] = found["rate"]
                yield flow.figures(f"{load_.name}, {kind}", found)
            if load_ is flow.STEADY:
                continue
            whens = ("always", "sometimes") if load_ is flow.WINDOW else ("sometimes",)
            for when in whens:
                name = "written after each update" if when == "always" else "its defaults"
                _say(f"{load_.name}, ordinary bot, {name}")
                # Its people go through the flow in step, so a whole round has to be seen.
                longer = 22.0 if load_ is flow.SLOW else seconds
                found = await flow.measured(load_, partial(flow.start_ordinary, when=when, known=KNOWN), longer)
                case = f"{load_.name}, ConversationHandler + PicklePersistence, {name}"
                yield [
                    *flow.figures(case, found),
                    *(ratio(case, f"Lotse on {kind} to it", rates[kind], found["rate"]) for kind in kinds),
                ]
    _say("memory and cold start")
    yield await size.sizes(settings, 1000, 5000 if quick else 50_000, 1 if quick else 3)


def _say(what: str) -> None:
    print(f"measuring: {what} …", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()):
        yield
