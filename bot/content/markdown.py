"""One language's text of an article, from its file to blocks and spans.

markdown-it-py finds paragraphs, lists and headings; the three things allowed inside them (bold, links,
cited facts) are few enough for one expression, which is five times as fast as its inline rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import get_args

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.content import digits
from bot.content.tables import Problems, TomlFile, read_text
from flows.core.knowledge import Block, FactKind, Section, Span

FACT_KINDS = get_args(FactKind)

_FENCE = "+++"
_PIECE = re.compile(r"\*\*|\{\{[^{}\n]*\}\}|\[[^\[\]]*\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)")
_LINK = re.compile(r"\[([^\[\]]*)\]\((.*)\)")
_FACT = re.compile(r"\{\{([a-z_]+):([A-Za-z0-9._-]+)\}\}")
_HEADING = re.compile(r"(.+?)\s*\{#([a-z0-9]+(?:-[a-z0-9]+)*)\}")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LEFT_OVER: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\{\{|\}\}"), "a cited fact is written {{kind:id}}"),
    (re.compile(r"</?[A-Za-z!]"), "HTML is not allowed"),
    (re.compile(r"!\[|\]\("), "a link is written [text](https://…)"),
    (re.compile(r"\*"), "only **bold** is allowed"),
    (re.compile(r"`"), "code is not allowed"),
    (re.compile(r"(?<!\w)_\S|\\[\W_]|&#?\w+;"), "Markdown beyond bold and links is not allowed"),
    (_DIRECTION, "an invisible direction mark; Lotse sets them itself"),
)
# One look for any character the forms above need, because nearly every stretch of text has none.
_SUSPECT = re.compile(r"[{}<\[\]*`_\\&\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(kw_only=True)
class Text:
    """What a file says, with the lines of what must be looked up elsewhere."""

    path: Path
    front: TomlFile
    body: str
    body_line: int = 1  # where the body begins in its file
    title: str = ""
    lead: list[Block] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    section_lines: list[int] = field(default_factory=list)
    facts: list[tuple[FactKind, str, int]] = field(default_factory=list)  # with its line
    lead_line: int = 1


def split(text: str) -> tuple[str, str, int] | None:
    """Front matter, body and the line the body begins on; None without front matter between +++ lines."""
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        return None
    for n, line in enumerate(lines[1:], 1):
        if line.rstrip() == _FENCE:
            return "\n".join(lines[1:n]), "\n".join(lines[n + 1 :]), n + 2
    return None


def read(path: Path, problems: Problems) -> Text | None:
    """The text of a file, or None when it has no form at all; every problem is told."""
    content = read_text(path, problems)
    if content is None:
        return None
    parts = split(content)
    if parts is None:
        problems.error(path, 1, "the file must begin with front matter between two +++ lines")
        return None
    front, body, first_line = parts
    text = Text(path=path, front=TomlFile(path, front, problems, 2), body=body, body_line=first_line)
    _Reader(text, first_line, problems).read()
    return text


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").disable(["inline", "reference", "text_join"])


class _Reader:
    def __init__(self, text: Text, first_line: int, problems: Problems) -> None:
        self._text = text
        self._first_line = first_line
        self._problems = problems
        self._section: tuple[str, str, list[Block]] | None = None
        text.lead_line = first_line

    def read(self) -> None:
        tokens = _parser().parse(self._text.body)
        lists: list[Token] = []
        item_paragraphs = 0
        wanted = ""  # what the next inline token is: h1, h2, bullet, number, paragraph
        for token in tokens:
            match token.type:
                case "heading_open":
                    wanted = token.tag
                    if token.markup in ("=", "-"):
                        self._error(token, "a heading is written with # or ##")
                case "bullet_list_open" | "ordered_list_open":
                    if lists:
                        self._error(token, "a list inside a list is not allowed")
                    if token.type == "bullet_list_open" and token.markup != "-":
                        self._error(token, "a list item begins with - or 1.")
                    lists.append(token)
                case "bullet_list_close" | "ordered_list_close":
                    lists.pop()
                case "list_item_open":
                    item_paragraphs = 0
                    wanted = token.info if lists[-1].type == "ordered_list_open" else "bullet"
                case "paragraph_open":
                    if not lists:
                        wanted = "paragraph"
                    elif item_paragraphs:
                        self._error(token, "a list item holds one paragraph")
                    item_paragraphs += 1
                case "inline":
                    self._inline(token, wanted)
                case "html_block":
                    self._error(token, "HTML is not allowed")
                case "paragraph_close" | "heading_close" | "list_item_close":
                    pass
                case "blockquote_close":
                    pass
                case other:
                    name = other.removesuffix("_open").replace("_", " ")
                    self._error(token, f"only paragraphs, lists and headings are allowed, not: {name}")
        self._close_section()
        if not self._text.title:
            self._problems.error(self._text.path, self._first_line, "the title is missing: # Title")
        elif not self._text.lead:
            self._problems.error(self._text.path, self._text.lead_line, "the first view is missing")

    def _inline(self, token: Token, wanted: str) -> None:
        line = self._line(token)
        if wanted == "h1":
            if self._text.title:
                self._problems.error(self._text.path, line, "there is one # Title only")
            self._text.title = self._plain(token.content, line)
            self._text.lead_line = line
        elif wanted == "h2":
            self._open_section(token, line)
        elif wanted.startswith("h") and wanted[1:].isdigit():
            self._problems.error(self._text.path, line, "a heading has one or two #, not more")
        else:
            if not self._text.title:
                self._problems.error(self._text.path, line, "the text begins with # Title")
            blocks = self._section[2] if self._section else self._text.lead
            spans = tuple(self._spans(token.content, line))
            match wanted:
                case "paragraph":
                    blocks.append(Block(kind="paragraph", spans=spans))
                case "bullet":
                    blocks.append(Block(kind="bullet", spans=spans))
                case number:
                    blocks.append(Block(kind="number", spans=spans, number=int(number)))

    def _open_section(self, token: Token, line: int) -> None:
        self._close_section()
        heading = _HEADING.fullmatch(token.content)
        if heading is None:
            self._problems.error(self._text.path, line, "a section's heading ends with its id: ## Heading {#documents}")
            return
        if any(section.id == heading[2] for section in self._text.sections):
            self._problems.error(self._text.path, line, f"the section {{#{heading[2]}}} is there twice")
        self._section = heading[2], self._plain(heading[1], line), []
        self._text.section_lines.append(line)

    def _close_section(self) -> None:
        if self._section is not None:
            id, heading, blocks = self._section
            if not blocks:
                line = self._text.section_lines[-1]
                self._problems.error(self._text.path, line, f"the section {{#{id}}} is empty")
            self._text.sections.append(Section(id=id, heading=heading, blocks=tuple(blocks)))
            self._section = None

    def _plain(self, content: str, line: int) -> str:
        for span in self._spans(content, line):
            if span.bold or span.url or span.fact:
                self._problems.error(self._text.path, line, "a heading is plain text")
                break
        return content.strip()

    def _spans(self, content: str, line: int) -> Iterator[Span]:
        """The running text as spans; `line` is where it begins."""
        bold, position = False, 0
        for piece in _PIECE.finditer(content):
            if piece.start() > position:
                yield self._words(content, position, piece.start(), bold, line)
            position = piece.end()
            here = line + content.count("\n", 0, piece.start())
            if piece[0] == "**":
                bold = not bold
            elif piece[0].startswith("{{"):
                yield from self._fact(piece[0], bold, here)
            else:
                yield from self._link(piece[0], bold, here)
        if position < len(content):
            yield self._words(content, position, len(content), bold, line)
        if bold:
            self._problems.error(self._text.path, line, "** without its pair")

    def _words(self, content: str, start: int, end: int, bold: bool, line: int) -> Span:
        words = content[start:end]
        for form, sentence in _LEFT_OVER if _SUSPECT.search(words) else ():
            if wrong := form.search(words):
                here = line + content.count("\n", 0, start + wrong.start())
                self._problems.error(self._text.path, here, sentence)
                break
        for at, label, found in digits.find(words):
            here = line + content.count("\n", 0, start + at)
            self._problems.error(self._text.path, here, f"“{found}” looks like {label}: cite it with {{{{kind:id}}}}")
        return Span(text=re.sub(r"\s*\n\s*", " ", words), bold=bold)

    def _fact(self, marker: str, bold: bool, line: int) -> Iterator[Span]:
        fact = _FACT.fullmatch(marker)
        if fact is None:
            self._problems.error(self._text.path, line, f"{marker}: a cited fact is written {{{{kind:id}}}}")
        elif fact[1] not in FACT_KINDS:
            self._problems.error(self._text.path, line, f"{marker}: the kind must be one of {', '.join(FACT_KINDS)}")
        else:
            kind: FactKind = fact[1]  # type: ignore[assignment]  # one of FACT_KINDS, as just seen
            self._text.facts.append((kind, fact[2], line))
            yield Span(fact=(kind, fact[2]), bold=bold)

    def _link(self, marker: str, bold: bool, line: int) -> Iterator[Span]:
        link = _LINK.fullmatch(marker)
        assert link is not None
        if not link[2].startswith("https://"):
            self._problems.error(self._text.path, line, f"a link begins with https://, not “{link[2]}”")
        if not link[1].strip():
            self._problems.error(self._text.path, line, "a link needs a text")
        for span in self._spans(link[1], line):
            yield replace(span, url=link[2], bold=span.bold or bold)

    def _line(self, token: Token) -> int:
        return self._first_line + (token.map[0] if token.map else 0)

    def _error(self, token: Token, sentence: str) -> None:
        self._problems.error(self._text.path, self._line(token), sentence)


def count_words(blocks: list[Block]) -> int:
    """How many words the blocks have; a cited fact is one."""
    return sum(1 if span.fact else len(span.text.split()) for block in blocks for span in block.spans)
