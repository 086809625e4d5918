"""`kill -9` at every await between intake and receipt of one message, one after the other, on a local Telegram.

`python tests/e2e/kill_at_awaits.py sqlite|postgresql [SCENE …] [--every N]` tells what each scene came to. A scene is a
message of a person whose conversation stands where the scene wants it. It is gone through once undisturbed, which
tells the points and what is to come of it; then once for each point: a process dies there, another goes on, and what
the person, staff and the store have afterwards is compared.

A process is a child of one that has loaded everything (`_Nursery`), because a start from nothing would take longer
than all the rest.
"""

# ruff: noqa: E402
from __future__ import annotations

import argparse
import asyncio
import dataclasses
import datetime as dt
import json
import os
import re
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE.parent / "channels"), str(HERE)]

from await_points import Points
from bot_api import TOKEN, BotApi, Group, Person
from stores import KEY, fresh_url

from bot.app import App
from bot.channels.telegram_setup import telegram_channel
from bot.plan import Room
from bot.settings import Settings
from bot.whole import load, warm
from db.codec import Codec
from db.open import open_store
from db.postgresql import LEASE
from db.store import Store
from flows.core.conversation import Conversation
from flows.core.events import Address

PATIENCE = 180.0
NOON = dt.datetime(2026, 11, 24, 11, 0, tzinfo=dt.UTC)
"""When everything is said, so that no door opens or closes between two that are compared."""

TRIES = 3
IN_A_ROW = 3
"""So many that were not killed because all was done mean that there are no more points."""


@dataclass(frozen=True)
class Scene:
    """What a person does before, undisturbed, and the message that is looked at."""

    before: tuple[str, ...]
    message: str  # "#" begins a button's data


SCENES = {
    "first": Scene((), "/start v1_de_waste-bulky_"),
    "question": Scene(("/start v1_de___",), "Wohin mit dem alten Sofa?"),
    "case": Scene(("/start v1_de___", "#human"), "#yes"),
    "in a case": Scene(("/start v1_de___", "#human", "#yes"), "Ich brauche einen Termin"),
    "danger": Scene(("/start v1_de___", "#human", "#yes"), "Ich will mich umbringen"),
    "delete": Scene(("/start v1_de___", "/delete"), "#yes"),
}


@dataclass(frozen=True)
class Order:
    """What a child is to do."""

    url: str
    api: str
    staff: int
    late: float  # seconds that its clock is ahead
    told: str  # a file
    meant: int | str | None = None  # the point at which it dies
    sends: int | None = None  # points end, and so does the child, when so many have been sent


# ---- in the child ----


async def live(order: Order, whole: Any) -> None:
    """A Lotse that writes down the points it passes and how much it sent."""
    knowledge, catalogs = whole
    began = time.monotonic()
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        telegram_token=TOKEN,
        telegram_api_url=order.api,
        telegram_staff_chat=order.staff,
        telegram_limits="off",
    )
    store = open_store(order.url, Codec(KEY))
    await store.open()
    channel = telegram_channel(settings, store)
    channel._clock = lambda: NOON
    app = App(
        store=store,
        knowledge=knowledge,
        catalogs=catalogs,
        channels=[channel],
        rooms=[Room(channel="telegram", peer=str(order.staff), mode="full")],
        clock=lambda: NOON + dt.timedelta(seconds=time.monotonic() - began + order.late),
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    tell = Path(order.told).write_text
    points = Points(order.meant, tell)
    ending = asyncio.create_task(_end(app, order.sends, points, stop))
    if order.sends is not None:
        points.watch()
    await app.run(stop)
    points.rest()
    ending.cancel()
    await app.close()
    tell(json.dumps({"passed": points.passed, "sent": _sent(app)}))


def _sent(app: App) -> int:
    return sum(count for (_, result), count in app.outbox.counts.items() if result == "sent")


async def _end(app: App, sends: int | None, points: Points, stop: asyncio.Event) -> None:
    while True:
        if sends is not None and _sent(app) >= sends and not app.outbox.in_flight:
            break
        await asyncio.sleep(0.001)
    points.rest()
    stop.set()


class _Nursery:
    """A process without a loop or threads that has loaded everything, and forks a child for each order."""

    def __init__(self) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._orders)
            try:
                _serve(os.fdopen(orders), os.fdopen(answers, "w"))
            except BaseException:
                traceback.print_exc()
            os._exit(0)
        os.close(orders)
        os.close(answers)
        self._from = os.fdopen(self._answers)

    async def start(self, order: Order) -> _Child:
        os.write(self._orders, json.dumps(dataclasses.asdict(order)).encode() + b"\n")
        return _Child(int(await asyncio.to_thread(self._from.readline)), Path(order.told), self._from)

    def close(self) -> None:
        os.close(self._orders)
        os.waitpid(self.pid, 0)


