"""A program that dies at the n-th point of a message's way, for every n, and is started again each time.

`python kill_points.py URL` prints a JSON object for each point: what it was, what was handled and what was sent. The
points are before and after each call of the store and of the channel between intake and receipt.
"""

# ruff: noqa: E402
from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from bot.app import App
from bot.catalogs import Catalogs
from bot.settings import ROOT
from db.codec import Codec
from db.open import open_store
from flows.core.delivery import Attachment, Capabilities, Delivery, Receipt
from flows.core.events import Address, ChoiceMade
from tests.flows.small import article, made, text

PEOPLE = 3
PRESSED = ("language:de", "article:leisure.pool")
POOL = article("leisure.pool", text("de", "Schwimmen gehen", "wann öffnet das Schwimmbad", body="Im Hallenbad."))
CATALOGS = Catalogs.load(ROOT / "locales")


class Points:
    """Counts the points that are passed; at the one that is meant the program is gone."""

    def __init__(self, meant: int, told: Path) -> None:
        self.meant, self.told, self.passed = meant, told, 0

    def pass_(self, name: str) -> None:
        self.passed += 1
        if self.passed == self.meant:
            self.told.write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)


class Channel:
    """Writes down what it is told to send."""

    name = "telegram"
    can = Capabilities(buttons=True)

    def __init__(self, log: Path, points: Points) -> None:
        self.log, self.points = log, points

    async def receive(self, accept: Any) -> None: ...

    async def send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]] = ()) -> Receipt:
        self.points.pass_("before sending")
        with self.log.open("a") as file:
            file.write(f"{delivery.id}\n")
        self.points.pass_("after sending")
        return Receipt(external_ids=("1",))

    async def fetch(self, attachment: Attachment) -> bytes:
        return b""

    async def check(self) -> Sequence[tuple[str, bool, str]]:
        return ()

    async def close(self) -> None: ...


def watched(store: Any, points: Points) -> Any:
    """The store, its calls being points."""

    def around(owner: Any, name: str) -> None:
        inner = getattr(owner, name)

        async def call(*args: Any, **values: Any) -> Any:
            points.pass_(f"before {name}")
            result = await inner(*args, **values)
            points.pass_(f"after {name}")
            return result

        setattr(owner, name, call)

    for name in ("accept", "due", "settle"):
        around(store, name)
    inner = store.batch

    @contextlib.asynccontextmanager
    async def batch(limit: int = 64) -> AsyncIterator[Any]:
        points.pass_("before batch")
        async with inner(limit) as found:
            points.pass_("in batch")
            around(found, "finish")
            yield found
        points.pass_("after batch")

    store.batch = batch
    return store


async def live(url: str, first: int, log: Path, points: Points, now: dt.datetime) -> None:
    """Everything is brought once more, as a vendor does that has had no confirmation, and worked off."""
    store = open_store(url, Codec(bytes(32)))
    await store.open()
    channel = Channel(log, points)
    app = App(
        store=watched(store, points), knowledge=made(POOL), catalogs=CATALOGS, channels=[channel], clock=lambda: now
    )
    for n, choice in enumerate(PRESSED):
        await app.accept(
            [
                ChoiceMade(
                    id=f"telegram:7:{first + person}.{n}",
                    at=now,
                    source=Address(channel="telegram", peer=str(first + person)),
                    choice=choice,
                )
                for person in range(PEOPLE)
            ]
        )
    await app.drain()
    await app.close()


async def versions(url: str, first: int) -> list[int]:
    store = open_store(url, Codec(bytes(32)))
    await store.open()
    found = [
        await store.conversation(Address(channel="telegram", peer=str(first + person))) for person in range(PEOPLE)
    ]
    await store.close()
    return [conversation.version if conversation else 0 for conversation in found]


def in_a_child(work: Any) -> int:
    """Its exit status; 9 when it was killed."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            asyncio.run(work())
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(url: str) -> None:
    folder = Path(tempfile.mkdtemp())
    now = dt.datetime.now(dt.UTC)
    for meant in range(1, 1000):
        first, log, told = meant * 1000, folder / f"sent{meant}", folder / f"point{meant}"
        ended = in_a_child(lambda: live(url, first, log, Points(meant, told), now))  # noqa: B023
        if ended == 0:
            break
        later = now + dt.timedelta(minutes=5)  # the dead one's leases have ended
        again = in_a_child(lambda: live(url, first, log, Points(0, told), later))  # noqa: B023
        sent = log.read_text().split() if log.exists() else []
        print(
            json.dumps(
                {
                    "point": told.read_text() if told.exists() else "?",
                    "died": ended,
                    "again": again,
                    "versions": asyncio.run(versions(url, first)),
                    "sent": len(set(sent)),
                    "doubled": len(sent) - len(set(sent)),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1])
