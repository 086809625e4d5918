"""Sending what was promised: in order per recipient, tried again when it is worth it, receipts stored at once."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bot.channels.base import Channel
from bot.channels.pace import Pace
from bot.errors import SendError
from bot.images import clean_image
from db.store import Held, Settlement, Store
from flows.core.delivery import Attachment, Delivery

log = logging.getLogger(__name__)

IN_FLIGHT = 16
"""At most so many sends at once: what a crash can double."""

SOON = 0.1
"""Seconds after which is looked again although no sender has become free."""

AWAY_SECONDS = 1.0
MERGED = 20
MERGED_CHARACTERS = 3000
"""So many posts, and so many characters, become one message at most."""

ATTEMPTS = 40
LONGEST_WAIT = 600.0
REASONS = ("blocked", "gone", "refused")
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\x00", b"MM\x00*")
"""How files of pictures begin."""


def wait_before(attempt: int) -> float:
    """Seconds before the next try: 1, 2, 4 … up to ten minutes."""
    return float(min(2.0**attempt, LONGEST_WAIT))


class Outbox:
    """The senders: at most sixteen at once, each free again when its receipt is stored.

    A receipt that cannot be stored, because the database is away, is kept until it can: forgetting it would send the
    message again.
    """

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        clock: Callable[[], dt.datetime],
        told: Callable[[], None] = lambda: None,
    ) -> None:
        """`told`: called when what became of a delivery may have made an event."""
        self._store, self._channels, self._clock, self._told = store, channels, clock, told
        self.away: set[str] = set()  # channels that another process sends on
        self.counts: Counter[tuple[str, str]] = Counter()  # (channel, "sent" or why not)
        self._under_way: dict[str, tuple[Delivery, asyncio.Task[Settlement]]] = {}
        self._merged: dict[str, tuple[str, ...]] = {}  # deliveries that went along with another
        self._receipts: list[Settlement] = []  # not stored yet
        self._storing: asyncio.Task[None] | None = None
        self._asking = self._missed = False
        self._going = True
        self._freed = asyncio.Event()
        self._ended = 0

    @property
    def in_flight(self) -> int:
        """Deliveries begun whose receipts are not stored."""
        return len(self._under_way)

    async def deliver(self) -> int:
        """Begin what is due while a sender is free, and wait a moment; how many were begun, ended, or go on."""
        self._freed.clear()
        begun = await self._fill()
        if self._under_way:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SOON):
                    await self._freed.wait()
        ended, self._ended = self._ended, 0
        return begun + ended + len(self._under_way)

    def look(self) -> None:
        """Something new may be due: a free sender need not wait for the others."""
        self._freed.set()

    async def finish(self) -> None:
        """Begin nothing more; wait for what is being sent, and for its receipts."""
        self._going = False
        while self._under_way:
            self._freed.clear()
            await self._freed.wait()

    def idle_seconds(self, longest: float) -> float:
        """How long there is nothing to do unless something new comes."""
        now = _now()
        changes = [pace.next_change(now) for _, pace in self._paces()]
        return min([longest, *(change for change in changes if change is not None)])

    async def _fill(self) -> int:
        """Have every free sender begin with what is due; one question at a time, lest more begin than are free."""
        if self._asking:
            self._missed = True
            return 0
        if len(self._under_way) >= IN_FLIGHT:
            return 0
        self._asking = True
        try:
            return await self._begin(IN_FLIGHT - len(self._under_way))
        finally:
            self._asking = False
            if self._missed:  # what came after the question was put is not in its answer
                self._missed = False
                self._freed.set()

    async def _begin(self, free: int) -> int:
        begun = await self._store.due(
            self._clock(), free, but=list(self._under_way), held=self._held(), take=self._take
        )
        for delivery in begun:
            task = asyncio.create_task(self._send(delivery))
            self._under_way[delivery.id] = delivery, task
            task.add_done_callback(partial(self._keep, delivery.id))
        return len(begun)

    def _paces(self) -> list[tuple[str, Pace]]:
        return [(name, pace) for name, c in self._channels.items() if (pace := getattr(c, "pace", None)) is not None]

    def _held(self) -> list[Held]:
        now = _now()
        held: list[Held] = [(name, None) for name in self.away]
        for name, pace in self._paces():
            everything, peers = pace.held(now)
            held += [(name, None)] if everything else [(name, peer) for peer in peers]
        return held

    def _take(self, delivery: Delivery) -> bool:
        pace: Pace | None = getattr(self._channels.get(delivery.channel), "pace", None)
        return pace is None or pace.take(delivery.peer, _now())

    async def _send(self, delivery: Delivery) -> Settlement:
        pace: Pace | None = getattr(self._channels.get(delivery.channel), "pace", None)
        if pace is not None and _can_merge(delivery) and pace.is_crowded(delivery.peer, _now()):
            delivery, along = merged(delivery, await self._store.behind(delivery.id, MERGED))
            self._merged[delivery.id] = along
        return await attempt(delivery, self._channels, self._clock())

    def _keep(self, name: str, task: asyncio.Task[Settlement]) -> None:
        if task.cancelled() or task.exception() is not None:
            log.error("sending was cut off; it is tried again")
            self._free([name])
            return
        self._receipts.append(task.result())
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_receipts())

    async def _store_receipts(self) -> None:
        """Store the receipts that are there; those that come meanwhile are stored together after it."""
        while self._receipts:
            receipts, self._receipts = self._receipts, []
            settlements = [one for receipt in receipts for one in self._with_merged(receipt)]
            while True:
                try:
                    await self._store.settle(settlements, self._clock())
                    break
                except Exception as error:
                    log.error("receipts could not be stored (%s); trying again", type(error).__name__)
                    await asyncio.sleep(AWAY_SECONDS)
            for receipt in receipts:
                channel = self._under_way[receipt.delivery][0].channel
                self.counts[channel, "sent" if receipt.sent else "later" if receipt.retry_at else receipt.reason] += 1
            self._free([receipt.delivery for receipt in receipts])
            self._told()
            if self._going:  # not by way of the loop that delivers: a sender without work is the one thing that costs
                with contextlib.suppress(Exception):  # the loop asks again, and says what is wrong
                    await self._fill()

    def _with_merged(self, receipt: Settlement) -> list[Settlement]:
        along = self._merged.pop(receipt.delivery, ()) if receipt.sent else ()
        return [receipt, *(replace(receipt, delivery=name, thread=None) for name in along)]

    def _free(self, names: Sequence[str]) -> None:
        for name in names:
            del self._under_way[name]
            self._merged.pop(name, None)
        self._ended += len(names)
        self._freed.set()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _can_merge(delivery: Delivery) -> bool:
    """Whether it is a post in a case's thread that says only text."""
    return (
        delivery.ticket is not None
        and delivery.role in ("copy", "note", "mark")
        and not (delivery.attachments or delivery.edits or delivery.answers or delivery.message.choices)
    )


