"""A rendered message as Telegram shows it: HTML in parts that fit, rows of buttons, direction marks.

A message is laid out as characters with a style each. It is cut there, not in HTML, so every part has its own
whole tags; and each part is weighed in UTF-16 code units, as Telegram weighs it.
"""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.languages import LANGUAGES
from flows.core.delivery import Button, RenderedMessage, RichBlock

MESSAGE_UNITS = 4096
CAPTION_UNITS = 1024
ROW_LABEL = 18
"""Two buttons share a row when neither label is longer."""

FSI, PDI, RLM = "\u2068", "\u2069", "\u200f"
_OPENING = frozenset("\u2066\u2067\u2068")
_RESERVE = 8  # for closing and reopening isolates and a direction mark where a part begins
_LINKS = ("https://", "http://", "mailto:")
_SENTENCE_ENDS = frozenset(".!?؟…。۔")
_ZWJ = "\u200d"
_UNSENDABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # categories Cc and Cs, but for line ends


@dataclass(frozen=True)
class _Style:
    bold: bool = False
    url: str | None = None


_PLAIN, _BOLD = _Style(), _Style(bold=True)
_Laid = list[tuple[str, _Style]]


def to_parts(message: RenderedMessage, limit: int = MESSAGE_UNITS) -> tuple[str, ...]:
    """The message as HTML, in as few parts of at most `limit` UTF-16 units as sensible places allow."""
    whole = _in_one(message, limit)
    if whole is not None:
        return (whole,)
    laid = _directed(_laid_out(message), message.language)
    parts = [_html(part) for part in _cut(laid, limit, message.language) if _visible(part)]
    return tuple(parts) or (("…",) if message.choices else ())


def to_rows(choices: Sequence[Button]) -> list[list[Button]]:
    """One button a row when its label is long, else two."""
    rows: list[list[Button]] = []
    half = False
    for button in choices:
        short = len(button.label) <= ROW_LABEL
        if half and short:
            rows[-1].append(button)
            half = False
        else:
            rows.append([button])
            half = short
    return rows


