"""Putting the parts together: the only place that knows every concrete class."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import fcntl
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from bot.catalogs import Catalogs
from bot.channels.base import Channel
from bot.errors import SettingsError
from bot.metrics import Metrics
from bot.outbox import Outbox
from bot.plan import Room, Voice
from bot.settings import Settings
from bot.worker import handle_batch
from db.codec import Codec, SealError
from db.open import open_store
from db.store import Cursor, SchemaError, Store
from flows.core.events import Event
from flows.core.knowledge import Knowledge

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
"""How long a loop sleeps when nothing wakes it: another process may have put something there."""

PURGE_SECONDS = 600.0
AWAY_SECONDS = 2.0
STOP_SECONDS = 8.0

ALONE = frozenset({"matrix"})
"""Channels that receive in one process only, besides those that say so themselves (Telegram by polling)."""

SENDS_ALONE = frozenset({"matrix"})
"""Channels that send only where they receive: keys and devices are in one place."""

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class App:
    """A running Lotse: a store, knowledge, a voice, channels, and the loops between them."""

    def __init__(
        self,
        *,
        store: Store,
        knowledge: Knowledge,
        catalogs: Catalogs,
        channels: Sequence[Channel] = (),
        rooms: Sequence[Room] = (),
        clock: Clock = utc_now,
    ) -> None:
        self.store = store
        self.knowledge = dataclasses.replace(knowledge, rooms={room.channel: room.mode for room in rooms})
        self.channels = {channel.name: channel for channel in channels}
        self.rooms = tuple(rooms)
        self.clock = clock
        self.voice = Voice(
            catalogs=catalogs,
            capabilities={name: channel.can for name, channel in self.channels.items()},
            default_language=knowledge.town.languages[0],
        )
        self._to_handle = asyncio.Event()
        self._to_send = asyncio.Event()
        self.outbox = Outbox(store, self.channels, lambda: self.clock(), self._to_handle.set)
        self.metrics = Metrics()
        self.leads = False  # whether this process does what only one may
        self.changed = asyncio.Condition()  # something was stored: pages that wait look again

    def add(self, channel: Channel) -> None:
        """Take in a channel that needs the app itself (the web)."""
        self.channels[channel.name] = channel
        capabilities = {name: c.can for name, c in self.channels.items()}
        self.voice = dataclasses.replace(self.voice, capabilities=capabilities)

    async def accept(self, events: Sequence[Event], cursor: tuple[str, str] | None = None) -> int:
        """Put events into the inbox; durable when it returns."""
        at = Cursor(name=cursor[0], value=cursor[1]) if cursor else None
        new = await self.store.accept(events, at, self._to_handle.set)
        self._to_handle.set()
        if events:
            self.metrics.received[events[0].source.channel] += new
        return new

    async def handle(self) -> int:
        """Handle what is in the inbox now, one batch."""
        handled = await handle_batch(self.store, self.knowledge, self.voice, self.rooms, metrics=self.metrics)
        if handled:
            self._to_send.set()
            self.outbox.look()
            async with self.changed:
                self.changed.notify_all()
        return handled

    async def deliver(self) -> int:
        """Send what is due now."""
        tried = await self.outbox.deliver()
        if tried:
            async with self.changed:
                self.changed.notify_all()
        return tried

    async def drain(self) -> None:
        """Handle and send until nothing is left to do now."""
        while await self.store.fire_timers(self.clock()) + await self.handle() + await self.deliver():
            pass

    async def run(self, stop: asyncio.Event) -> None:
        """Run every loop until `stop`; then finish what is in flight, within ten seconds.

        A loop or a channel that ends with an error ends the whole program with it.
        """
        loops = [
            asyncio.create_task(self._loop(self.handle, self._to_handle), name="handle"),
            asyncio.create_task(self._loop(self.deliver, self._to_send), name="deliver"),
        ]
        alone = [channel for channel in self.channels.values() if getattr(channel, "alone", channel.name in ALONE)]
        receiving = [
            asyncio.create_task(channel.receive(self.accept), name=f"receive {channel.name}")
            for channel in self.channels.values()
            if channel not in alone
        ]
        receiving.append(asyncio.create_task(self._lead(alone), name="lead"))
        stopping = asyncio.create_task(_wait(stop), name="stop")
        done, _ = await asyncio.wait([*loops, *receiving, stopping], return_when=asyncio.FIRST_COMPLETED)
        await _cancelled(receiving)
        for task in loops:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*loops, return_exceptions=True)
                await self.outbox.finish()
        stopping.cancel()
        for task in done:
            if task is not stopping and not task.cancelled() and task.exception() is not None:
                raise task.exception()  # type: ignore[misc]

    async def _lead(self, alone: Sequence[Channel]) -> None:
        """Do what only one process may, while this one has the right to: timers, purging, channels that poll."""
        while True:
            self.outbox.away |= {channel.name for channel in alone if channel.name in SENDS_ALONE}
            try:
                lead = await self.store.lead()
            except Exception as error:
                log.error("lead: %s; trying again in %g s", type(error).__name__, AWAY_SECONDS)
                lead = None
            if lead is None:
                await asyncio.sleep(AWAY_SECONDS)
                continue
            self.leads = True
            self.outbox.away.clear()
            tasks = [
                asyncio.create_task(self._timers(), name="timers"),
                asyncio.create_task(self._purge(), name="purge"),
                *(asyncio.create_task(c.receive(self.accept), name=f"receive {c.name}") for c in alone),
            ]
            holding = asyncio.create_task(lead.hold(), name="hold")
            try:
                done, _ = await asyncio.wait([holding, *tasks], return_when=asyncio.FIRST_COMPLETED)
            finally:
                self.leads = False
                await _cancelled([holding, *tasks])
                await lead.release()
            for task in done - {holding}:
                await task
            log.warning("another process may do now what only one can: the database was away")

    async def close(self) -> None:
        """Let go of channels and store."""
        for channel in self.channels.values():
            await channel.close()
        await self.store.close()

    async def _loop(self, work: Callable[[], Awaitable[int]], wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            try:
                while await _whole(work()):
                    pass
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.error("%s: %s; trying again in %g s", work, type(error).__name__, AWAY_SECONDS)
                await asyncio.sleep(AWAY_SECONDS)
            # Not wait_for: on Python 3.11 it swallows being cancelled when the wake comes at the same moment.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.outbox.idle_seconds(IDLE_SECONDS)):
                    await wake.wait()

    async def _timers(self) -> None:
        while True:
            try:
                if await self.store.fire_timers(self.clock()):
                    self._to_handle.set()
            except Exception as error:
                log.error("timers: %s", type(error).__name__)
            await asyncio.sleep(IDLE_SECONDS)

    async def _purge(self) -> None:
        while True:
            try:
                await self.store.purge(self.clock())
            except Exception as error:
                log.error("purge: %s", type(error).__name__)
            await asyncio.sleep(PURGE_SECONDS)


async def _whole(work: Awaitable[int]) -> int:
    """What has begun is finished even when the program is told to stop meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Have the tasks end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


