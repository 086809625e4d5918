"""German official words in a translation: each is there, is cited, and has the reader's own word beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bot.content.markdown import Text
from bot.content.tables import Problems
from bot.content.town import Pack
from bot.languages import LANGUAGES
from flows.core.knowledge import Block

_IN_BRACKETS = re.compile(r"\(([^(){}\n]+)\)")
# What stands in brackets or in quotation marks of any of our languages.
_ASIDE = re.compile(r"\([^()]*\)|„[^„“”]*[“”]|«[^«»]*»|“[^“”]*”|\"[^\"]*\"")


def compare_terms(text: Text, german: Text, problems: Problems) -> None:
    """A translation cites every official word of the German text, and the reader is told what each means."""
    cited = {id for kind, id, _ in text.facts if kind == "term"}
    for id in dict.fromkeys(id for kind, id, _ in german.facts if kind == "term"):
        if id not in cited:
            problems.error(text.path, text.lead_line, f"the official word {{{{term:{id}}}}} of de.md is not used here")
    name = LANGUAGES[text.path.stem].name
    for id, line in _bare(text):
        problems.error(
            text.path,
            line,
            f"the first {{{{term:{id}}}}} of this part stands without brackets: write the word in {name} "
            "and the German one in brackets behind it (quotation marks where a letter is quoted)",
        )


def _bare(text: Text) -> Iterator[tuple[str, int]]:
    """Official words whose first use in the first view or a section stands bare, with their lines.

    Each part is looked at for itself, because people open a section without having read the one before.
    """
    lines = iter([line for kind, _, line in text.facts if kind == "term"])
    for part in (text.lead, *(section.blocks for section in text.sections)):
        seen: set[str] = set()
        for block in part:
            for id, is_bare in _terms(block):
                line = next(lines)
                if is_bare and id not in seen:
                    yield id, line
                seen.add(id)


def _terms(block: Block) -> list[tuple[str, bool]]:
    """The official words of a paragraph or list item in order, and whether each stands bare.

    Not bare: in brackets, in quotation marks, or alone in the bold words a list item begins with.
    """
    ids: list[str] = []
    words = ""
    for span in block.spans:
        if span.fact and span.fact[0] == "term":
            words += chr(_MARK + len(ids))
            ids.append(span.fact[1])
        else:
            words += " " if span.fact else span.text
    if not ids:
        return []
    left = None
    while left != words:  # brackets inside brackets go first
        left, words = words, _ASIDE.sub(" ", words)
    key = _key(block) if block.kind != "paragraph" else 0
    return [(id, n >= key and chr(_MARK + n) in words) for n, id in enumerate(ids)]


_MARK = 0xE000  # the first of the characters that mean nothing, one for each official word of a block


def _key(block: Block) -> int:
    """How many official words a list item begins with in bold, nothing but punctuation around them."""
    count = 0
    for span in block.spans:
        if not span.bold or (span.fact and span.fact[0] != "term") or re.search(r"\w", span.text):
            break
        count += bool(span.fact)
    return count


def warn_of_terms(language: str, text: Text, pack: Pack, german_words: Mapping[str, str], problems: Problems) -> None:
    """Official words a translation cites without an entry in its language, and those it types by hand."""
    if language == "de":
        return
    for id in dict.fromkeys(id for kind, id, _ in text.facts if kind == "term"):
        if id in pack.terms and language not in pack.terms[id].words:
            line = next(line for kind, cited, line in text.facts if (kind, cited) == ("term", id))
            name = LANGUAGES[language].name
            problems.warn(text.path, line, f"{{{{term:{id}}}}}: glossary.toml has no word in {name} for it")
    for n, line_of_text in enumerate(text.body.split("\n"), text.body_line):
        for typed in () if line_of_text.startswith("#") else _IN_BRACKETS.findall(line_of_text):  # a heading is plain
            if term := german_words.get(typed.strip()):
                problems.warn(text.path, n, f"({typed}) is typed by hand: write ({{{{term:{term}}}}})")
