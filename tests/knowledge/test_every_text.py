"""Every text of the real knowledge folder, read in every language it has: its length, its script, what it cites."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from bot.content import load_knowledge
from bot.content.articles import FEWEST_ASKS, FIRST_VIEW_WORDS, FIRST_VIEW_WORDS_OTHERS
from bot.content.markdown import count_words
from bot.formats import FSI, PDI
from bot.languages import LANGUAGES, VOICED
from bot.render import Catalogs, render
from bot.settings import ROOT
from flows.core import facts
from flows.core.delivery import Capabilities, RenderedMessage
from flows.core.fold import fold
from flows.core.knowledge import ArticleText, Block, Knowledge
from flows.core.phrases import ArticleView, Message

DAY = dt.date(2026, 11, 26)

LATIN, CYRILLIC, ARABIC = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ", "\u0400-\u052f", "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefe"
SCRIPTS = {"latin": LATIN, "cyrillic": CYRILLIC, "arabic": ARABIC}
WRITTEN_IN = {"ar": "arabic", "fa": "arabic", "uk": "cyrillic", "ru": "cyrillic"}  # all others: latin

# Latin words in Arabic and Cyrillic texts that no table of the town has: offices, quarters, districts, official words.
NAMES = frozenset(
    {
        # Lotse, and where people meet it
        *("Lotse", "Telegram", "WhatsApp"),
        # what people read on letters, cards and screens, so the German or international form helps them
        *("AufenthG", "UkraineAufenthFGV", "Absatz", "BAföG", "BundID", "BuT", "eID", "e-mail", "PIN", "TAN", "WBS"),
        *("Bundesärztekammer", "Chancen-Aufenthalt", "E-Revier", "Eingliederungsvereinbarung", "Gesundheitsamt"),
        *("Elterngeldstelle", "ElterngeldPlus", "ElternPortal", "Hartz IV", "IOM", "Sozialhilfe", "Übergangsgeld"),
        *("Abitur", "A", "B", "C", "a", "b"),  # levels of German (A1, B2), and paragraphs (§ 16g a)
        # streets, parks and places to meet
        *("Adelheidring", "Brenneckestraße", "Dommuseum", "Elbe", "Florapark", "Fröbelstraße", "Glacis", "Niemeyerweg"),
        *("Nordpark", "Stadtpark", "Wiesenpark", "Stadtfelder", "die Stadtfelder", "Wohncafé Milchweg"),
        *("Stadtteiltreff OASE", "Treff Mühle", "Familienhaus im Park", "Repair-Café"),
        *("Industriehafen", "Gewerbegebiet Nord", "Barleber See", "Sülzegrund", "Großer Silberberg", "Zipkeleben"),
        *("Kreuzhorst", "Beyendorfer Grund", "Nordwest", "Stadtfeld", "Schilfbreite"),
        # offers and firms
        *("ChancenPatenschaft", "Entknoten", "Familien-Patenschaft", "GISE", "GWA", "Interventionsstelle", "PreZero"),
        *("AGSA", "einewelt haus", "Lese- und Lernpaten", "open.med", "soliRADisch"),
        # quiet days
        *("Buß- und Bettag", "Christi Himmelfahrt", "Heilige Drei Könige", "Karfreitag", "Pfingstmontag"),
        *("Reformationstag", "Totensonntag", "Volkstrauertag"),
    }
)

_ISOLATED = re.compile(f"{FSI}[^{FSI}{PDI}]*{PDI}")
_ADDRESS = re.compile(r"https?://\S+|\S+@\S+")
# German words in brackets or quotation marks stand beside their translation.
_ASIDE = re.compile(r"\([^()]*\)|„[^„“”]*[“”]|«[^«»]*»|“[^“”]*”|\"[^\"]*\"")


@pytest.fixture(scope="module")
def magdeburg() -> Knowledge:
    return load_knowledge(ROOT / "knowledge", "magdeburg")


@pytest.fixture(scope="module")
def voice() -> Catalogs:
    return Catalogs.load(ROOT / "locales")


def each_text(knowledge: Knowledge, *languages: str) -> Iterator[tuple[str, ArticleText]]:
    """Each text with its name; in the named languages, or in all."""
    for article in knowledge.articles.values():
        for language, text in article.texts.items():
            if not languages or language in languages:
                yield f"{article.id} {language}", text


def parts(text: ArticleText) -> Iterator[tuple[str, str, tuple[Block, ...]]]:
    """The first view and the sections: id ("" is the first view), heading, blocks."""
    yield "", text.title, text.lead
    for section in text.sections:
        yield section.id, section.heading, section.blocks


def words_of(block: Block) -> str:
    """What its author typed: a space in place of a cited fact."""
    return "".join(" " if span.fact else span.text for span in block.spans)


def typed(text: ArticleText) -> Iterator[str]:
    """Headings and blocks, as typed."""
    for _, heading, blocks in parts(text):
        yield heading
        yield from map(words_of, blocks)


def running(text: ArticleText) -> Iterator[str]:
    """Headings and blocks without cited facts, links, addresses, brackets and quotations."""
    for _, heading, blocks in parts(text):
        for line in (heading, *("".join(" | " if s.fact or s.url else s.text for s in b.spans) for b in blocks)):
            yield _ASIDE.sub(" | ", _ADDRESS.sub(" | ", line))


def fact_ids(blocks: tuple[Block, ...], *, terms: bool) -> set[tuple[str, str]]:
    return {span.fact for block in blocks for span in block.spans if span.fact and (span.fact[0] == "term") == terms}


def shown(knowledge: Knowledge, voice: Catalogs, *languages: str) -> Iterator[tuple[str, ArticleView, RenderedMessage]]:
    """The first view and each section of every article, rendered in those languages as on that day."""
    for article in knowledge.articles.values():
        for language in languages:
            if language not in article.texts:
                continue
            for section in (None, *(section.id for section in article.texts[language].sections)):
                view = facts.view(knowledge, article.id, language, DAY, section=section)
                said = render(Message(parts=(view,)), language, voice, Capabilities(buttons=True))
                yield f"{article.id} {language} {section or ''}", view, said


# ---- length, and what a translation keeps ----


def test_every_first_view_has_the_length_of_one_screen(magdeburg: Knowledge):
    wrong = {}
    for name, text in each_text(magdeburg):
        low, high = FIRST_VIEW_WORDS.get(text.language, FIRST_VIEW_WORDS_OTHERS)
        words = count_words(list(text.lead))
        if not low <= words <= high:
            wrong[name] = words
    assert wrong == {}


def test_every_translation_cites_the_official_words_of_the_german_text(magdeburg: Knowledge):
    wrong = {}
    for name, text in each_text(magdeburg):
        german = magdeburg.articles[name.split()[0]].texts["de"]
        ours, theirs = (
            set().union(*(fact_ids(blocks, terms=True) for _, _, blocks in parts(each))) for each in (text, german)
        )
        if missing := theirs - ours:
            wrong[name] = missing
    assert wrong == {}


def test_every_translation_cites_the_same_facts_in_the_same_place(magdeburg: Knowledge):
    wrong = {}
    for name, text in each_text(magdeburg):
        german = magdeburg.articles[name.split()[0]].texts["de"]
        ours, theirs = ({id: fact_ids(blocks, terms=False) for id, _, blocks in parts(each)} for each in (text, german))
        if list(ours) != list(theirs):
            wrong[name] = f"sections {list(ours)}"
        elif differing := {id: ours[id] ^ theirs[id] for id in ours if ours[id] != theirs[id]}:
            wrong[name] = str(differing)
    assert wrong == {}


def test_no_title_or_first_view_was_left_in_another_language(magdeburg: Knowledge):
    said: dict[str, set[str]] = defaultdict(set)
    for _, text in each_text(magdeburg):
        said[fold(text.title)].add(text.language)
        said[fold(" ".join(map(words_of, text.lead)))].add(text.language)
    assert {words: languages for words, languages in said.items() if len(languages) > 1} == {}


def test_every_text_is_asked_for_in_enough_ways_and_no_way_stands_there_twice(magdeburg: Knowledge):
    wrong = {}
    asked = {name: text.asks for name, text in each_text(magdeburg)}
    for language, articles in magdeburg.asks.items():
        asked |= {f"{article} {language} (no text yet)": asks for article, asks in articles.items()}
    for name, asks in asked.items():
        twice = [ask for ask, count in Counter(map(fold, asks)).items() if count > 1 or not ask]
        if twice or (len(asks) < FEWEST_ASKS and "no text" not in name):
            wrong[name] = twice or len(asks)
    assert wrong == {}


# ---- script ----


def known_names(knowledge: Knowledge) -> set[str]:
    """Every name or run of words within a name that the town's tables and the glossary say in German."""
    whole = set(NAMES)
    for office in knowledge.offices.values():
        whole |= {office.name, office.address or "", office.district or ""}
    for district in knowledge.districts:
        whole |= {district.name, *district.neighbours}
    whole |= {term.words["de"] for term in knowledge.terms.values()}
    whole |= {language.name for language in LANGUAGES.values()}
    found: set[str] = set()
    for name in whole:
        pieces = re.findall(f"[{LATIN}]+", name)
        for start in range(len(pieces)):
            for end in range(start + 1, len(pieces) + 1):
                found.add(" ".join(pieces[start:end]))
    # A small word of a long name ("für", "und") is no name by itself.
    return {name for name in found if name[0].isupper() or name in NAMES} | {
        " ".join(re.findall(f"[{LATIN}]+", name)) for name in whole if name
    }


