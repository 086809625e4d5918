"""Texts on their way to a translator and back: rows of two languages, checked before anything is written.

Each row carries a stamp: the digest of the German text it shows, and of the piece as it was. So a row that nobody
touched changes nothing, a piece that two people changed is told and not overwritten, and a translation made from a
German text that has changed since counts as outdated.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.content import units as pieces
from bot.content.articles import FEWEST_ASKS, FIRST_VIEW_WORDS, FIRST_VIEW_WORDS_OTHERS, digest, folders, read_article
from bot.content.front import quoted, with_keys
from bot.content.load import look_up_facts
from bot.content.markdown import split
from bot.content.tables import Problems
from bot.content.terms import warn_of_terms
from bot.content.town import Pack, read_pack
from bot.content.units import ASKS, FIRST_VIEW, HEADING, TITLE, Unit, shown
from bot.errors import Problem
from bot.languages import LANGUAGES
from flows.core.knowledge import ArticleText, Knowledge

COLUMNS = ("id", "state", "context", "german", "text", "stamp")
STATES = ("missing", "draft", "outdated", "reviewed")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One piece of one article, for a translator."""

    id: str  # "ar:waste.bulky#cost"
    state: str = ""
    context: str = ""
    german: str = ""
    text: str = ""
    stamp: str = ""
    place: str = ""  # where it stands in the sheet: "row 12"


@dataclass(frozen=True, kw_only=True)
class Review:
    """Who has read a text, and when."""

    reviewer: str
    on: dt.date