def _serve(orders: Any, answers: Any) -> None:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    whole = load(settings)
    warm(settings, whole[0])  # or each child would make the index that its question needs
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # until a child can hear it
    for line in orders:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                asyncio.run(live(Order(**json.loads(line)), whole))
                code = 0
            except BaseException:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(code)
        print(pid, file=answers, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=answers, flush=True)


@dataclass
class _Child:
    pid: int
    told: Path
    answers: Any

    async def ended(self) -> int:
        """Its exit status; -9 when it was killed."""
        return int(await asyncio.to_thread(self.answers.readline))

    async def stop(self) -> int:
        os.kill(self.pid, signal.SIGTERM)
        return await self.ended()


# ---- outside ----


@dataclass
class Outcome:
    """What came of all points of a scene."""

    scene: str
    points: int = 0  # of one message, undisturbed
    places: int = 0  # awaits among them
    kills: int = 0
    missed: set[str] = field(default_factory=set)  # points at which nobody died
    doubled: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.scene}: {self.places} awaits, {self.points} points, {self.kills} kills; "
            f"lost, handled twice or in a wrong state: {len(self.wrong)}; arrived twice: {self.doubled}; "
            f"points never died at: {len(self.missed)}"
        )


@dataclass(frozen=True)
class Ending:
    """What a scene leaves behind: texts to the person and to staff, and the conversation without what names it."""

    texts: Counter[str]
    staff: Counter[str]
    state: str


class World:
    """A Telegram, a database, and the processes that come and go."""

    def __init__(self, nursery: _Nursery, url: str, folder: Path) -> None:
        self.nursery, self.url, self.folder = nursery, url, folder
        self.api = BotApi()
        self.late = dt.timedelta(0)

    async def begin(self) -> None:
        await self.api.start()
        self.api.longest_poll = 2.0
        self.group: Group = self.api.group()
        self.store: Store = open_store(self.url, Codec(KEY))
        await self.store.open()
        await self.store.add_member("Anna", "member", (), wake=False)

    async def end(self) -> None:
        await self.store.close()
        await self.api.stop()

    async def started(self, **order: Any) -> _Child:
        if self.url.startswith("postgresql"):
            self.late += LEASE + dt.timedelta(seconds=1)  # what the one before was sending is free again
        told = self.folder / "told"
        told.unlink(missing_ok=True)
        return await self.nursery.start(
            Order(
                url=self.url,
                api=self.api.url,
                staff=self.group.id,
                late=self.late.total_seconds(),
                told=str(told),
                **order,
            )
        )

    async def settled(self) -> None:
        """All is confirmed, handled and sent."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if not self.api.updates:
                figures = await self.store.figures()
                if not figures["inbox_open"] and not figures["outbox_open"]:
                    return
            await asyncio.sleep(0.01)
        raise AssertionError(f"never settled: {len(self.api.updates)} not confirmed, {await self.store.figures()}")

    async def prepared(self, scene: Scene, people: int) -> list[Person]:
        """So many people who stand where the scene begins."""
        child = await self.started()
        found = [self.api.person("de") for _ in range(people)]
        for said in scene.before:
            for person in found:
                does(person, said)
            await self.settled()
        assert await child.stop() == 0
        return found

    async def ending(self, person: Person, sent: int) -> Ending:
        """What came of it; `sent`: how much the API had got before."""
        new = self.api.sent[sent:]
        conversation = await self.store.conversation(Address(channel="telegram", peer=str(person.id)))
        return Ending(
            Counter(_without_number(m.text) for m in new if m.chat == person.id),
            Counter(_without_number(m.text) for m in new if m.chat == self.group.id),
            _without_name(conversation),
        )


def does(person: Person, said: str) -> None:
    if said.startswith("#"):
        person.presses(said.removeprefix("#"))
    else:
        person.writes(said)


def _without_number(text: str) -> str:
    return re.sub(r"\d+(?:[.,]\d+)*", "n", text)


def _without_name(conversation: Conversation | None) -> str:
    if conversation is None:
        return "forgotten"
    data = conversation.to_json()
    ticket = data["ticket"]
    data |= {"address": None, "ticket": ticket and {**ticket, "id": "", "number": 0}, "last_case": None}
    data["pressed"] = data["pressed"] and data["pressed"].partition(":")[2]  # without the message it was under
    return json.dumps(data, sort_keys=True)


class Play:
    """A scene, gone through undisturbed and then once for each point."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.scene, self.outcome = world, SCENES[name], Outcome(name)
        self.waiting: list[Person] = []
        self.at_once = 40  # people who are prepared together

    async def undisturbed(self) -> list[str]:
        """The points of one message; from now on it is known what comes of it."""
        world = self.world
        first, second = await world.prepared(self.scene, 2)
        sent = len(world.api.sent)
        child = await world.started()
        does(first, self.scene.message)
        await world.settled()
        await child.stop()
        self.expected = await world.ending(first, sent)
        self.sends = json.loads(child.told.read_text())["sent"]
        assert self.expected.texts, "all was confirmed and nothing is left to do, but nobody was answered"
        sent = len(world.api.sent)
        does(second, self.scene.message)
        child = await world.started(sends=self.sends)
        assert await child.ended() == 0
        again = await world.ending(second, sent)
        assert again == self.expected, f"two undisturbed ones came to different things: {again}, {self.expected}"
        passed: list[str] = json.loads(child.told.read_text())["passed"]
        self.outcome.points, self.outcome.missed = len(passed), set(passed)
        self.outcome.places = len({point.partition(")")[0] for point in passed})
        return passed

    async def killed(self, meant: int | str) -> bool:
        """Whether somebody died at that point; what was left to the next one is compared."""
        world, outcome, expected = self.world, self.outcome, self.expected
        if not self.waiting:
            self.waiting = await world.prepared(self.scene, self.at_once)
        person, sent = self.waiting.pop(), len(world.api.sent)
        does(person, self.scene.message)
        child = await world.started(meant=meant, sends=self.sends)
        died = await child.ended()
        point = child.told.read_text() if died else "?"
        got = len(world.api.sent) - sent
        if died:
            outcome.kills += 1
            outcome.missed.discard(point)
        following = await world.started()
        try:
            await world.settled()
        except AssertionError as error:
            outcome.wrong.append(f"{point}: {error}")
        ended = await following.stop()
        found = await world.ending(person, sent)
        lost = (expected.texts - found.texts) + (expected.staff - found.staff)
        extra = (found.texts - expected.texts) + (found.staff - expected.staff)
        outcome.doubled += extra.total()
        if died not in (0, -signal.SIGKILL) or ended != 0:
            outcome.wrong.append(f"{point}: ended with {died}, the next one with {ended}")
        elif lost or extra.total() > got or set(extra) - set(expected.texts) - set(expected.staff):
            outcome.wrong.append(f"{point}: lost {dict(lost)}, too much {dict(extra)}, {got} sent before")
        elif found.state != expected.state:
            outcome.wrong.append(f"{point}: {found.state} instead of {expected.state}")
        return bool(died)