def unknown(line: str, known: set[str]) -> Iterator[str]:
    """The Latin words of a line that belong to no known name; the longest name is taken first."""
    for run in re.findall(rf"[{LATIN}]+(?:[ \u00a0./&–-]+[{LATIN}]+)*", line):
        pieces = re.findall(f"[{LATIN}]+", run)
        start = 0
        while start < len(pieces):
            ends = range(len(pieces), start, -1)
            end = next((end for end in ends if " ".join(pieces[start:end]) in known), None)
            if end is None:
                yield pieces[start]
            start = end or start + 1


def test_a_word_left_in_german_is_told_from_a_name(magdeburg: Knowledge):
    known = known_names(magdeburg)
    assert list(unknown("Гроші дає Jobcenter, а не Sozial- und Wohnungsamt", known)) == []
    assert list(unknown("Гроші und Miete, im Jobcenter", known)) == ["und", "Miete", "im"]


def test_arabic_and_cyrillic_texts_have_latin_letters_in_names_only(magdeburg: Knowledge):
    known = known_names(magdeburg)
    wrong: dict[str, set[str]] = defaultdict(set)
    for name, text in each_text(magdeburg, *WRITTEN_IN):
        for line in running(text):
            for word in unknown(line, known):
                wrong[word].add(name)
    assert wrong == {}