@dataclass(kw_only=True)
class Plan:
    """What a sheet would change; with problems nothing of it is written."""

    changes: dict[Path, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unchanged: int = 0  # texts in the sheet that stay as they are

    def write(self) -> list[Path]:
        """Write every changed text; the files."""
        for path, content in sorted(self.changes.items()):
            path.write_bytes(content.encode("utf-8"))
        return sorted(self.changes)


def state_of(text: ArticleText | None) -> str:
    """One of STATES: an outdated text stays outdated even if somebody once reviewed it."""
    if text is None:
        return "missing"
    if text.outdated:
        return "outdated"
    return "reviewed" if text.reviewed else "draft"


def export(folder: Path, knowledge: Knowledge, language: str, ids: Iterable[str]) -> Iterator[Row]:
    """The rows of these articles in that language, each article's title first."""
    places = folders(folder, knowledge.town.id, Problems())
    for id in ids:
        german_content = _read(places[id] / "de.md")
        german, made_from = pieces.units(german_content), _digest(german_content)
        there = pieces.units(_read(places[id] / f"{language}.md"))
        state = state_of(knowledge.articles[id].texts.get(language))
        for name, unit in german.items():
            text = there[name].text if name in there else ""
            yield Row(
                id=f"{language}:{id}{name}",
                state=state,
                context=_context(name, unit, language, knowledge),
                german=unit.text,
                text=text,
                stamp=f"{made_from}.{digest(text)}",
            )


def _context(name: str, unit: Unit, language: str, knowledge: Knowledge) -> str:
    """What a piece is and what it must keep, in words for a translator; official words as the glossary has them."""
    low, high = FIRST_VIEW_WORDS.get(language, FIRST_VIEW_WORDS_OTHERS)
    if name == TITLE:
        said = ["Title"]
    elif name == ASKS:
        said = [f"Ways people ask, one a line, at least {FEWEST_ASKS}; as people really ask, not translated"]
    elif name == FIRST_VIEW:
        said = [f"First view, {low} to {high} words"]
    elif name.endswith(HEADING):
        said = [f"Heading of the section {name.removesuffix(HEADING)}"]
    else:
        said = [f"Section {name}"]
    for id, term in knowledge.terms.items():
        if f"{{{{term:{id}}}}}" in unit.text:
            word = term.words.get(language, "no word yet")
            said.append(f"{{{{term:{id}}}}} = {term.words.get('de', id)}" + ("" if language == "de" else f" = {word}"))
    return "; ".join(said)


def plan(folder: Path, town: str, rows: Sequence[Row], review: Review | None = None, all_read: bool = False) -> Plan:
    """What the rows would change, with everything that is wrong with them.

    With `review` each text that changes is marked as reviewed; with `all_read` also those left as they were.
    """
    made = Plan()
    places = folders(folder, town, Problems())
    pack = read_pack(folder, town, Problems())
    for (language, article), own in _by_text(rows, places, made).items():
        _Import(language, article, places[article], own, made, pack).take(review, all_read)
    return made


def _by_text(rows: Sequence[Row], places: Mapping[str, Path], made: Plan) -> dict[tuple[str, str], dict[str, Row]]:
    """The rows of each text by the piece's name; what names no text, or one piece twice, is told."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        language, _, rest = row.id.partition(":")
        cut = min((at for at in (rest.find("/"), rest.find("#")) if at >= 0), default=len(rest))
        article, name = rest[:cut], rest[cut:]
        if language not in LANGUAGES:
            made.problems.append(f"{row.place}: the id “{row.id}” names no language we know")
        elif article not in places:
            made.problems.append(f"{row.place}: there is no article “{article}”")
        elif name in found.setdefault((language, article), {}):
            made.problems.append(f"{row.place}: {row.id} is there twice")
        else:
            found[language, article][name] = row
    return found


class _Import:
    """One text of one article, coming back."""

    def __init__(
        self, language: str, article: str, folder: Path, rows: Mapping[str, Row], made: Plan, pack: Pack
    ) -> None:
        self._language = language
        self._article = article
        self._folder = folder
        self._rows = rows
        self._made = made
        self._pack = pack
        self._path = folder / f"{language}.md"
        self._content = _read(self._path)
        self._there = pieces.units(self._content)
        self._german_content = _read(folder / "de.md")
        self._german = pieces.units(self._german_content)

    def take(self, review: Review | None, all_read: bool) -> None:
        """Add this text's change to the plan, or what is wrong with it."""
        before = len(self._made.problems)
        changed = {name: text for name, row in self._rows.items() if (text := self._changed(name, row)) is not None}
        read = review if changed or (all_read and self._content) else None
        if len(self._made.problems) > before:
            return
        if not changed and read is None:
            self._made.unchanged += 1
            return
        content = self._with(changed)
        if content is None:
            return
        content = self._marked(content, read)
        if content == self._content:
            self._made.unchanged += 1
        elif self._is_sound(content):
            self._made.changes[self._path] = content

    def _problem(self, sentence: str, row: Row | None = None) -> None:
        place = f"{row.place}: {row.id}" if row else f"{self._language}:{self._article}"
        self._made.problems.append(f"{place}: {sentence}")

    def _changed(self, name: str, row: Row) -> str | None:
        """The piece's new text; None where nobody touched it or it cannot be taken."""
        if name not in self._german:
            self._problem("the German text has no such piece (any more): export again", row)
            return None
        made_from, _, base = row.stamp.strip().partition(".")
        if not made_from or not base:
            self._problem("the stamp is missing: it must come back as it went out", row)
            return None
        text = _cell(name, row.text)
        now = self._there[name].text if name in self._there else ""
        german = self._german[name].text
        if made_from == _digest(self._german_content) and self._language != "de" and _cell(name, row.german) != german:
            self._problem("the German column was changed; only the column “text” is taken over", row)
        if text == now or digest(text) == base:
            return None
        if digest(now) != base:
            self._problem(f"{self._path.name} has changed since this sheet was made: export again", row)
        elif not text:
            self._problem("the text was emptied", row)
        elif "\n" in text and (name == TITLE or name.endswith(HEADING)):
            self._problem("a title or heading is one line", row)
        else:
            return text
        return None

    def _with(self, changed: Mapping[str, str]) -> str | None:
        """The file with the changed pieces; None where a text that is new lacks some."""
        if list(self._there) == list(self._german):
            return pieces.with_units(self._content, changed)
        texts = {
            name: changed.get(name, self._there[name].text if name in self._there else "") for name in self._german
        }
        empty = [name for name, text in texts.items() if not text]
        if empty:
            self._problem(f"a new text must be whole; still empty: {', '.join(empty)}")
            return None
        if not self._content:
            return pieces.new_text(tuple(self._german), texts)
        body = split(pieces.new_text(tuple(self._german), texts))
        front = split(pieces.with_units(self._content, {ASKS: texts[ASKS]}) if ASKS in changed else self._content)
        assert body is not None
        assert front is not None
        return f"+++\n{front[0]}\n+++\n{body[1]}"

    def _marked(self, content: str, review: Review | None) -> str:
        """The file with its state: who has read it, and which German text it was made from."""
        whole = set(self._german) <= set(self._rows)
        stamps = {row.stamp.strip().partition(".")[0] for row in self._rows.values()}
        marks: dict[str, str | None] = {"status": '"draft"', "reviewer": None, "reviewed_on": None}
        if review is not None:
            marks = {
                "status": '"reviewed"',
                "reviewer": quoted(review.reviewer),
                "reviewed_on": review.on.isoformat(),
            }
            if not whole:
                self._problem("the sheet holds only a part of this text, so nobody can have reviewed the whole of it")
        if whole and len(stamps) == 1 and self._language != "de":
            (made_from,) = stamps
            marks["source_digest"] = quoted(made_from)
            if made_from != _digest(self._german_content):
                self._made.notes.append(
                    f"{self._language}:{self._article}: the German text has changed since this sheet was made; "
                    "taken over, and marked as outdated unless that change was a minor one"
                )
        return with_keys(content, marks)

    def _is_sound(self, content: str) -> bool:
        """Whether `lotse check` would have no error in the article's texts; each is told with its row."""
        problems = Problems()
        with tempfile.TemporaryDirectory() as made:
            folder = Path(shutil.copytree(self._folder, Path(made) / "entry"))
            (folder / self._path.name).write_bytes(content.encode("utf-8"))
            draft = read_article(self._article, folder, problems)
            if draft is not None:
                look_up_facts(draft, self._pack, problems)
                text = draft.texts.get(self._language)
                german_words = {term.words["de"]: id for id, term in self._pack.terms.items() if "de" in term.words}
                if text is not None:
                    warn_of_terms(self._language, text, self._pack, german_words, problems)
        ours = sorted({p for p in problems.found if p.path.suffix == ".md"})
        found = [p for p in ours if self._language in ("de", p.path.stem)]  # German facts bind the others
        self._made.notes += [self._told(p, content) for p in found if p.severity == "warning"]
        errors = [self._told(problem, content) for problem in found if problem.severity == "error"]
        self._made.problems += errors
        return not errors

    def _told(self, problem: Problem, content: str) -> str:
        if problem.path.name != self._path.name:
            return f"{self._language}:{self._article}: {problem.path.name}:{problem.line}: {problem.sentence}"
        name = pieces.unit_at(content, problem.line)
        if name == TITLE and problem.sentence.startswith("the first view"):  # told at the title's line
            name = FIRST_VIEW
        row = self._rows.get(name)
        place = f"{row.place}: {row.id}" if row else f"{self._language}:{self._article}{name}"
        return f"{place}: {problem.sentence}"


def _cell(name: str, text: str) -> str:
    return "\n".join(" ".join(ask.split()) for ask in pieces.questions(text)) if name == ASKS else shown(text)


def _digest(content: str) -> str:
    parts = split(content)
    return digest(parts[1]) if parts else ""


def _read(path: Path) -> str:
    """The file's characters with its own line endings; "" where there is none."""
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
