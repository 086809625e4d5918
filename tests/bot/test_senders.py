"""Sending: people before staff, posts that wait become one, receipts that cannot be stored are kept."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.channels.pace import Pace, Window
from bot.errors import SendError
from bot.outbox import IN_FLIGHT, Outbox
from db.codec import Codec
from db.open import open_store
from db.store import Settlement
from flows.core.delivery import Attachment, Capabilities, Delivery, Receipt

sys.path.append(str(Path(__file__).parents[1] / "db"))
from made import NOW, ROOM, handled, message, open_case, person, reply, to_room


class Recorder:
    """A channel that keeps what it is told to send."""

    name = "telegram"
    can = Capabilities(buttons=True)

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace
        self.got: list[Delivery] = []
        self.at_once = self.most = 0
        self.seconds = 0.0
        self.fails: list[SendError] = []

    async def receive(self, accept: Any) -> None: ...

    async def send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]] = ()) -> Receipt:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(self.seconds)
        self.at_once -= 1
        if self.fails:
            raise self.fails.pop()
        self.got.append(delivery)
        return Receipt(external_ids=(str(len(self.got)),))

    async def fetch(self, attachment: Attachment) -> bytes:
        return b""

    async def check(self) -> Sequence[tuple[str, bool, str]]:
        return ()

    async def close(self) -> None: ...


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Any]:
    opened = open_store(f"sqlite:///{tmp_path / 'store.db'}", Codec(bytes(32)))
    await opened.open()
    yield opened
    await opened.close()


async def promise(store: Any, *deliveries: Any) -> None:
    """Promise what each function makes of an event of its own person."""
    start = promise.__dict__.setdefault("next", 1000)
    promise.__dict__["next"] += len(deliveries)
    await store.accept([message(start + n, person(start + n)) for n in range(len(deliveries))])
    async with store.batch() as batch:
        made = zip(batch.work, deliveries, strict=True)
        await batch.finish([handled(work, deliveries=(make(work.event),)) for work, make in made])


async def until_quiet(outbox: Outbox, patience: float = 5.0) -> None:
    async with asyncio.timeout(patience):
        while await outbox.deliver():
            pass


def outbox_of(store: Any, channel: Recorder) -> Outbox:
    return Outbox(store, {"telegram": channel}, lambda: NOW)  # type: ignore[dict-item]


async def test_sixteen_are_sent_at_once_and_a_free_sender_takes_the_next(store: Any) -> None:
    channel = Recorder()
    channel.seconds = 0.01
    await promise(store, *([reply] * 50))
    await until_quiet(outbox_of(store, channel))
    assert channel.most == IN_FLIGHT
    assert len(channel.got) == 50
    assert await store.due(NOW) == []


async def test_what_is_promised_while_a_sender_asks_what_is_due_does_not_wait(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, answered, due = Recorder(), asyncio.Event(), store.due

    async def slow(*args: Any, **rest: Any) -> Any:
        found = await due(*args, **rest)
        await answered.wait()
        return found

    outbox = outbox_of(store, channel)
    monkeypatch.setattr(store, "due", slow)
    asking = asyncio.create_task(outbox._fill())
    await asyncio.sleep(0)
    await promise(store, reply)
    assert await outbox._fill() == 0
    outbox._freed.clear()
    answered.set()
    assert await asking == 0
    assert outbox._freed.is_set()
    await until_quiet(outbox)
    assert len(channel.got) == 1


async def test_when_not_all_can_go_people_go_first(store: Any) -> None:
    case = await open_case(store, in_room=False)
    channel = Recorder(Pace(over_all=Window(2, 60.0)))
    posts = [lambda event, n=n: to_room(event, 0, case, text=str(n)) for n in range(3)]
    await promise(store, *posts, reply, reply)
    outbox = outbox_of(store, channel)
    await until_quiet(outbox)
    assert [delivery.role for delivery in channel.got] == ["reply", "reply"]
    assert 59.0 < outbox.idle_seconds(100.0) <= 60.0


async def test_posts_that_wait_in_one_topic_of_a_crowded_group_become_one(store: Any) -> None:
    first, second = await open_case(store, 1, in_room=False), await open_case(store, 2, person(2), in_room=False)
    pace = Pace(in_chat=Window(100, 1.0))
    for _ in range(10):
        pace.count(ROOM.peer, asyncio.get_running_loop().time())
    channel = Recorder(pace)
    texts = [(first, "a"), (first, "b"), (second, "x"), (first, "c")]
    await promise(store, *(lambda event, c=c, t=t: to_room(event, 0, c, text=t) for c, t in texts))
    await until_quiet(outbox_of(store, channel))
    assert sorted(delivery.message.text for delivery in channel.got) == ["a\n\nb\n\nc", "x"]
    assert await store.due(NOW) == []


async def test_posts_of_a_quiet_group_stay_as_they_are(store: Any) -> None:
    case = await open_case(store, in_room=False)
    channel = Recorder(Pace(in_chat=Window(100, 1.0)))
    await promise(store, *(lambda event, n=n: to_room(event, 0, case, text=str(n)) for n in range(3)))
    await until_quiet(outbox_of(store, channel))
    assert [delivery.message.text for delivery in channel.got] == ["0", "1", "2"]


async def test_a_receipt_that_cannot_be_stored_is_kept_and_nothing_is_sent_twice(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbox.AWAY_SECONDS", 0.01)
    settle, away = store.settle, [True] * 3

    async def flaky(settlements: Sequence[Settlement], now: dt.datetime) -> None:
        if away:
            away.pop()
            raise ConnectionError
        await settle(settlements, now)

    monkeypatch.setattr(store, "settle", flaky)
    channel = Recorder()
    await promise(store, *([reply] * 5))
    await until_quiet(outbox_of(store, channel))
    assert len(channel.got) == len({delivery.id for delivery in channel.got}) == 5
    assert await store.due(NOW) == []


async def test_what_another_process_sends_is_left_to_it(store: Any) -> None:
    channel = Recorder()
    outbox = outbox_of(store, channel)
    outbox.away.add("telegram")
    await promise(store, reply)
    assert await outbox.deliver() == 0
    outbox.away.clear()
    await until_quiet(outbox)
    assert len(channel.got) == 1
    assert outbox.counts == {("telegram", "sent"): 1}