def test_every_text_is_written_in_the_letters_of_its_language(magdeburg: Knowledge):
    """Beside Latin names no third script, and no Arabic or Cyrillic letter in Latin text but a language's own name."""
    own_names = {language.name for language in LANGUAGES.values()}
    wrong = {}
    for name, text in each_text(magdeburg):
        allowed = {"latin", WRITTEN_IN.get(text.language, "latin")}
        for line in typed(text):
            for script in SCRIPTS.keys() - allowed:
                foreign = set(re.findall(f"[{SCRIPTS[script]}]+", line)) - own_names
                if foreign:
                    wrong[name] = foreign
    assert wrong == {}


def test_no_word_mixes_two_scripts(magdeburg: Knowledge):
    """A Cyrillic а within a Latin word looks right and is found by nobody. Arabic joins "and" (و) to what follows."""
    word = re.compile(f"[{LATIN}{CYRILLIC}{ARABIC}]+")
    wrong: dict[str, list[str]] = defaultdict(list)
    for name, text in each_text(magdeburg):
        for line in typed(text):
            for found in word.findall(re.sub(f"\\bو(?=[{LATIN}])|[،؛؟]", " ", line)):
                if sum(bool(re.search(f"[{script}]", found)) for script in SCRIPTS.values()) > 1:
                    wrong[name].append(found)
    assert wrong == {}


