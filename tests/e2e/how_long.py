"""How long it takes until another process takes over, and until one that is told to stop is gone; by hand.

`python tests/e2e/how_long.py [TIMES]` kills the one that polls, with another beside it, and counts until somebody who
wrote at that moment is answered; tells Lotse to stop when nothing is going on, while a send takes a second, and while
a send never ends; and says the least, the median and the most seconds of each.
"""

# ruff: noqa: E402
from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE.parent / "channels"), str(HERE)]

from bot_api import BotApi, Person
from program import Program
from stores import fresh_url


async def take_overs(times: int, folder: Path) -> list[float]:
    """Seconds from the death of the one that polls to the answer of the other."""
    api = BotApi()
    await api.start()
    url, person, taken = await fresh_url("postgresql", folder), api.person(), []
    programs = []
    for name in ("one", "two"):
        (folder / name).mkdir()
        programs.append(Program(folder / name, url, api))
    leads, waits = programs
    await leads.start()
    await leads.ready()
    await _answered(leads, person)
    for _ in range(times):
        await waits.start()
        await waits.ready()
        await leads.kill()
        began = time.monotonic()
        await _answered(waits, person)
        taken.append(time.monotonic() - began)
        leads, waits = waits, leads
    await leads.stop()
    await api.stop()
    return taken


async def stops(times: int, folder: Path, sending: str) -> list[float]:
    """Seconds from being told to stop to being gone."""
    taken = []
    for n in range(times):
        api = BotApi()
        await api.start()
        (folder / f"{sending}{n}").mkdir()
        program = Program(folder / f"{sending}{n}", await fresh_url("sqlite", folder / f"{sending}{n}"), api)
        person = api.person()
        await program.start()
        await program.ready()
        await _answered(program, person)
        if sending == "hang":
            api.fails("sendMessage", "hang")
        api.delay = 1.0
        asked = len(api.made("sendMessage"))
        if sending != "nothing":
            person.writes("/start")
            await program.until(lambda api=api, asked=asked: len(api.made("sendMessage")) > asked, "it is sending")
        began = time.monotonic()
        await program.stop()
        taken.append(time.monotonic() - began)
        await api.stop()
    return taken


async def _answered(program: Program, person: Person) -> None:
    before = len(person.received)
    person.writes("/start")
    await program.until(lambda: len(person.received) > before, "an answer")


def _say(what: str, taken: list[float]) -> None:
    print(f"{what}: {min(taken):.1f} / {statistics.median(taken):.1f} / {max(taken):.1f} s ({len(taken)} times)")


async def main(times: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="lotse-times-"))
    _say("killed while it polls, the other answers", await take_overs(times, folder))
    for sending, what in (
        ("nothing", "nothing is going on"),
        ("slowly", "a send takes a second"),
        ("hang", "a send never ends"),
    ):
        _say(f"told to stop while {what}", await stops(times, folder, sending))


if __name__ == "__main__":
    asyncio.run(main(int((sys.argv[1:] or ["5"])[0])))
