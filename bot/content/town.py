"""A town pack and what all towns share: offices, facts, quarters, official words, words of danger."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, get_args
from zoneinfo import ZoneInfo

from bot.content.tables import AS_OF, IDENTIFIER, Problems, Table, TomlFile
from bot.holidays import PublicHolidays, is_subdivision
from bot.languages import LANGUAGES
from flows.core import hours as staff_hours
from flows.core.fold import fold
from flows.core.knowledge import (
    Amount,
    Confidence,
    Dated,
    Deadline,
    District,
    Mark,
    Office,
    Term,
    Time,
    Topic,
    Town,
)

AMOUNT_UNITS = ("EUR", "cubic-meter", "liter", "kilogram", "meter", "percent", "lesson", "hour")
DEADLINE_UNITS = ("day", "working-day", "week", "month", "year")

_PHONE = re.compile(r"\+?\d[\d ]*\d")
_POSTCODE = re.compile(r"\d{5}")
_WEB = re.compile(r"https?://\S+")
_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_NUMBER = re.compile(r"\d{2}")
_POPULATION = re.compile(r"(population|foreign_residents|foreign_share)_\d{4}(_percent)?")

D = TypeVar("D", bound=Dated)


@dataclass(kw_only=True)
class Pack:
    """What the TOML files say, with the place of each entry."""

    town: Town | None = None
    offices: dict[str, Office] = field(default_factory=dict)
    amounts: dict[str, tuple[Amount, ...]] = field(default_factory=dict)
    deadlines: dict[str, tuple[Deadline, ...]] = field(default_factory=dict)
    times: dict[str, tuple[Time, ...]] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)
    districts: tuple[District, ...] = ()
    crisis_words: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    offtopic: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asks: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    hours: list[tuple[Table, str]] = field(default_factory=list)  # each opening_hours with its place
    cited: list[tuple[Table, str, str, str]] = field(default_factory=list)  # (where, key, kind, id) to look up


def read_pack(folder: Path, town: str, problems: Problems) -> Pack:
    """Everything of a town and of all towns but the articles."""
    pack = Pack()
    place = folder / "towns" / town
    if not place.is_dir():
        problems.error(place, 0, f"there is no town “{town}”")
    else:
        _read_directory(place / "directory.toml", pack, problems)
        _read_facts(place / "amounts.toml", pack, problems)
        _read_districts(place / "districts.toml", pack, problems)
        _read_town(place / "town.toml", town, pack, problems)
    _read_glossary(folder / "glossary.toml", pack, problems)
    _read_words(folder / "words.toml", pack, problems)
    for path in sorted((folder / "crisis").glob("*")):
        read_crisis(path, pack, problems)
    for path in sorted((folder / "offtopic").glob("*")):
        _read_offtopic(path, pack, problems)
    for path in sorted((folder / "asks").glob("*")):
        _read_asks(path, pack, problems)
    return pack


def _read_town(path: Path, id: str, pack: Pack, problems: Problems) -> None:
    file = TomlFile.read(path, problems)
    if file is None or file.broken:
        return
    top = file.table()
    unfinished = top.flag("unfinished")
    name = top.need_text("name")
    for key in ("state", "subdivision"):
        if key in top.data or not unfinished:
            top.need_text(key)
        else:
            top.warn(f"{key} is missing" + (": no public holiday is known" if key == "subdivision" else ""))
    subdivision = top.text("subdivision") or ""
    if subdivision and not is_subdivision(subdivision):
        top.error(f"“{subdivision}” is not the short name of a German state, like ST", "subdivision")
        subdivision = ""
    timezone = top.need_text("timezone")
    try:
        ZoneInfo(timezone or "UTC")
    except (KeyError, ValueError, OSError):
        top.error(f"there is no time zone “{timezone}”", "timezone")
    languages = top.texts("languages")
    if not languages:
        top.error("languages is missing or empty", "languages")
    for language in languages:
        if language not in LANGUAGES:
            top.error(f"unknown language: {language}", "languages", language)
    menu = top.texts("menu")
    if not menu:
        (top.warn if unfinished else top.error)("menu is missing or empty", "menu")
    top.ignore("operator", "staff", "topics")
    top.finish()
    operator = file.table("operator")
    told: dict[str, str] = {}
    for key in ("name", "project"):
        if key in operator.data or not unfinished:
            told[key] = operator.need_text(key)
        else:
            operator.warn(f"[operator] {key} is missing: people are told the town's name")
    office = operator.text("office")
    if office:
        pack.cited.append((operator, "office", "office", office))
    elif unfinished:
        operator.warn("[operator] office is missing: the project has no door of its own in directory.toml")
    operator.finish()
    staff = file.table("staff")
    hours = staff.text("hours")
    if hours:
        try:
            staff_hours.parse(hours)
        except ValueError as error:
            staff.error(str(error), "hours")
    elif unfinished:
        staff.warn("[staff] hours is missing: people are told “as soon as somebody is there”")
    staff.finish()
    topics = dict(_topics(file, pack, unfinished))
    for topic in menu:
        if topic not in topics:
            top.error(f"menu names “{topic}”, but there is no [topics.{topic}]", "menu", topic)
    pack.town = Town(
        id=id,
        name=name,
        timezone=timezone,
        operator=told.get("name", name),
        project=told.get("project", f"Lotse {name}"),
        office=office,
        languages=languages,
        menu=menu,
        topics=topics,
        staff_hours=hours,
        holidays=PublicHolidays(subdivision) if subdivision else frozenset(),
        unfinished=unfinished,
    )


def _topics(file: TomlFile, pack: Pack, unfinished: bool) -> Iterator[tuple[str, Topic]]:
    for id in file.table("topics").data:
        table = file.table(f"topics.{id}")
        articles = table.texts("articles")
        if not articles:
            (table.warn if unfinished else table.error)("articles is missing or empty", "articles")
        office = table.text("office")
        for article in articles:
            pack.cited.append((table, "articles", "article", article))
        if office:
            pack.cited.append((table, "office", "office", office))
        table.finish()
        yield id, Topic(id=id, articles=articles, office=office)


def _read_directory(path: Path, pack: Pack, problems: Problems) -> None:
    file = TomlFile.read(path, problems)
    if file is None or file.broken:
        return
    top = file.table()
    top.ignore("office")
    top.finish()
    for table in file.tables("office"):
        id = table.need_text("id", form=IDENTIFIER, like="jugendamt-kita-beratung")
        confidence: Confidence | None = table.one_of("confidence", get_args(Confidence))  # type: ignore[assignment]
        office = Office(
            id=id,
            name=table.need_text("name"),
            kind=table.need_text("kind"),
            confidence=confidence or "stale",
            as_of=table.need_text("as_of", form=AS_OF, like="2025-05"),
            source=table.need_text("source"),
            address=table.text("address"),
            postcode=table.text("postcode", form=_POSTCODE, like="39104"),
            district=table.text("district"),
            phone=table.text("phone", form=_PHONE, like="0391 5405400"),
            email=table.text("email"),
            web=table.text("web", form=_WEB, like="https://www.magdeburg.de"),
            hours=table.text("hours"),
            languages=table.texts("languages"),
            topics=table.texts("topics"),
            cost=table.text("cost"),
        )
        table.ignore("carrier", "note", "hours_note")
        table.finish()
        if office.hours:
            pack.hours.append((table, office.hours))
        if id in pack.offices:
            table.error(f"the office {id} is there twice", "id")
        pack.offices[id] = office


def _read_facts(path: Path, pack: Pack, problems: Problems) -> None:
    file = TomlFile.read(path, problems)
    if file is None or file.broken:
        return
    top = file.table()
    top.ignore("amount", "deadline", "time")
    top.finish()
    amounts: list[tuple[Amount, Table]] = []
    for table in file.tables("amount"):
        table.need("value", "unit")
        unit = table.one_of("unit", AMOUNT_UNITS) if "unit" in table.data else None
        value = table.number("value")
        amounts.append((Amount(value=value or 0, unit=unit or "", **_dated(table)), table))  # type: ignore[arg-type]
        table.finish()
    pack.amounts = _by_id(amounts)
    deadlines: list[tuple[Deadline, Table]] = []
    for table in file.tables("deadline"):
        value = table.number("value")
        month_day = table.text("month_day", form=_MONTH_DAY, like="03-01")
        unit = table.one_of("unit", DEADLINE_UNITS) if "unit" in table.data else None
        if (value is None) == (month_day is None) or (value is None) != (unit is None):
            table.error("a deadline has value and unit, or month_day")
        deadline = Deadline(
            value=None if value is None else int(value),
            unit=unit,
            month_day=month_day,
            **_dated(table),  # type: ignore[arg-type]
        )
        deadlines.append((deadline, table))
        table.finish()
    pack.deadlines = _by_id(deadlines)
    times: list[tuple[Time, Table]] = []
    for table in file.tables("time"):
        time = Time(hours=table.need_text("hours"), **_dated(table))  # type: ignore[arg-type]
        times.append((time, table))
        pack.hours.append((table, time.hours))
        table.finish()
    pack.times = _by_id(times)
    for id in pack.times.keys() & pack.offices.keys():
        line = next(table for time, table in times if time.id == id)
        line.error(f"{id} is the id of an office too, so {{{{hours:{id}}}}} is not clear", "id")


def _dated(table: Table) -> Mapping[str, object]:
    mark: Mark | None = table.one_of("mark", get_args(Mark))  # type: ignore[assignment]
    valid_from, valid_until = table.date("valid_from"), table.date("valid_until")
    if valid_from and valid_until and valid_until < valid_from:
        table.error("valid_until is before valid_from", "valid_until")
    table.ignore("note")
    return {
        "id": table.need_text("id", form=IDENTIFIER, like="waste.bulky.twice"),
        "mark": mark or "recheck",
        "as_of": table.need_text("as_of", form=AS_OF, like="2025-05"),
        "source": table.need_text("source"),
        "valid_from": valid_from,
        "valid_until": valid_until,
    }


def _by_id(entries: list[tuple[D, Table]]) -> dict[str, tuple[D, ...]]:
    """Entries of one id, oldest validity first; spans that overlap are told."""
    found: dict[str, tuple[D, ...]] = {}
    for fact, table in sorted(entries, key=lambda entry: (entry[0].id, entry[0].valid_from or dt.date.min)):
        earlier = found.get(fact.id, ())
        begins = fact.valid_from or dt.date.min
        if earlier and begins <= (earlier[-1].valid_until or dt.date.max):
            table.error(f"{fact.id} is there twice for the same days", "id")
        found[fact.id] = (*earlier, fact)
    return found


def _read_districts(path: Path, pack: Pack, problems: Problems) -> None:
    file = TomlFile.read(path, problems)
    if file is None or file.broken:
        return
    top = file.table()
    top.ignore("district")
    top.finish()
    districts: list[District] = []
    tables = list(file.tables("district"))
    names = {table.data.get("name") for table in tables}
    for table in tables:
        neighbours = table.texts("neighbours")
        for name in neighbours:
            if name not in names:
                table.error(f"unknown quarter: {name}", "neighbours", name)
        if office := table.text("arbitration_office"):
            pack.cited.append((table, "arbitration_office", "office", office))
        district = District(
            number=table.need_text("number", form=_NUMBER, like="08"),
            name=table.need_text("name"),
            neighbours=neighbours,
            focus_area=table.text("focus_area"),
        )
        table.ignore("postcodes", "neighbours_across_water", "bank", "lat", "lon", "quarters")
        table.ignore(*filter(_POPULATION.fullmatch, table.data))
        table.finish()
        if any(district.number == other.number or district.name == other.name for other in districts):
            table.error(f"the quarter {district.number} {district.name} is there twice", "number")
        districts.append(district)
    pack.districts = tuple(districts)


def _read_glossary(path: Path, pack: Pack, problems: Problems) -> None:
    file = TomlFile.read(path, problems)
    if file is None or file.broken:
        return
    top = file.table()
    top.ignore("terms")
    top.finish()
    for id in file.table("terms").data:
        table = file.table(f"terms.{id}")
        words = {language: table.text(language) for language in LANGUAGES if language in table.data}
        table.need("de")
        table.ignore("note")
        table.finish()
        pack.terms[id] = Term(id=id, words={language: word for language, word in words.items() if word})


def _read_words(path: Path, pack: Pack, problems: Problems) -> None:
    """Short words by what they mean, and a topic's own names under "topic:<id>"; folded as questions are."""
    file = TomlFile.read(path, problems)
    if file is None or file.broken:
        return
    top = file.table()
    top.ignore("words", "topics")
    top.finish()
    for name, prefix in (("words", ""), ("topics", "topic:")):
        table = file.table(name)
        for key in table.data:
            pack.words[prefix + key] = tuple(dict.fromkeys(map(fold, table.texts(key))))


