"""One article's folder: `article.toml` and a text per language, checked against each other."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.content import markdown
from bot.content.markdown import Text, count_words
from bot.content.tables import AS_OF, Problems, Table, TomlFile
from bot.content.terms import compare_terms
from bot.languages import LANGUAGES
from flows.core.knowledge import Article, ArticleText, Source

FIRST_VIEW_WORDS = {"de": (40, 120)}
FIRST_VIEW_WORDS_OTHERS = (30, 150)
FEWEST_ASKS = 5

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_URL = re.compile(r"https?://\S+")


@dataclass(kw_only=True)
class Draft:
    """An article as read, with what must still be looked up elsewhere."""

    article: Article
    file: TomlFile
    texts: Mapping[str, Text]
    cited: list[tuple[Table, str, str, str]] = field(default_factory=list)  # (where, key, kind, id)


def digest(body: str) -> str:
    """Which text a translation was made from: spaces and line breaks do not count."""
    return hashlib.sha256(" ".join(body.split()).encode()).hexdigest()[:12]


def same_text(body: str, listed: Sequence[str]) -> tuple[str, ...]:
    """The digests a translation of that German text may name: its own, and those it differs from in small things only.

    `listed` is the front matter's `minor`; it holds while it ends with the present text.
    """
    now = digest(body)
    return tuple(listed) if listed and listed[-1] == now else (now,)


def folders(folder: Path, town: str, problems: Problems) -> dict[str, Path]:
    """Each article's id and folder; what a town says takes the place of the general article."""
    found: dict[str, Path] = {}
    for place in (folder / "articles", folder / "towns" / town / "articles"):
        for topic in _children(place, problems):
            for entry in _children(topic, problems):
                found[f"{topic.name}.{entry.name}"] = entry
    return dict(sorted(found.items()))


def _children(folder: Path, problems: Problems) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if not path.is_dir():
            if path.suffix in (".md", ".toml"):
                problems.error(path, 0, "an article stands in articles/<topic>/<entry>/")
        elif not _NAME.fullmatch(path.name):
            problems.error(path, 0, "a folder's name has small letters a–z, digits and hyphens only")
        else:
            yield path


def read_article(id: str, folder: Path, problems: Problems) -> Draft | None:
    """The article of that folder, or None when it cannot be one; every problem is told."""
    file = TomlFile.read(folder / "article.toml", problems)
    texts: dict[str, Text] = {}
    for path in sorted(folder.iterdir()):
        if path.name == "article.toml":
            continue
        if path.suffix != ".md":
            problems.error(path, 0, "only article.toml and <lang>.md stand here")
        elif path.stem not in LANGUAGES:
            problems.error(path, 0, f"unknown language: {path.stem}")
        elif (text := markdown.read(path, problems)) is not None:
            texts[path.stem] = text
    if not (folder / "de.md").exists():
        problems.error(folder, 0, "the German text de.md is missing")
    if file is None or file.broken:
        return None
    german = texts.get("de")
    for language, text in texts.items():
        low, high = FIRST_VIEW_WORDS.get(language, FIRST_VIEW_WORDS_OTHERS)
        words = count_words(text.lead)
        if text.lead and not low <= words <= high:
            problems.error(text.path, text.lead_line, f"the first view has {words} words, it must have {low} to {high}")
        if german is not None and language != "de":
            _compare(text, german, problems)
    made_from = same_text(german.body, german.front.table().texts("minor")) if german else ()
    return _assemble(id, file, texts, made_from)


def _assemble(id: str, file: TomlFile, texts: Mapping[str, Text], made_from: Sequence[str]) -> Draft | None:
    table = file.table()
    table.need("owner", "checked_on", "review_by", "words")
    owner = table.text("owner")
    checked_on, review_by = table.date("checked_on"), table.date("review_by")
    if checked_on and review_by and review_by < checked_on:
        table.error("review_by is before checked_on", "review_by")
    offices, related, words = table.texts("offices"), table.texts("related"), table.texts("words")
    if not offices:
        table.error("offices is missing or empty: every answer names a door to go to", "offices")
    discreet = table.flag("discreet")
    table.ignore("sources")
    table.finish()
    sources = tuple(_sources(file))
    if not sources:
        table.error("a source is missing: [[sources]] with url and as_of")
    cited = [(table, "offices", "office", office) for office in offices]
    cited += [(table, "related", "article", other) for other in related]
    if id in related:
        table.error("an article is not related to itself", "related", id)
    article_texts = {language: _text(language, text, made_from) for language, text in texts.items() if text.title}
    if not (checked_on and review_by):
        return None
    article = Article(
        id=id,
        sources=sources,
        owner=owner or "",
        checked_on=checked_on,
        review_by=review_by,
        offices=offices,
        related=related,
        discreet=discreet,
        words=words,
        texts=article_texts,
    )
    return Draft(article=article, file=file, texts=texts, cited=cited)


