"""Sending what was promised: in order per recipient, tried again when it is worth it, receipts stored at once."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Mapping

from bot.channels.base import Channel
from bot.errors import SendError
from bot.images import clean_image
from db.store import Settlement, Store
from flows.core.delivery import Attachment, Delivery

log = logging.getLogger(__name__)

IN_FLIGHT = 16
"""At most so many sends at once: what a crash can double."""

SOON = 0.1
"""Seconds after which a delivery is slow: the others are not held up by it any longer."""

ATTEMPTS = 40
LONGEST_WAIT = 600.0
REASONS = ("blocked", "gone", "refused")
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\x00", b"MM\x00*")
"""How files of pictures begin."""


def wait_before(attempt: int) -> float:
    """Seconds before the next try: 1, 2, 4 … up to ten minutes."""
    return float(min(2.0**attempt, LONGEST_WAIT))


UnderWay = dict[str, asyncio.Task[None]]
"""Deliveries being sent at this moment, by id."""


async def deliver_due(store: Store, channels: Mapping[str, Channel], now: dt.datetime, under_way: UnderWay) -> int:
    """Begin every delivery that is due, up to sixteen at once; returns how many were begun, ended, or go on.

    Each receipt is stored as soon as it is there, so that a crash repeats only what was in flight. What takes long
    stays under way and is not waited for, so that nobody waits for another's recipient.
    """
    ended = _collect(under_way)
    free = IN_FLIGHT - len(under_way)
    begun = await store.due(now, free, but=under_way) if free else ()
    for delivery in begun:
        under_way[delivery.id] = asyncio.create_task(_deliver(store, channels, delivery, now))
    if under_way:
        await asyncio.wait(
            under_way.values(),
            timeout=SOON,
            return_when=asyncio.ALL_COMPLETED if begun else asyncio.FIRST_COMPLETED,
        )
    ended += _collect(under_way)
    return len(begun) + ended + len(under_way)


async def _deliver(store: Store, channels: Mapping[str, Channel], delivery: Delivery, now: dt.datetime) -> None:
    await store.settle([await attempt(delivery, channels, now)], now)


def _collect(under_way: UnderWay) -> int:
    """Let go of what has come to an end; raises what storing a receipt raised."""
    ended = [under_way.pop(name) for name, task in list(under_way.items()) if task.done()]
    errors = [error for task in ended if (error := task.exception()) is not None]
    if errors:
        raise errors[0]
    return len(ended)


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