# What a keyboard, a copy or a neighbouring language brings in, and the language's readers see at once.
FOREIGN_LETTERS = {
    "fa": "[يكىة\u0660-\u0669]",  # Arabic yeh, kaf, teh and digits; Persian has ی and ک
    "ar": "[پچژگکیۀە\u06f0-\u06f9]",  # Persian letters and digits
    "ro": "[şţŞŢ]",  # with a cedilla; Romanian has ș and ț with a comma
    "uk": rf"[ыэёъЫЭЁЪ]|(?<=[{CYRILLIC}])['`´](?=[{CYRILLIC}])",  # Russian letters, and a straight apostrophe
    "ru": "[іїєґІЇЄҐ]",
    "tr": "i\u0307|[ýðþÝÐÞ]",  # a dot set twice, and letters from an old encoding; I and ı cannot be told apart here
    "fr": "[ęțșğı]",
    "sr": "[đĐ](?=\u0301)|[ćčžšđ]\u0301",
    "hu": "[õûÕÛ]",  # Hungarian has ő and ű
}


@pytest.mark.parametrize("language", FOREIGN_LETTERS)
def test_no_letter_of_a_neighbouring_language(magdeburg: Knowledge, language: str):
    letters = re.compile(FOREIGN_LETTERS[language])
    wrong = {}
    for name, text in each_text(magdeburg, language):
        if found := [line for line in typed(text) if letters.search(line)]:
            wrong[name] = found
    assert wrong == {}


# ---- as it is shown ----


def test_nothing_is_left_to_fill_in(magdeburg: Knowledge, voice: Catalogs):
    left = re.compile(r"\{\{|\}\}|TODO|FIXME|XXX|\.\.\.")
    wrong = {name: found[0] for name, _, said in shown(magdeburg, voice, *VOICED) if (found := left.findall(said.text))}
    assert wrong == {}
    assert [name for name, text in each_text(magdeburg) if any(left.search(line) for line in typed(text))] == []


def test_three_dots_stand_only_for_what_people_put_in_themselves(magdeburg: Knowledge):
    """Sentences to say or to write ("Meine Adresse ist: …") are quoted in German; translations have dots there only."""
    dotted = {
        name: {id for id, heading, blocks in parts(text) if "…" in " ".join((heading, *map(words_of, blocks)))}
        for name, text in each_text(magdeburg)
    }
    wrong = {name: more for name, ids in dotted.items() if (more := ids - dotted[f"{name.split()[0]} de"])}
    wrong |= {name: {line} for name, text in each_text(magdeburg, "de") for line in running(text) if "…" in line}
    assert wrong == {}


def test_right_to_left_isolates_are_opened_and_closed_in_turn(magdeburg: Knowledge, voice: Catalogs):
    wrong = []
    for name, _, said in shown(magdeburg, voice, "ar", "fa"):
        for line in said.text.split("\n"):
            rest = line
            while (fewer := _ISOLATED.sub("", rest)) != rest:
                rest = fewer
            if FSI in rest or PDI in rest:
                wrong.append(f"{name}: {line}")
    assert wrong == []


def test_right_to_left_every_number_of_a_fact_stands_isolated(magdeburg: Knowledge, voice: Catalogs):
    """Outside of isolates stand only the numbers an author typed ("14 to 17 years"), so those of phones, amounts,
    dates and times, of cited facts and of the footer, all stand inside."""
    wrong = {}
    for name, view, said in shown(magdeburg, voice, "ar", "fa"):
        rest = said.text
        while (fewer := _ISOLATED.sub(" ", rest)) != rest:
            rest = fewer
        loose = Counter(re.findall(r"\d+", rest))
        author = Counter(re.findall(r"\d+", " ".join((view.title, *map(words_of, view.blocks)))))
        # Numbered steps carry their number.
        author += Counter(str(block.number) for block in view.blocks if block.kind == "number")
        if loose != author:
            wrong[name] = dict(loose - author) or dict(author - loose)
    assert wrong == {}


def test_the_check_of_isolates_sees_numbers_at_all(magdeburg: Knowledge, voice: Catalogs):
    counted: Counter[str] = Counter()
    for _, view, said in shown(magdeburg, voice, "ar", "fa"):
        counted.update(kind for kind, _ in view.facts)
        counted["digits"] += sum(len(re.findall(r"\d+", inside)) for inside in _ISOLATED.findall(said.text))
    assert all(counted[kind] > 10 for kind in ("phone", "amount", "as_of", "deadline", "hours", "digits")), counted
