"""What hangs on a Telegram message beside its text: files by reference, places, cards, polls."""

from __future__ import annotations

from typing import Any

from flows.core.delivery import Attachment

_FILES = (
    # field, our kind, type of content where Telegram names none
    ("animation", "video", "video/mp4"),
    ("voice", "voice", "audio/ogg"),
    ("audio", "audio", "audio/mpeg"),
    ("video", "video", "video/mp4"),
    ("video_note", "video", "video/mp4"),
    ("document", "document", ""),
)
_UNREADABLE = ("game", "story", "paid_media", "giveaway", "giveaway_winners", "invoice", "checklist", "live_photo")


def attachments(message: dict[str, Any]) -> tuple[Attachment, ...]:
    """The attachment of a message, none when it is only text; one that cannot be read is of kind "other"."""
    if "photo" in message:
        return (_photo(message["photo"]),)
    for field, kind, mime in _FILES:
        if field in message:
            return (_file(message[field], kind, mime),)
    if "sticker" in message:
        return (_sticker(message["sticker"]),)
    if "venue" in message:
        return (_venue(message["venue"]),)
    if "location" in message:
        return (_place(message["location"]),)
    if "contact" in message:
        return (_card(message["contact"]),)
    if "poll" in message:
        return (_poll(message["poll"]),)
    if "dice" in message:
        return (Attachment(kind="sticker", data=_get(message["dice"], "emoji")),)
    return (Attachment(kind="other"),) if any(field in message for field in _UNREADABLE) else ()


def clean(value: object) -> str:
    """The text when it is one, without what no database takes: NUL and halves of surrogate pairs."""
    if not isinstance(value, str):
        return ""
    whole = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\x00", "")


def _get(data: object, key: str) -> str:
    return clean(data.get(key)) if isinstance(data, dict) else ""


def _number(data: object, key: str) -> int:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else 0


def _file(data: object, kind: str, mime: str) -> Attachment:
    ref = _get(data, "file_id")
    if not ref:
        return Attachment(kind="other")
    return Attachment(
        kind=kind,
        ref=ref,
        name=_get(data, "file_name"),
        mime=_get(data, "mime_type") or mime,
        size=_number(data, "file_size"),
    )


def _photo(sizes: object) -> Attachment:
    """The biggest of the sizes."""
    known = [size for size in sizes if isinstance(size, dict)] if isinstance(sizes, list) else []
    biggest = max(known, key=lambda size: _number(size, "width") * _number(size, "height"), default={})
    return _file(biggest, "photo", "image/jpeg")


def _sticker(data: object) -> Attachment:
    moving = isinstance(data, dict) and (data.get("is_animated") or data.get("is_video"))
    ref = "" if moving else _get(data, "file_id")  # a moving one is no picture: its emoji says enough
    return Attachment(
        kind="sticker",
        ref=ref,
        mime="image/webp" if ref else "",
        size=_number(data, "file_size"),
        data=_get(data, "emoji"),
    )


def _place(data: object) -> Attachment:
    latitude, longitude = _degrees(data, "latitude"), _degrees(data, "longitude")
    if latitude is None or longitude is None:
        return Attachment(kind="other")
    return Attachment(kind="location", data=f"{latitude:.6g},{longitude:.6g}")


def _degrees(data: object, key: str) -> float | None:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 180 else None


def _venue(data: object) -> Attachment:
    place = _place(data.get("location") if isinstance(data, dict) else None)
    said = [text for text in (place.data, _get(data, "title"), _get(data, "address")) if text]
    return Attachment(kind="location", data="\n".join(said)) if said else Attachment(kind="other")


def _card(data: object) -> Attachment:
    said = [_get(data, key) for key in ("first_name", "last_name", "phone_number")]
    return Attachment(kind="contact", data=" ".join(text for text in said if text))


def _poll(data: object) -> Attachment:
    options = data.get("options") if isinstance(data, dict) else None
    texts = [_get(option, "text") for option in options] if isinstance(options, list) else []
    lines = [_get(data, "question"), *(f"- {text}" for text in texts if text)]
    return Attachment(kind="poll", data="\n".join(line for line in lines if line))
