"""What deciding and remembering cost without network: the app itself, its store, and a channel that swallows."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bot.app import App
from bot.bench.figures import Figure, median, percentile
from bot.bench.people import QUESTION
from bot.bench.programs import KEY
from bot.catalogs import Catalogs
from bot.channels.base import Accept
from bot.whole import stays
from db.codec import Codec
from db.open import open_store
from flows.core import search
from flows.core.delivery import Attachment, Capabilities, Delivery, Receipt
from flows.core.events import Address, ChoiceMade, CommandGiven, Event
from flows.core.knowledge import Knowledge

PRESSED = ("language:de", "topic:waste", "article:waste.bulky", "helped", "menu")
"""What each conversation presses after /start: an article is shown, nothing is searched."""

WINDOW = 64


class Swallow:
    """A channel whose sending is done at once."""

    name = "telegram"
    can = Capabilities(buttons=True, text_limit=4096)

    async def receive(self, accept: Accept) -> None: ...

    async def send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]] = ()) -> Receipt:
        return Receipt(external_ids=("1",))

    async def fetch(self, attachment: Attachment) -> bytes:
        return b""

    async def check(self) -> Sequence[tuple[str, bool, str]]:
        return ()

    async def close(self) -> None: ...


def scripted(person: int) -> list[Event]:
    """What one person does, in order."""
    source = Address(channel="telegram", peer=str(person))
    now = dt.datetime.now(dt.UTC)
    begun: Event = CommandGiven(id=f"telegram:7:{person}.0", at=now, source=source, name="start")
    return [begun] + [
        ChoiceMade(
            id=f"telegram:7:{person}.{n}",
            at=now,
            source=source,
            choice=choice,
            message=str(n),
            callback=f"{person}.{n}",
        )
        for n, choice in enumerate(PRESSED, 1)
    ]


async def engine(knowledge: Knowledge, catalogs: Catalogs, seconds: float) -> list[Figure]:
    """Events a second from intake to the receipt, 64 conversations side by side on SQLite."""
    with tempfile.TemporaryDirectory(prefix="lotse-bench-") as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'lotse.db'}", Codec(KEY))
        await store.open()
        app = App(store=store, knowledge=knowledge, catalogs=catalogs, channels=[Swallow()])
        events, person = 0, 0

        async def round_() -> None:
            nonlocal events, person
            scripts = [scripted(person + n) for n in range(WINDOW)]
            person += WINDOW
            for step in zip(*scripts, strict=True):
                await app.accept(step)
                await app.drain()
                events += len(step)

        try:
            await round_()
            stays()  # as in `lotse run`
            events, began, used = 0, time.perf_counter(), time.process_time()
            while time.perf_counter() - began < seconds:
                await round_()
            wall, cpu = time.perf_counter() - began, time.process_time() - used
        finally:
            await app.close()
    case = "engine with store, without network and search"
    return [
        Figure(case=case, metric="events", value=events / cpu, unit="/s a core"),
        Figure(case=case, metric="events, the disk's time included", value=events / wall, unit="/s"),
    ]


def searching(knowledge: Knowledge, seconds: float) -> list[Figure]:
    """Time of one search, the language's index being there."""
    questions = [(QUESTION, "de"), ("Where do I put my old sofa?", "en"), ("أين أضع الأريكة القديمة؟", "ar")]
    for question, language in questions:
        search.find(knowledge, question, language)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for question, language in questions:
            began = time.perf_counter()
            search.find(knowledge, question, language)
            taken.append((time.perf_counter() - began) * 1000)
    case = "search, before anything is written"
    return [
        Figure(case=case, metric="a question, p50", value=median(taken), unit="ms"),
        Figure(case=case, metric="a question, p99", value=percentile(taken, 0.99), unit="ms"),
    ]