def make_store(settings: Settings) -> Store:
    """The store of these settings, not yet open."""
    if not settings.database_url:
        settings.make_data_dir()
    return open_store(settings.url, Codec(settings.key()), dt.timedelta(seconds=settings.send_lease))


@contextlib.contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data directory's lock, so that one `lotse run` works there; SettingsError names the other's pid."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "lotse.lock"
    file: IO[str] = open(path, "a+")  # noqa: SIM115 - held open as long as the lock is
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = file.read().strip() or "?"
        file.close()
        raise SettingsError(
            f"another lotse run (pid {pid}) works in {data_dir}; stop it first, or set LOTSE_DATA_DIR to another folder"
        ) from None
    try:
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
    finally:
        file.close()


@contextlib.contextmanager
def database_told() -> Iterator[None]:
    """Turn what a database raises when it cannot be used into a SettingsError that says what to do."""
    try:
        yield
    except SchemaError as error:
        raise SettingsError(str(error)) from error
    except SealError as error:
        raise SettingsError(
            "what is stored was sealed with another key: put back the key that belongs to this database "
            "(secret.key in the data folder, or LOTSE_SECRET_KEY)"
        ) from error
    except Exception as error:  # the class says enough: a driver's text may hold address and password
        if not isinstance(error, OSError | sqlite3.Error) and not type(error).__module__.startswith("asyncpg"):
            raise
        raise SettingsError(
            f"the database cannot be used ({type(error).__name__}); see LOTSE_DATABASE_URL and LOTSE_DATA_DIR"
        ) from error


@contextlib.asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    """The store, open for as long as the block lasts; SettingsError when it cannot be used."""
    with database_told():
        await store.open()
        try:
            yield store
        finally:
            await store.close()
