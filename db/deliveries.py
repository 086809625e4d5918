"""A delivery as it lies in the outbox: its sealed form, the keys it is found by, and how urgent it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from db.codec import Codec
from db.records import address_key
from db.sql import Row
from flows.core.delivery import Attachment, Delivery, RenderedMessage
from flows.core.events import Address


def to_json(delivery: Delivery) -> dict[str, Any]:
    """The form a delivery has in the outbox; its attempt is a column of its own."""
    return {
        "id": delivery.id,
        "channel": delivery.channel,
        "peer": delivery.peer,
        "role": delivery.role,
        "message": delivery.message.to_json(),
        "thread": delivery.thread,
        "ticket": delivery.ticket,
        "title": delivery.title,
        "attachments": [attachment.to_json() for attachment in delivery.attachments],
        "source_channel": delivery.source_channel,
        "edits": delivery.edits,
        "answers": delivery.answers,
    }


def from_json(data: dict[str, Any], attempt: int) -> Delivery:
    """The delivery that `to_json` described."""
    attachments = tuple(Attachment.from_json(attachment) for attachment in data["attachments"])
    message = RenderedMessage.from_json(data["message"])
    return Delivery(**{**data, "message": message, "attachments": attachments, "attempt": attempt})


def recipient_key(codec: Codec, delivery: Delivery) -> str:
    """The key of whom it goes to."""
    return address_key(codec, Address(channel=delivery.channel, peer=delivery.peer))


def lane_key(codec: Codec, delivery: Delivery) -> str:
    """The key of the lane in which it keeps its order: the recipient with the case or the thread."""
    place = delivery.thread if delivery.ticket is None else delivery.ticket
    return codec.digest("lane", delivery.channel, delivery.peer, place)


def sealed(codec: Codec, key: str, delivery: Delivery) -> bytes:
    """The delivery as it is stored under that id."""
    return codec.seal(f"outbox:{key}", to_json(delivery), delivery)


def opened(codec: Codec, row: Row) -> Delivery:
    """The delivery of a row that begins with row, id, payload and attempt."""
    known = codec.handed_over(f"outbox:{row[1]}", row[2])
    if known is not None:
        return known if known.attempt == row[3] else replace(known, attempt=row[3])  # type: ignore[no-any-return]
    return from_json(codec.open_json(f"outbox:{row[1]}", row[2]), row[3])


def urgency(delivery: Delivery) -> int:
    """What goes first when not all can go: crisis, then people, then staff rooms."""
    if delivery.ticket is None and delivery.role in ("reply", "agent", "system"):
        return 0 if delivery.message.crisis else 1
    return 2