def units(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units."""
    return sum(map(_width, text))


def _units(sendable: str) -> int:
    return len(sendable) if sendable.isascii() else len(sendable.encode("utf-16-le")) // 2


# ---- laying out ----


def _in_one(message: RenderedMessage, limit: int) -> str | None:
    """The HTML of a message that is short enough and needs no marks, as most are; None for any other."""
    if LANGUAGES[message.language].direction == "rtl":
        return None
    runs = [(style, "".join(text for text, _ in run)) for style, run in itertools.groupby(_runs(message), _style_of)]
    if sum(map(_units, (text for _, text in runs))) > limit:
        return None
    while runs and not (last := runs[-1][1].rstrip()):
        runs.pop()
    if not runs or not any(map(_shows, (text for _, text in runs))):
        return None
    runs[-1] = runs[-1][0], last
    return "".join(_tagged(style, text) for style, text in runs)


def _laid_out(message: RenderedMessage) -> _Laid:
    return [(c, style) for text, style in _runs(message) for c in text]


def _runs(message: RenderedMessage) -> Iterator[tuple[str, _Style]]:
    """What may be sent, with its style; what is no character (controls, half a surrogate pair) is left out."""
    for text, style in _said(message):
        sent = _UNSENDABLE.sub("", text)
        if sent:
            yield sent, style


def _said(message: RenderedMessage) -> Iterator[tuple[str, _Style]]:
    previous: RichBlock | None = None
    if not message.blocks:
        yield message.text, _PLAIN
    for block in message.blocks:
        if previous is not None:
            together = block.kind == previous.kind and block.kind in ("bullet", "number", "small")
            yield "\n" if together else "\n\n", _PLAIN
        if block.kind == "bullet":
            yield "• ", _PLAIN
        elif block.kind == "number":
            yield f"{block.number}. ", _PLAIN
        for span in block.spans:
            if span.url and span.url.startswith(_LINKS):
                yield span.text, _Style(bold=span.bold or block.kind == "heading", url=span.url)
            else:
                yield span.text, _BOLD if span.bold or block.kind == "heading" else _PLAIN
        previous = block


def _style_of(run: tuple[str, _Style]) -> _Style:
    return run[1]


def _directed(laid: _Laid, language: str) -> _Laid:
    """A mark before each line that runs right to left but does not begin with a letter that says so."""
    if LANGUAGES[language].direction == "ltr":
        return laid
    marked: _Laid = []
    for line in _lines(laid):
        if _needs_mark(line):
            marked.append((RLM, _PLAIN))
        marked += line
    return marked


def _lines(laid: _Laid) -> Iterator[_Laid]:
    line: _Laid = []
    for item in laid:
        line.append(item)
        if item[0] == "\n":
            yield line
            line = []
    if line:
        yield line


def _needs_mark(line: _Laid) -> bool:
    """A line in a foreign script alone (a text shown in another language) keeps its own direction."""
    first = next((c for c, _ in line if not c.isspace()), None)
    if first is None or _class(first) in ("R", "AL"):
        return False
    outside: set[str] = set()
    depth = 0
    for c, _ in line:
        if c in _OPENING:
            depth += 1
        elif c == PDI:
            depth = max(depth - 1, 0)
        elif depth == 0:
            outside.add(_class(c))
    return bool(outside & {"R", "AL"}) or "L" not in outside


def _class(c: str) -> str:
    return unicodedata.bidirectional(c)


# ---- cutting ----


def _cut(laid: _Laid, limit: int, language: str) -> Iterator[_Laid]:
    right_to_left = LANGUAGES[language].direction == "rtl"
    if sum(_width(c) for c, _ in laid) <= limit:
        yield laid
        return
    start, carried = 0, 0  # carried: isolates that the last cut went through
    while start < len(laid):
        end, depth = _place(laid, start, limit - _RESERVE, carried)
        part = laid[start:end]
        if start and right_to_left and laid[start - 1][0] != "\n" and _needs_mark(next(_lines(part))):
            part = [(RLM, _PLAIN), *part]
        yield [(FSI, _PLAIN)] * carried + part + [(PDI, _PLAIN)] * depth
        start, carried = end, depth
        while start < len(laid) and laid[start][0].isspace():
            start += 1


def _place(laid: _Laid, start: int, room: int, depth: int) -> tuple[int, int]:
    """Where to cut (an index after the last character taken), and how many isolates the cut goes through.

    Best after a paragraph, then a line, a sentence, a word; never in an isolate unless it alone fills the part.
    """
    best: dict[int, tuple[int, int]] = {}
    used = 0
    for i in range(start, len(laid)):
        c = laid[i][0]
        used += _width(c)
        if used > room:
            break
        depth = min(depth + 1, 2) if c in _OPENING else max(depth - 1, 0) if c == PDI else depth
        if i + 1 == len(laid):
            return i + 1, 0
        rank = _rank(laid, i, depth)
        if rank is not None and not (rank < _WORD and used < room // 4):
            best[rank] = (i + 1, depth)
    if best:
        return best[min(best)]
    return start + 1, depth  # one character wider than the room: cannot be, room is never below two


_WORD = 3


def _rank(laid: _Laid, i: int, depth: int) -> int | None:
    """How good it is to cut after character `i`, 0 best; None where it would tear a character apart."""
    c, following = laid[i][0], laid[i + 1][0]
    inside = 4 if depth else 0
    if c == "\n":
        return inside + (0 if (i and laid[i - 1][0] == "\n") or following == "\n" else 1)
    if following.isspace() and c in _SENTENCE_ENDS:
        return inside + 2
    if c.isspace():
        return inside + _WORD
    if c == _ZWJ or c in _OPENING or following in (_ZWJ, PDI) or _joins(following):
        return None
    return 9 if depth else 8


def _joins(c: str) -> bool:
    """Whether the character changes the one before it: an accent, a variation, a skin tone."""
    return unicodedata.category(c) in ("Mn", "Me", "Mc") or "\U0001f3fb" <= c <= "\U0001f3ff"


def _width(c: str) -> int:
    return 2 if c > "\uffff" else 1


def _visible(part: _Laid) -> bool:
    return _shows(c for c, _ in part)


def _shows(text: Iterable[str]) -> bool:
    return any(not c.isspace() and unicodedata.category(c) not in ("Cf", "Zs") for c in text)


# ---- HTML ----


def _html(part: _Laid) -> str:
    written = ""
    for style, run in itertools.groupby(_stripped(part), key=lambda item: item[1]):
        written += _tagged(style, "".join(c for c, _ in run))
    return written


def _tagged(style: _Style, text: str) -> str:
    text = html.escape(text, quote=False)
    if style.url is not None:
        text = f'<a href="{html.escape(style.url)}">{text}</a>'
    return f"<b>{text}</b>" if style.bold else text


def _stripped(part: _Laid) -> _Laid:
    end = len(part)
    while end and part[end - 1][0].isspace():
        end -= 1
    return part[:end]
