"""A process killed at a bad moment: what was told to be stored is there, what was not finished is taken again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from made import handle_all, later

from db.store import Store

SCRIPT = """
import asyncio, os, signal, sys
sys.path.insert(0, {folder!r})
from made import handled, message, person, reply
from db.codec import Codec
from db.open import open_store

async def main():
    store = open_store({url!r}, Codec(bytes(range(32))))
    await store.open()
    await store.accept([message(n, person(n)) for n in range(1, 5)])
    async with store.batch(limit=2) as batch:
        await batch.finish([handled(work, deliveries=(reply(work.event),)) for work in batch.work])
    async with store.batch(limit=1) as batch:
        await batch.number([f"{{batch.work[0].event.id}}:0"])
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_killed_process_loses_nothing_and_nothing_is_handled_twice(store: Store, url: str) -> None:
    folder = Path(__file__).parent
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", SCRIPT.format(url=url, folder=str(folder))],
        capture_output=True,
        cwd=folder.parents[1],
    )
    assert ended.returncode == -9, ended.stderr
    seen: list[str] = []
    for _ in range(100):  # the server takes a moment to notice that the process is gone
        seen += [work.event.id for work in await handle_all(store)]
        if len(seen) == 2:
            break
        await asyncio.sleep(0.05)
    assert seen == ["telegram:7:3", "telegram:7:4"]
    assert [d.id for d in await store.due(later(hours=1))] == ["telegram:7:1:0", "telegram:7:2:0"]
