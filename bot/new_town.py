"""The folder of a new town: files that `lotse check` accepts, with examples to fill in and everything missing told."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from bot.content.front import quoted
from bot.errors import SettingsError
from bot.languages import VOICED
from flows.core.labels import TOPICS

_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "ł": "l"})

TOWN = """\
# {name}. `LOTSE_TOWN={id} lotse check` lists what is missing; what each key means: knowledge/README.md.

name = {quoted}
unfinished = true             # what is missing is a warning; take this line out at the end
# state = "Sachsen-Anhalt"
# subdivision = "ST"          # the state's short name: its public holidays
timezone = "Europe/Berlin"
languages = [{languages}]
# Topics, in order; the first eight stand in the menu, the others one tap further.
menu = [{menu}]

[operator]
# name = "Stadt …"            # who answers for it
# project = "…"               # what people are told it is called
# office = "project"          # the project's own record in directory.toml

[staff]
# hours = "Mo-Fr 09:00-12:00; PH off"
{topics}
# A topic of this town alone, or a topic's door:
# [topics.waste]
# articles = ["waste.bulky"]  # articles/waste/bulky/ in this folder
# office = "town-hall"
"""

DISTRICTS = """\
# The quarters of {name}, with their official numbers.

# [[district]]
# number = "01"
# name = "Altstadt"
# neighbours = ["Neustadt"]   # names of other quarters in this file
# postcodes = ["99999"]
"""

DIRECTORY = """\
# Offices and offers of {name}: each address, phone number and opening time once, with its source.
# The ids in articles that hold everywhere (articles/) are looked up here: `lotse check` says which are missing.

# [[office]]
# id = "town-hall"
# name = "Bürgerbüro"
# kind = "office"
# address = "Marktplatz 1"
# postcode = "99999"
# district = "Altstadt"
# phone = "0399 123456"
# web = "https://www.example.org/buergerbuero"
# hours = "Mo-Fr 09:00-12:00; Tu 14:00-17:00; PH off"   # as in OpenStreetMap
# languages = ["de", "en"]
# topics = ["public"]
# confidence = "official"     # official | secondary | stale
# as_of = "2026-11"
# source = "https://www.example.org/buergerbuero"
"""

AMOUNTS = """\
# Amounts, deadlines and times in {name}, each once, dated, with its source. mark: official | secondary | recheck.

# [[amount]]
# id = "waste.bulky.fee"
# value = 20
# unit = "EUR"                # EUR | cubic-meter | liter | kilogram | meter | percent | lesson | hour
# mark = "official"
# as_of = "2026-11"
# source = "https://www.example.org/gebuehren"
# valid_until = 2026-12-31    # after this day it is never shown as current

# [[deadline]]
# id = "jobcenter.objection"
# value = 1
# unit = "month"              # day | working-day | week | month | year;  or  month_day = "03-01"
# mark = "official"
# as_of = "2026-08-19"
# source = "SGG § 84"

# [[time]]
# id = "noise.night"
# hours = "Mo-Su 22:00-06:00"
# mark = "official"
# as_of = "2026-11"
# source = "https://www.example.org/laerm"
"""


def id_of(name: str) -> str:
    """The folder's name: small letters, digits and hyphens; "" where nothing of the name is left."""
    spelt = unicodedata.normalize("NFKD", name.lower().translate(_SPELT)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", spelt).strip("-")


def make_town(folder: Path, name: str) -> tuple[str, list[Path]]:
    """Write the town's files under `towns/`; its id and the files. SettingsError where that cannot be."""
    name = " ".join(name.split())
    id = id_of(name)
    if not id:
        raise SettingsError(f"“{name}” has no letter a folder could be named with")
    place = folder / "towns" / id
    if place.exists():
        raise SettingsError(f"{place} is there already")
    general = {
        topic: sorted(f"{topic}.{entry.name}" for entry in (folder / "articles" / topic).iterdir() if entry.is_dir())
        for topic in TOPICS
        if (folder / "articles" / topic).is_dir()
    }
    topics = "".join(
        f"\n[topics.{topic}]\narticles = [{', '.join(map(quoted, articles))}]\n" for topic, articles in general.items()
    )
    files = {
        "town.toml": TOWN.format(
            name=name,
            id=id,
            quoted=quoted(name),
            languages=", ".join(map(quoted, VOICED)),
            menu=", ".join(map(quoted, general)),
            topics=topics,
        ),
        "districts.toml": DISTRICTS.format(name=name),
        "directory.toml": DIRECTORY.format(name=name),
        "amounts.toml": AMOUNTS.format(name=name),
    }
    try:
        place.mkdir(parents=True)
        for file, text in files.items():
            (place / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{place}: {error.strerror}") from None
    return id, [place / file for file in files]
