"""The store alone, beside its driver writing the same rows: accept, load, write, each durable.

The driver seals and opens the same bytes, because encrypted rows are what is compared; what the store adds (JSON both
ways, keyed hashes, the check for duplicates, order, cases, retention) is all on one side.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.bench.figures import Figure, ratio
from bot.bench.programs import KEY
from db.codec import Codec
from db.deliveries import to_json
from db.open import open_store
from db.schema import connect, prepare
from db.sql import micros
from db.store import Result, Store, Work
from flows.core import events
from flows.core.conversation import Conversation, Turn
from flows.core.delivery import Button, Delivery, RenderedMessage, RichBlock, RichSpan
from flows.core.events import Address, Event, MessageReceived

GROUPS = (8, 64)
CONNECTIONS = 8
TEXT = "Sperrmüll: alte Möbel abholen lassen. " * 12
MESSAGE = RenderedMessage(
    text=TEXT,
    blocks=(RichBlock(kind="paragraph", spans=(RichSpan(text=TEXT),)),),
    choices=tuple(Button(id=f"choice:{n}", label=f"Auswahl {n}") for n in range(6)),
    language="de",
)

_INBOX = "INSERT INTO inbox (id, conversation, origin, payload, at, state) VALUES ({})"
_NEW = "INSERT INTO conversations (id, address, version, expires_at) VALUES ({}) ON CONFLICT DO NOTHING"
_LOAD = (
    "SELECT i.seq, i.payload, c.state FROM inbox i JOIN conversations c ON c.id = i.conversation "
    "WHERE i.state = 'open' AND i.id = {}"
)
_DONE = "UPDATE inbox SET state = 'done', payload = NULL, conversation = '' WHERE id = {}"
_STATE = "UPDATE conversations SET state = {}, version = {} WHERE id = {}"
_OUTBOX = (
    "INSERT INTO outbox (id, event, conversation, lane, recipient, channel, role, payload, state, forget, attempt, "
    "due_at, at, urgency) VALUES ({})"
)


def _slots(statement: str, counts: Sequence[int], dialect: str) -> str:
    numbers = itertools.count(1)
    marks = [", ".join("?" if dialect == "sqlite" else f"${next(numbers)}" for _ in range(count)) for count in counts]
    return statement.format(*marks)


def _event(number: int, person: int, now: dt.datetime) -> Event:
    source = Address(channel="telegram", peer=str(person))
    return MessageReceived(id=f"telegram:7:{number}", at=now, source=source, text="Wohin mit dem Sofa?", message="1")


def _after(conversation: Conversation) -> Conversation:
    return replace(
        conversation,
        version=conversation.version + 1,
        language="de",
        recent=tuple(Turn(by="person", text="Wohin mit dem Sofa?") for _ in range(6)),
        choices=tuple((button.id, button.label) for button in MESSAGE.choices),
    )


def _reply(event: Event) -> Delivery:
    return Delivery(id=f"{event.id}:0", channel="telegram", peer=event.source.peer, role="reply", message=MESSAGE)


def _result(work: Work) -> Result:
    return Result(event=work.event, conversation=_after(work.conversation), deliveries=(_reply(work.event),))


class _Rows:
    """One group: the plain bytes, and the rows as the store would write them, sealed when they are asked for."""

    def __init__(self, codec: Codec, first: int, size: int, persons: Sequence[int]) -> None:
        self._codec = codec
        self._made: list[dict[str, Any]] = []
        self.ids: list[tuple[str]] = []
        now = dt.datetime.now(dt.UTC)
        for n in range(size):
            event = _event(first + n, persons[n], now)
            lane = codec.digest("address", "telegram", event.source.peer)
            reply = _reply(event)
            id_ = codec.digest("event", event.id)
            self.ids.append((id_,))
            self._made.append(
                {
                    "id": id_,
                    "lane": lane,
                    "at": micros(now),
                    "key": codec.digest("delivery", reply.id),
                    "event": json.dumps(events.to_json(event)).encode(),
                    "state": json.dumps(_after(Conversation(address=event.source)).to_json()).encode(),
                    "reply": json.dumps(to_json(reply)).encode(),
                }
            )

    def new(self) -> list[tuple[Any, ...]]:
        return [(m["lane"], b"address", 0, 2**60) for m in self._made]

    def inbox(self) -> list[tuple[Any, ...]]:
        seal = self._codec.seal
        return [(m["id"], m["lane"], "person", seal(m["id"], m["event"]), m["at"], "open") for m in self._made]

    def opened(self, n: int, payload: bytes, state: bytes | None) -> None:
        self._codec.open(self._made[n]["id"], payload)
        if state is not None:
            self._codec.open(self._made[n]["lane"], state)

    def states(self) -> list[tuple[Any, ...]]:
        return [(self._codec.seal(m["lane"], m["state"]), 1, m["lane"]) for m in self._made]

    def outbox(self) -> list[tuple[Any, ...]]:
        return [
            (
                m["key"], m["id"], m["lane"], m["lane"], m["lane"], "telegram", "reply",
                self._codec.seal(m["key"], m["reply"]), "open", False, 0, 0, m["at"], 1,
            )
            for m in self._made
        ]  # fmt: skip


async def _ours(store: Store, size: int, workers: int, seconds: float) -> float:
    """Events a second through the store."""
    numbers = itertools.count(1)
    handled = 0
    end = time.perf_counter() + seconds

    async def work(worker: int) -> None:
        nonlocal handled
        now = dt.datetime.now(dt.UTC)
        while time.perf_counter() < end:
            await store.accept([_event(next(numbers), worker * 1000 + n, now) for n in range(size)])
            async with store.batch(size) as batch:
                await batch.finish([_result(one) for one in batch.work])
                done = len(batch.work)
            handled += done

    began = time.perf_counter()
    await asyncio.gather(*(work(worker) for worker in range(workers)))
    return handled / (time.perf_counter() - began)


def _raw_sqlite(path: Path, size: int, seconds: float) -> float:
    """Events a second with sqlite3 itself."""
    prepare(path)
    connection = connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    codec = Codec(KEY)
    rounds = [_Rows(codec, n * size, size, range(size)) for n in range(max(64, 2048 // size))]
    slots = {s: _slots(s, c, "sqlite") for s, c in _STATEMENTS}
    handled, taken = 0, 0.0
    for n in itertools.count():
        if taken >= seconds:
            break
        rows = rounds[n] if n < len(rounds) else _Rows(codec, n * size, size, range(size))
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(slots[_NEW], rows.new())
        connection.executemany(slots[_INBOX], rows.inbox())
        connection.execute("COMMIT")
        for i, one in enumerate(rows.ids):
            _, payload, state = connection.execute(slots[_LOAD], one).fetchone()
            rows.opened(i, payload, state)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(slots[_DONE], rows.ids)
        connection.executemany(slots[_STATE], rows.states())
        connection.executemany(slots[_OUTBOX], rows.outbox())
        connection.execute("COMMIT")
        taken += time.perf_counter() - began
        handled += size
    connection.close()
    return handled / taken


_STATEMENTS = (
    (_NEW, (4,)), (_INBOX, (6,)), (_LOAD, (1,)), (_DONE, (1,)), (_STATE, (1, 1, 1)), (_OUTBOX, (14,)),
)  # fmt: skip


async def _raw_postgresql(url: str, size: int, seconds: float) -> float:
    """Events a second with asyncpg itself."""
    import asyncpg  # type: ignore[import-untyped]

    codec = Codec(KEY)
    slots = {s: _slots(s, c, "postgresql") for s, c in _STATEMENTS}
    made = [
        [_Rows(codec, (w * 10_000 + n) * size, size, range(w * 1000, w * 1000 + size)) for n in range(150)]
        for w in range(CONNECTIONS)
    ]
    handled = 0
    end = time.perf_counter() + seconds

    async def work(worker: int) -> None:
        nonlocal handled
        connection = await asyncpg.connect(url)
        for rows in made[worker]:
            if time.perf_counter() > end:
                break
            async with connection.transaction():
                await connection.executemany(slots[_NEW], rows.new())
                await connection.executemany(slots[_INBOX], rows.inbox())
            async with connection.transaction():
                for i, one in enumerate(rows.ids):
                    _, payload, state = await connection.fetchrow(slots[_LOAD] + " FOR UPDATE OF c", *one)
                    rows.opened(i, payload, state)
                await connection.executemany(slots[_DONE], rows.ids)
                await connection.executemany(slots[_STATE], rows.states())
                await connection.executemany(slots[_OUTBOX], rows.outbox())
            handled += size
        await connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(work(worker) for worker in range(CONNECTIONS)))
    return handled / (time.perf_counter() - began)


async def on_sqlite(seconds: float) -> list[Figure]:
    """The embedded store beside sqlite3, in turns, so that both have the same disk."""
    found: list[Figure] = []
    for size in GROUPS:
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(2):
            with tempfile.TemporaryDirectory(prefix="lotse-bench-") as folder:
                raw = Path(folder) / "raw.db"
                theirs.append(await asyncio.to_thread(_raw_sqlite, raw, size, seconds / 2))
                store = open_store(f"sqlite:///{Path(folder) / 'lotse.db'}", Codec(KEY))
                await store.open()
                ours.append(await _ours(store, size, 1, seconds / 2))
                await store.close()
        found += _compared(f"store alone on SQLite, groups of {size}", "sqlite3", ours, theirs)
    return found


async def on_postgresql(fresh: Callable[[], Awaitable[str]], seconds: float) -> list[Figure]:
    """The store on a server beside asyncpg, eight connections each, groups of eight."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(2):
        theirs.append(await _raw_postgresql(await fresh(), GROUPS[0], seconds / 2))
        store = open_store(await fresh(), Codec(KEY))
        await store.open()
        ours.append(await _ours(store, GROUPS[0], CONNECTIONS, seconds / 2))
        await store.close()
    return _compared("store alone on PostgreSQL, 8 connections, groups of 8", "asyncpg", ours, theirs)


def _compared(case: str, driver: str, ours: Sequence[float], theirs: Sequence[float]) -> list[Figure]:
    mine, raw = sum(ours) / len(ours), sum(theirs) / len(theirs)
    return [
        Figure(case=case, metric="Lotse", value=mine, unit="events/s"),
        Figure(case=case, metric=driver, value=raw, unit="events/s"),
        ratio(case, f"Lotse to {driver}", mine, raw),
    ]


async def fill(url: str, people: int) -> None:
    """A database in which that many people have talked to the bot some time."""
    store = open_store(url, Codec(KEY))
    await store.open()
    now = dt.datetime.now(dt.UTC)
    for start in range(0, people, 500):
        size = min(500, people - start)
        await store.accept([_event(-1 - start - n, 10_000_000 + start + n, now) for n in range(size)])
        async with store.batch(size) as batch:
            await batch.finish([replace(_result(work), deliveries=()) for work in batch.work])
    await store.close()
