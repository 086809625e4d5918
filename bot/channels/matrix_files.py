"""What hangs on a Matrix message beside its text: files with their keys, places, polls.

The reference of a file is where it lies and, in an encrypted room, the key that opens it; it is kept sealed.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.parse import urlsplit

from nio import EncryptionError
from nio.crypto.attachments import decrypt_attachment, encrypt_attachment

from bot.channels.matrix_client import MatrixClient
from bot.channels.matrix_requests import NETWORK, MatrixError, send_error
from bot.channels.telegram_files import clean
from bot.errors import SendError
from flows.core.delivery import Attachment

FILE_BYTES = 20 * 1024 * 1024

_KINDS = {"m.image": "photo", "m.audio": "audio", "m.video": "video", "m.file": "document", "m.sticker": "sticker"}
_VOICE = ("org.matrix.msc3245.voice", "m.voice")
_GEO = re.compile(r"geo:(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)")
POLLS = ("m.poll.start", "org.matrix.msc3381.poll.start")


def attachments(kind: str, content: dict[str, Any]) -> tuple[Attachment, ...]:
    """The attachment of a message with that msgtype or event type; none when it is only text."""
    if kind in _KINDS:
        return (_file(kind, content),)
    if kind == "m.location":
        found = _GEO.match(clean(content.get("geo_uri")))
        return (Attachment(kind="location", data=f"{found[1]},{found[2]}") if found else Attachment(kind="other"),)
    if kind in POLLS:
        return (Attachment(kind="poll", data=_poll(_dict(content.get(kind)))),)
    return ()


def caption(kind: str, content: dict[str, Any]) -> str:
    """What a person wrote under a file; the file's own name is none."""
    if kind == "m.sticker" or not clean(content.get("filename")):
        return ""
    return "" if content.get("filename") == content.get("body") else clean(content.get("body"))


async def fetch(client: MatrixClient, attachment: Attachment) -> bytes:
    """The bytes of a file somebody sent, opened; SendError when it cannot be had."""
    if attachment.size > FILE_BYTES:
        raise SendError(retryable=False, reason="too-big")
    try:
        ref = json.loads(attachment.ref)
        url = urlsplit(str(ref["url"]))
    except (ValueError, KeyError, TypeError):
        raise SendError(retryable=False, reason="refused") from None
    try:
        data = await client.media(url.netloc, url.path.lstrip("/"), FILE_BYTES)
    except MatrixError as error:
        raise send_error(error) from None
    except NETWORK as error:
        raise SendError(retryable=True, reason=type(error).__name__) from None
    if "key" not in ref:
        return data
    try:
        return await asyncio.to_thread(decrypt_attachment, data, ref["key"], ref["hash"], ref["iv"])
    except (EncryptionError, ValueError, KeyError):
        raise SendError(retryable=False, reason="refused") from None


async def upload(client: MatrixClient, data: bytes, mime: str, encrypted: bool) -> dict[str, Any]:
    """The content fields that point at an uploaded file; MatrixError when it is refused."""
    keys: dict[str, Any] = {}
    if encrypted:
        data, keys = await asyncio.to_thread(encrypt_attachment, data)
    url = await client.put_media(data, "application/octet-stream" if encrypted else mime)
    return {"file": {**keys, "url": url}} if encrypted else {"url": url}


def _file(kind: str, content: dict[str, Any]) -> Attachment:
    info, file = _dict(content.get("info")), _dict(content.get("file"))
    url = clean(file.get("url") or content.get("url"))
    if not url.startswith("mxc://"):
        return Attachment(kind="other")
    ref: dict[str, Any] = {"url": url}
    if file:
        ref |= {
            "key": clean(_dict(file.get("key")).get("k")),
            "iv": clean(file.get("iv")),
            "hash": clean(_dict(file.get("hashes")).get("sha256")),
        }
    size = info.get("size")
    ours = "voice" if any(mark in content for mark in _VOICE) else _KINDS[kind]
    return Attachment(
        kind=ours,
        ref=json.dumps(ref),
        name=clean(content.get("filename")) or (clean(content.get("body")) if kind != "m.sticker" else ""),
        mime=clean(info.get("mimetype")),
        size=size if isinstance(size, int) and 0 <= size < 1 << 53 else 0,
        data=clean(content.get("body")) if kind == "m.sticker" else "",
    )


def _poll(poll: dict[str, Any]) -> str:
    lines = [_text(poll.get("question"))]
    answers = poll.get("answers")
    lines += [f"- {_text(answer)}" for answer in answers] if isinstance(answers, list) else []
    return "\n".join(line for line in lines if line.strip("- "))


def _text(value: object) -> str:
    """Words of an extensible event, in the forms they have had."""
    data = _dict(value)
    written = data.get("m.text")
    if isinstance(written, list) and written:
        written = _dict(written[0]).get("body")
    return clean(written or data.get("org.matrix.msc1767.text") or data.get("body"))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