def merged(first: Delivery, waiting: Sequence[Delivery]) -> tuple[Delivery, tuple[str, ...]]:
    """The first post with those of its kind that wait right behind it, and the ids of those that go along.

    Only posts of one role become one, so that an answer to a copy still answers what the person wrote.
    """
    message, along = first.message, []
    for delivery in waiting:
        length = len(message.text) + len(delivery.message.text)
        if not _can_merge(delivery) or delivery.role != first.role or length > MERGED_CHARACTERS:
            break
        message = replace(
            message,
            text=f"{message.text}\n\n{delivery.message.text}",
            blocks=message.blocks + delivery.message.blocks,
        )
        along.append(delivery.id)
    return replace(first, message=message), tuple(along)


async def attempt(delivery: Delivery, channels: Mapping[str, Channel], now: dt.datetime) -> Settlement:
    """One try; what came of it."""
    channel = channels.get(delivery.channel)
    if channel is None:
        later = now + dt.timedelta(seconds=LONGEST_WAIT)
        return Settlement(delivery=delivery.id, sent=False, retry_at=later)
    try:
        files = await _files(delivery, channels)
        receipt = await channel.send(delivery, files)
    except SendError as error:
        return _failed(delivery, error, now)
    except Exception as error:  # a bug in a channel must not stop the others' messages
        log.error("channel %s raised %s while sending", delivery.channel, type(error).__name__)
        return _failed(delivery, SendError(retryable=True, reason=type(error).__name__), now)
    return Settlement(
        delivery=delivery.id,
        sent=True,
        external_ids=receipt.external_ids,
        thread=receipt.thread,
        moved_to=receipt.peer,
    )


def _failed(delivery: Delivery, error: SendError, now: dt.datetime) -> Settlement:
    retry = error.retryable and delivery.attempt < ATTEMPTS
    wait = 0.0 if error.thread_gone or error.moved_to else wait_before(delivery.attempt)
    reason = error.reason if error.reason in REASONS else "gave-up" if error.retryable else "refused"
    log.warning("delivery on %s failed: %s%s", delivery.channel, error.reason, "" if retry else "; given up")
    return Settlement(
        delivery=delivery.id,
        sent=False,
        thread=error.thread,
        thread_gone=error.thread_gone,
        moved_to=error.moved_to,
        retry_at=now + dt.timedelta(seconds=max(wait, error.retry_after or 0.0)) if retry else None,
        reason=reason,  # type: ignore[arg-type]
    )


async def _files(delivery: Delivery, channels: Mapping[str, Channel]) -> list[tuple[str, bytes]]:
    """The bytes of what a message carries, pictures re-encoded; a file that cannot be had is left out."""
    files: list[tuple[str, bytes]] = []
    for attachment in delivery.attachments:
        source = channels.get(delivery.source_channel)
        if source is None or not attachment.ref:
            continue
        try:
            data = await source.fetch(attachment)
            files.append(await _cleaned(attachment, data))
        except SendError as error:
            if error.retryable:
                raise
            log.warning("a file could not be fetched: %s", error.reason)
        except ValueError as error:
            log.warning("a picture was not passed on: %s", error)
    return files


async def _cleaned(attachment: Attachment, data: bytes) -> tuple[str, bytes]:
    # What a file is, its bytes tell better than its sender: a picture sent as a nameless file has metadata too.
    if attachment.kind == "photo" or attachment.mime.startswith("image/") or data.startswith(PICTURES):
        return "picture.jpg", await asyncio.to_thread(clean_image, data)
    return attachment.name or attachment.kind, data