def _sources(file: TomlFile) -> Iterator[Source]:
    for table in file.tables("sources"):
        url = table.need_text("url")
        if "://" in url and not _URL.fullmatch(url):
            table.error(f"“{url}” is neither a web address nor the name of a law", "url")
        yield Source(url=url, as_of=table.need_text("as_of", form=AS_OF, like="2025-05"))
        table.finish()


def _text(language: str, text: Text, made_from: Sequence[str]) -> ArticleText:
    front = text.front.table()
    status = None if text.front.broken else front.one_of("status", ("draft", "reviewed"))
    reviewer, reviewed_on = front.text("reviewer"), front.date("reviewed_on")
    if status == "reviewed" and not (reviewer and reviewed_on):
        front.error("a reviewed text names its reviewer and reviewed_on", "status")
    if status == "draft" and (reviewer or reviewed_on):
        front.error("a draft has no reviewer", "reviewer" if reviewer else "reviewed_on")
    source_digest = front.text("source_digest", empty=True)
    if language == "de" and source_digest:
        front.error("source_digest does not stand in the German text", "source_digest")
    if language == "de":
        front.ignore("minor")
    asks = front.texts("asks")
    if len(asks) < FEWEST_ASKS and not text.front.broken:
        front.error(f"asks has {len(asks)} questions, it needs at least {FEWEST_ASKS}", "asks")
    front.finish()
    return ArticleText(
        language=language,
        title=text.title,
        lead=tuple(text.lead),
        sections=tuple(text.sections),
        asks=asks,
        reviewed=status == "reviewed",
        outdated=language != "de" and source_digest not in made_from,
        reviewer=reviewer,
        reviewed_on=reviewed_on,
    )


def _compare(text: Text, german: Text, problems: Problems) -> None:
    """A translation has the German text's sections, official words and facts."""
    ids, german_ids = ([section.id for section in each.sections] for each in (text, german))
    if ids != german_ids:
        first = next(
            (n for n, (ours, theirs) in enumerate(zip(ids, german_ids, strict=False)) if ours != theirs),
            min(len(ids), len(german_ids)),
        )
        line = text.section_lines[first] if first < len(text.section_lines) else text.lead_line
        problems.error(
            text.path,
            line,
            f"the sections must be those of de.md in the same order: {', '.join(german_ids) or 'none'}; "
            f"here: {', '.join(ids) or 'none'}",
        )
    compare_terms(text, german, problems)
    theirs = {part: facts for part, _, facts in _cited(german)}
    for part, line, facts in _cited(text):
        if part not in theirs or facts == theirs[part]:
            continue
        differences = (("missing here: ", theirs[part] - facts), ("not in de.md: ", facts - theirs[part]))
        named = "; ".join(word + " ".join(sorted(markers)) for word, markers in differences if markers)
        problems.error(text.path, line, f"{part} cites other facts than de.md: {named}")


def _cited(text: Text) -> Iterator[tuple[str, int, set[str]]]:
    """Each part of a text with its line and the facts it cites; official words are looked at for the whole text."""
    parts = [("the first view", text.lead_line, text.lead)]
    lines = zip(text.sections, text.section_lines, strict=False)
    parts += [(f"the section {{#{section.id}}}", line, list(section.blocks)) for section, line in lines]
    for name, line, blocks in parts:
        cited = (span.fact for block in blocks for span in block.spans if span.fact)
        yield name, line, {f"{{{{{kind}:{id}}}}}" for kind, id in cited if kind != "term"}
