"""Handling what is in the inbox, on a real store: a bug harms one conversation, once, and is told to nobody else."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import worker
from bot.app import App
from bot.catalogs import Catalogs
from bot.channels.console import ConsoleChannel
from db.codec import Codec
from db.open import open_store
from flows.core.delivery import Delivery, Receipt
from flows.core.engine import step
from flows.core.events import Address, ChoiceMade, MessageReceived
from tests.flows.small import article, made, text

NOON = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
SECRET = "Mein Name ist Geheimnis"
POOL = article("leisure.pool", text("de", "Schwimmen gehen", "wann öffnet das Schwimmbad", body="Im Hallenbad."))


class Kept(ConsoleChannel):
    """A terminal that keeps what it is told to print."""

    def __init__(self) -> None:
        super().__init__(lambda line: None, as_json=True)
        self.got: list[Delivery] = []

    async def send(self, delivery: Delivery, files: Any = ()) -> Receipt:
        self.got.append(delivery)
        return await super().send(delivery, files)

    def to(self, peer: str) -> list[Delivery]:
        return [delivery for delivery in self.got if delivery.peer == peer]


@pytest.fixture
async def app(tmp_path: Path, catalogs: Catalogs) -> AsyncIterator[App]:
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}", Codec(bytes(32)))
    await store.open()
    app = App(store=store, knowledge=made(POOL), catalogs=catalogs, channels=[Kept()], clock=lambda: NOON)
    yield app
    await app.close()


def writes(peer: str, number: int, text: str) -> MessageReceived:
    return MessageReceived(
        id=f"console:{peer}:{number}", at=NOON, source=Address(channel="console", peer=peer), text=text
    )


def presses(peer: str, number: int, choice: str) -> ChoiceMade:
    return ChoiceMade(
        id=f"console:{peer}:{number}", at=NOON, source=Address(channel="console", peer=peer), choice=choice
    )


async def test_17_a_step_that_raises_harms_one_conversation_once_and_the_person_is_offered_a_human(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(conversation: Any, event: Any, knowledge: Any, find: Any) -> Any:
        if getattr(event, "text", "") == SECRET:
            raise RuntimeError(SECRET)
        return step(conversation, event, knowledge, find)

    monkeypatch.setattr(worker, "step", broken)
    caplog.set_level(logging.DEBUG)
    channel = app.channels["console"]
    assert isinstance(channel, Kept)
    await app.accept([presses("harmed-one", 0, "language:de"), presses("other-one", 0, "language:de")])
    await app.drain()
    channel.got.clear()
    await app.accept([writes("harmed-one", 1, SECRET), presses("other-one", 1, "article:leisure.pool")])
    await app.drain()
    (sorry,) = channel.to("harmed-one")
    assert "human" in [choice.id for choice in sorry.message.choices]
    assert [delivery.message.article for delivery in channel.to("other-one")] == ["leisure.pool"]
    await app.accept([presses("harmed-one", 2, "article:leisure.pool")])
    await app.drain()
    assert [delivery.message.article for delivery in channel.to("harmed-one")] == [None, "leisure.pool"]
    assert (await app.store.figures())["failed"] == 1
    assert "RuntimeError" in caplog.text


async def test_the_time_of_a_search_is_counted_where_something_was_searched(app: App) -> None:
    await app.accept([presses("peer", 0, "language:de"), presses("peer", 1, "menu")])
    await app.drain()
    assert (sum(app.metrics.step.counts), sum(app.metrics.search.counts)) == (2, 0)
    await app.accept([writes("peer", 2, "Wo ist das Schwimmbad?")])
    await app.drain()
    assert (sum(app.metrics.step.counts), sum(app.metrics.search.counts)) == (3, 1)
    assert 0 < app.metrics.search.seconds < app.metrics.step.seconds


async def test_11_neither_words_nor_addresses_are_logged(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(SECRET)

    caplog.set_level(logging.DEBUG)
    await app.accept([presses("peer-4711", 0, "language:de"), writes("peer-4711", 1, SECRET)])
    await app.drain()
    monkeypatch.setattr(worker, "step", broken)
    await app.accept([writes("peer-4711", 2, SECRET)])
    await app.drain()
    monkeypatch.setattr(worker, "plan", broken)
    await app.accept([writes("peer-4711", 3, SECRET)])
    await app.drain()
    assert caplog.text, "the bug itself is told"
    for hidden in ("Geheimnis", "peer-4711"):
        assert hidden not in caplog.text
