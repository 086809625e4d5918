"""What conversations that rest cost: memory of the running program, and time until it is ready."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bot.bench.figures import Figure, median, ratio
from bot.bench.people import People
from bot.bench.programs import lotse, lotse_environment
from bot.bench.stores import fill
from bot.settings import Settings

SETTLED_SECONDS = 30.0


async def sizes(settings: Settings, few: int, many: int, starts: int) -> list[Figure]:
    """Memory and cold start with no, few and many conversations, on SQLite, the starts in turns."""
    people = People()
    origin = await people.start()
    memory: dict[int, list[float]] = {0: [], few: [], many: []}
    ready: dict[int, list[float]] = {0: [], few: [], many: []}
    try:
        with tempfile.TemporaryDirectory(prefix="lotse-bench-") as folder:
            for count in memory:
                (Path(folder) / f"full{count}").mkdir()
                await fill(f"sqlite:///{Path(folder) / f'full{count}' / 'lotse.db'}", count)
            for _ in range(starts):
                for count in memory:
                    place = Path(folder) / "running"
                    shutil.copytree(Path(folder) / f"full{count}", place)
                    environment = lotse_environment(settings, place, f"sqlite:///{place / 'lotse.db'}", origin)
                    async with lotse(environment) as program:
                        ready[count].append(program.ready_after)
                        await program.rests(SETTLED_SECONDS)
                        memory[count].append(program.resident)
                    shutil.rmtree(place)
    finally:
        await people.stop()
    empty = median(memory[0])
    each = max(0.0, median(memory[many]) - empty) / many / 1024
    case = "memory"
    found = [Figure(case=case, metric="no conversation yet", value=empty / 1e6, unit="MB")]
    found += [
        Figure(case=case, metric=f"{count:,} conversations", value=median(memory[count]) / 1e6, unit="MB")
        for count in (few, many)
    ]
    found.append(Figure(case=case, metric="each conversation at rest", value=each, unit="KB"))
    case = "cold start"
    found += [
        Figure(case=case, metric="empty" if not count else f"{count:,} conversations", value=median(seconds), unit="s")
        for count, seconds in ready.items()
        if count != few
    ]
    found.append(ratio(case, f"{many:,} to empty", median(ready[many]), median(ready[0])))
    return found
