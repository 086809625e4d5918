"""A rendered message as Matrix shows it: plain text and the HTML beside it, in parts that fit an event."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import nh3

from bot.channels.matrix_events import CHOICES
from bot.channels.telegram_text import to_parts
from flows.core.delivery import Button, RenderedMessage

PART_UNITS = 3000
"""UTF-16 units in one event. An event has 65,536 bytes; a letter of Arabic takes sixteen there, once as text and once
as HTML, each as an escape of six bytes, and a third more when encrypted."""

KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣", "🔟")

_TAGS = {"b", "a", "br"}
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
_ISOLATES = "\u2066\u2067\u2068\u2069"


def contents(message: RenderedMessage, msgtype: str) -> Iterator[dict[str, Any]]:
    """The message as event contents in order; the choices it offers are named in the last."""
    parts = to_parts(message, PART_UNITS)
    for i, part in enumerate(parts):
        content: dict[str, Any] = {"msgtype": msgtype, "body": plain(part)}
        if "<" in part:
            formatted = nh3.clean(part.replace("\n", "<br>"), tags=_TAGS, attributes={"a": {"href"}}, link_rel=None)
            content |= {"format": "org.matrix.custom.html", "formatted_body": formatted}
        if message.choices and i + 1 == len(parts):
            content[CHOICES] = [[button.id, button.label] for button in message.choices]
        yield content


def plain(part: str) -> str:
    """The same without HTML; a link is followed by its address."""

    def link(found: re.Match[str]) -> str:
        url, shown = found[1], found[2]
        return shown if shown.strip(_ISOLATES) == url else f"{shown} ({url})"

    return html.unescape(re.sub(r"</?b>", "", _LINK.sub(link, part)))


def poll(choices: tuple[Button, ...], question: str) -> dict[str, Any]:
    """The choices as a poll, each answer with the choice's own id."""
    start = {
        "kind": "org.matrix.msc3381.poll.disclosed",
        "max_selections": 1,
        "question": {"org.matrix.msc1767.text": question, "body": question, "msgtype": "m.text"},
        "answers": [{"id": button.id, "org.matrix.msc1767.text": button.label} for button in choices],
    }
    listed = "\n".join(f"{n}. {button.label}" for n, button in enumerate(choices, 1))
    return {
        "org.matrix.msc3381.poll.start": start,
        "org.matrix.msc1767.text": f"{question}\n{listed}",
        CHOICES: [[button.id, button.label] for button in choices],
    }