def _language_file(path: Path, problems: Problems) -> TomlFile | None:
    """A file named after its language; None after saying what is wrong with it."""
    if path.suffix != ".toml":
        problems.error(path, 0, "only <lang>.toml stands here")
        return None
    if path.stem not in LANGUAGES:
        problems.error(path, 0, f"unknown language: {path.stem}")
        return None
    file = TomlFile.read(path, problems)
    return None if file is None or file.broken else file


def read_crisis(path: Path, pack: Pack, problems: Problems) -> None:
    """The words of danger of one language, and the articles they lead to."""
    file = _language_file(path, problems)
    if file is None:
        return
    top = file.table()
    top.ignore("words")
    top.finish()
    table = file.table("words")
    if not table.data:
        table.error("[words] is missing or empty")
    words: dict[str, tuple[str, ...]] = {}
    for article in table.data:
        words[article] = table.texts(article)
        if not words[article]:
            table.error(f"{article} has no words", article)
        for phrase in words[article]:
            if any("*" in word[:-1] for word in phrase.replace("|", " ").split()):
                table.error(f"“{phrase}”: * stands at the end of a word only", article, phrase)
        pack.cited.append((table, article, "article", article))
    pack.crisis_words[path.stem] = words


def _read_offtopic(path: Path, pack: Pack, problems: Problems) -> None:
    """Questions that are not for us, by theme; the themes only keep the file readable."""
    file = _language_file(path, problems)
    if file is None:
        return
    top = file.table()
    top.ignore("questions")
    top.finish()
    table = file.table("questions")
    if not table.data:
        table.error("[questions] is missing or empty")
    pack.offtopic[path.stem] = tuple(question for theme in table.data for question in table.texts(theme))


def _read_asks(path: Path, pack: Pack, problems: Problems) -> None:
    """Further ways of asking in a language; an article without a text in it is found by them too."""
    file = _language_file(path, problems)
    if file is None:
        return
    top = file.table()
    top.ignore("asks")
    top.finish()
    table = file.table("asks")
    if not table.data:
        table.error("[asks] is missing or empty")
    pack.asks[path.stem] = {article: table.texts(article) for article in table.data}
    pack.cited += [(table, article, "article", article) for article in table.data]
