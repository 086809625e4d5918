"""Changing single keys of a text's front matter, and no other byte of the file.

A file keeps its line endings, its comments and the order of its keys; what stands between the keys is not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

ORDER = ("status", "reviewer", "reviewed_on", "source_digest", "minor", "asks")
"""Where a key that is not there yet is put: after the nearest one before it."""

_BEGIN = re.compile(r"\+\+\+[ \t]*(\r?\n)")
_END = re.compile(r"^\+\+\+[ \t]*\r?$", re.MULTILINE)
_STRING = r'"(?:[^"\\\r\n]|\\.)*"|' r"'[^'\r\n]*'"
_LIST = rf"\[(?:\s|,|#[^\n]*|{_STRING})*\]"


def quoted(text: str) -> str:
    """A text as TOML writes it; everything but quotes, backslashes and control characters stays as it is."""
    return json.dumps(text, ensure_ascii=False)


def listed(texts: Iterable[str]) -> str:
    """A list of texts as our files write it, one a line."""
    return "[\n" + "".join(f"  {quoted(text)},\n" for text in texts) + "]"


def with_keys(content: str, values: Mapping[str, str | None]) -> str:
    """The file's content with these keys set to TOML values; None takes a key out. Without front matter unchanged."""
    begin = _BEGIN.match(content)
    end = _END.search(content, begin.end()) if begin else None
    if begin is None or end is None:
        return content
    newline, front = begin[1], content[begin.end() : end.start()]
    for key, value in values.items():
        front = _with_key(front, key, value, newline)
    return content[: begin.end()] + front + content[end.start() :]


def _with_key(front: str, key: str, value: str | None, newline: str) -> str:
    found = _place(front, key)
    if value is None:
        if found is None:
            return front
        after = front.find("\n", found.end())
        return front[: found.start()] + (front[after + 1 :] if after >= 0 else "")
    line = f"{key} = {value}".replace("\n", newline)
    if found is not None:
        return front[: found.start()] + line + front[found.end() :]
    at = 0
    for earlier in ORDER[: ORDER.index(key)] if key in ORDER else ORDER:
        if (before := _place(front, earlier)) is not None:
            following = front.find("\n", before.end())
            at = following + 1 if following >= 0 else len(front)
    return front[:at] + line + newline + front[at:]


def _place(front: str, key: str) -> re.Match[str] | None:
    """Where a key and its value stand; a list may go over several lines."""
    return re.search(rf"^{key}[ \t]*=[ \t]*(?:{_LIST}|{_STRING}|[^\s#\[\"']+)", front, re.MULTILINE)