async def play(world: World, name: str, every: int) -> Outcome:
    """Kill at every point of a scene, or at every n-th."""
    scene = Play(world, name)
    points = len(await scene.undisturbed())
    scene.at_once = min(scene.at_once, points // every + IN_A_ROW)
    alive = meant = 0
    while alive < IN_A_ROW and meant < 2 * points:
        meant += every
        alive = 0 if await scene.killed(meant) else alive + 1
    if every == 1:  # what runs beside each other does not take turns the same way each time
        for point in sorted(scene.outcome.missed) * TRIES:
            if point in scene.outcome.missed:
                await scene.killed(point)
    failed = (await world.store.figures())["failed"]
    if failed:
        scene.outcome.wrong.append(f"{failed:.0f} set aside")
    return scene.outcome


async def main(kind: str, scenes: Sequence[str], every: int, nursery: _Nursery) -> int:
    bad = False
    for name in scenes:
        folder = Path(tempfile.mkdtemp(prefix="lotse-awaits-"))
        world = World(nursery, await fresh_url(kind, folder), folder)
        await world.begin()
        began = time.monotonic()
        outcome = await play(world, name, every)
        print(f"{kind}, {outcome} ({time.monotonic() - began:.0f} s)", flush=True)
        for line in [*outcome.wrong, *(sorted(outcome.missed) if every == 1 else ())]:
            print(f"    {line}", flush=True)
        bad = bad or not outcome.kills or bool(outcome.wrong) or (every == 1 and bool(outcome.missed))
        await world.end()
    nursery.close()
    return int(bad)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("kind", choices=("sqlite", "postgresql"))
    asked.add_argument("scenes", nargs="*", help=", ".join(SCENES))
    asked.add_argument("--every", type=int, default=1)
    found = asked.parse_args()
    sys.exit(asyncio.run(main(found.kind, found.scenes or list(SCENES), found.every, _Nursery())))
