"""How Telegram reads a message: HTML into text, and the limits it holds to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from typing import Any

TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "blockquote", "tg-spoiler"}
MESSAGE_CHARACTERS = 4096
CAPTION_CHARACTERS = 1024
CALLBACK_BYTES = 64

_TAG = re.compile(r"<(/?)([a-zA-Z-]*)((?:\s+[a-z-]+=(?:\"[^\"]*\"|'[^']*'))*)\s*>")
_HREF = re.compile(r"href=[\"']([^\"']*)[\"']")


class ApiError(Exception):
    """An answer that is not ok."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        self.code, self.description, self.parameters = code, description, parameters
        super().__init__(description)


@dataclass(frozen=True)
class Parsed:
    """The text that is shown, and what is bold or linked in it."""

    text: str
    bold: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()  # (text, address)


def bad(description: str) -> ApiError:
    return ApiError(400, f"Bad Request: {description}")


def parsed(text: str, parse_mode: str | None) -> Parsed:
    """The text as it is shown; ApiError for HTML that Telegram refuses."""
    if parse_mode is None:
        return Parsed(text)
    if parse_mode.upper() != "HTML":
        raise bad("unsupported parse_mode")
    shown = ""
    bold: list[str] = []
    links: list[tuple[str, str]] = []
    opened: list[tuple[str, int, str]] = []
    at = 0
    while at < len(text):
        if text[at] != "<":
            following = text.find("<", at)
            following = len(text) if following < 0 else following
            shown += unescape(text[at:following])
            at = following
            continue
        tag = _TAG.match(text, at)
        if tag is None or tag[2].lower() not in TAGS:
            raise bad(f"can't parse entities: Unsupported start tag at byte offset {at}")
        name = tag[2].lower()
        if not tag[1]:
            address = _HREF.search(tag[3])
            opened.append((name, len(shown), unescape(address[1]) if address else ""))
        elif not opened or opened[-1][0] != name:
            raise bad(f"can't parse entities: Unexpected end tag at byte offset {at}")
        else:
            _, begin, url = opened.pop()
            if name == "b":
                bold.append(shown[begin:])
            elif name == "a":
                links.append((shown[begin:], url))
        at = tag.end()
    if opened:
        raise bad(f"can't parse entities: Can't find end tag corresponding to start tag \"{opened[-1][0]}\"")
    return Parsed(shown, tuple(bold), tuple(links))


def message_text(params: dict[str, Any]) -> Parsed:
    """The text of a message to be sent."""
    said = parsed(str(params.get("text", "")), params.get("parse_mode"))
    if not said.text.strip():
        raise bad("message text is empty")
    if _units(said.text) > MESSAGE_CHARACTERS:
        raise bad("message is too long")
    return said


def caption(params: dict[str, Any]) -> Parsed:
    """The caption of a file to be sent."""
    said = parsed(str(params.get("caption", "")), params.get("parse_mode"))
    if _units(said.text) > CAPTION_CHARACTERS:
        raise bad("message caption is too long")
    return said


def keyboard(params: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The rows of buttons under a message."""
    markup = params.get("reply_markup")
    markup = json.loads(markup) if isinstance(markup, str) else markup or {}
    rows: list[list[dict[str, Any]]] = markup.get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        if not button.get("text"):
            raise bad("inline keyboard button text is empty")
        if not 1 <= len(button.get("callback_data", "").encode()) <= CALLBACK_BYTES:
            raise bad("BUTTON_DATA_INVALID")
    return rows


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
