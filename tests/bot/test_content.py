"""The knowledge folder: what is wrong in it is told with file and line, and all of it at once."""

# ruff: noqa: E501 - one row of the table is one line

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.content import NotMinorError, check_content, digest, load_knowledge, mark_minor, stamp
from bot.content.digits import find
from bot.errors import ContentError
from bot.render import Catalogs, render
from bot.settings import ROOT
from flows.core import facts
from flows.core.delivery import Capabilities
from flows.core.phrases import Message

SMALL = Path(__file__).parents[1] / "knowledge" / "small"
TOWN = "musterstadt"
DAY = dt.date(2026, 11, 24)

ARTICLE = "articles/waste/bulky/article.toml"
DE = "articles/waste/bulky/de.md"
AR = "articles/waste/bulky/ar.md"
EN = "articles/waste/bulky/en.md"
UK = "articles/waste/bulky/uk.md"
NIGHT = "towns/musterstadt/articles/noise/quiet-hours/de.md"
TOML = "towns/musterstadt/town.toml"
OFFICES = "towns/musterstadt/directory.toml"
AMOUNTS = "towns/musterstadt/amounts.toml"
DISTRICTS = "towns/musterstadt/districts.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "knowledge"))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def errors_of(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(ContentError) as raised:
        load_knowledge(folder, TOWN)
    return [(p.path.relative_to(folder).as_posix(), p.line, p.sentence) for p in raised.value.problems]


def test_a_sound_folder_loads_with_everything_in_its_place():
    knowledge = load_knowledge(SMALL, TOWN)
    article = knowledge.articles["waste.bulky"]
    assert list(knowledge.articles) == ["noise.quiet-hours", "waste.bulky"]
    assert set(article.texts) == {"de", "en", "ar", "uk"}
    assert [section.id for section in article.texts["ar"].sections] == ["cost", "documents"]
    assert article.texts["uk"].reviewed
    assert not article.texts["de"].reviewed
    assert not any(text.outdated for text in article.texts.values())
    assert [source.url for source in article.sources][1] == "KrWG § 20"
    assert [amount.value for amount in knowledge.amounts["waste.bulky.fee"]] == [20, 22.5]
    assert knowledge.town.menu == ("waste", "noise")
    assert knowledge.crisis_words["de"]["noise.quiet-hours"] == ("ich werde bedroht",)
    assert knowledge.index is None


def test_spans_keep_bold_links_and_cited_facts():
    text = load_knowledge(SMALL, TOWN).articles["waste.bulky"].texts["de"]
    lead = text.lead[0].spans
    assert ("term", "sperrmuell") in [span.fact for span in lead]
    assert [span.text for span in lead if span.bold] == ["Der Wertstoffhof hilft Ihnen gern weiter."]
    assert "Sachen selbst" in "".join(span.text for span in lead), "a line break is a blank"
    documents = text.sections[1].blocks
    assert [block.kind for block in documents] == ["bullet", "bullet"]
    assert documents[1].spans[-1].url == "https://musterstadt.example/formular"
    assert [
        block.number for block in load_knowledge(SMALL, TOWN).articles["waste.bulky"].texts["en"].sections[1].blocks
    ] == [1, 2]


def test_public_holidays_of_the_state_are_known():
    holidays = load_knowledge(SMALL, TOWN).town.holidays
    assert dt.date(2027, 1, 6) in holidays, "Epiphany is a holiday in Saxony-Anhalt"
    assert dt.date(2027, 1, 7) not in holidays


BROKEN = {
    "no source": (ARTICLE, '[[sources]]\nurl = "https://musterstadt.example/sperrmuell"\nas_of = "2026-05"\n\n[[sources]]\nurl = "KrWG § 20"\nas_of = "2026-08-19"\n', "", 1, "a source is missing"),
    "a source without its date": (ARTICLE, 'as_of = "2026-08-19"\n', "", 13, "as_of is missing"),
    "a source's date in the wrong form": (ARTICLE, '"2026-08-19"', '"19.8.2026"', 15, "as_of has the wrong form"),
    "no offices": (ARTICLE, '["yard"]', "[]", 4, "offices is missing or empty"),
    "an unknown office": (ARTICLE, '["yard"]', '["yard", "nowhere"]', 4, "unknown office: nowhere"),
    "an unknown article": (ARTICLE, '["noise.quiet-hours"]', '["noise.party"]', 5, "unknown article: noise.party"),
    "a date in quotes": (ARTICLE, "checked_on = 2026-11-23", 'checked_on = "23.11.2026"', 2, "checked_on must be a date"),
    "a date with a time": (ARTICLE, "2027-05-31", "2027-05-31T10:00:00", 3, "review_by must be a date"),
    "a review before the check": (ARTICLE, "2027-05-31", "2020-05-31", 3, "review_by is before checked_on"),
    "an unknown key": (ARTICLE, "discreet = false", "discret = false", 6, "unknown key: discret"),
    "no owner": (ARTICLE, 'owner = "Team Muster"\n', "", 1, "owner is missing"),
    "broken TOML": (ARTICLE, "discreet = false", "discreet = = false", 6, "not TOML"),
    "too few asks": (DE, '  "Möbel entsorgen",\n', "", 3, "asks has 4 questions"),
    "an unknown status": (DE, 'status = "draft"', 'status = "final"', 2, "status must be one of draft, reviewed"),
    "reviewed by nobody": (DE, 'status = "draft"', 'status = "reviewed"', 2, "names its reviewer and reviewed_on"),
    "reviewed on no day": (UK, "reviewed_on = 2026-11-24\n", "", 2, "names its reviewer and reviewed_on"),
    "a digest in the German text": (DE, 'status = "draft"', 'status = "draft"\nsource_digest = "3f2a"', 3, "source_digest does not stand"),
    "no front matter": (DE, "+++\nstatus", "status", 1, "must begin with front matter"),
    "no title": (DE, "# Sperrmüll: alte Möbel loswerden\n", "", 12, "begins with # Title"),
    "a first view too short": (DE, "Sie bringen die Sachen\nselbst zum Wertstoffhof: {{address:yard}}. Geöffnet: {{hours:yard}}. Oder Sie lassen sie abholen. Rufen Sie\ndort an: {{phone:yard}}. Abgeholt", "Abgeholt", 11, "the first view has 33 words, it must have 40 to 120"),
    "an unknown fact": (DE, "{{amount:waste.bulky.volume}}", "{{amount:waste.bulky.weight}}", 15, "there is no such amount"),
    "an unknown kind of fact": (DE, "{{phone:yard}}", "{{fax:yard}}", 15, "the kind must be one of"),
    "an unknown office in a text": (DE, "{{phone:yard}}", "{{phone:yards}}", 15, "there is no such office"),
    "a fact the office has not": (DE, "{{phone:yard}}", "{{web:watch}}", 15, "the office has no web address"),
    "an unknown word": (DE, "{{term:sperrmuell}}", "{{term:sperrgut}}", 13, "not in glossary.toml"),
    "a half marker": (DE, "{{phone:yard}}", "{{phone:yard}", 15, "a cited fact is written"),
    "a source's date cited wrongly": (NIGHT, "{{as_of:2025-05}}", "{{as_of:5/2025}}", 9, "a cited fact is written"),
    "a phone number": (DE, "{{phone:yard}}", "03999 5404717", 15, "“03999 5404717” looks like a phone number"),
    "an emergency number": (DE, "Ab 14 Jahren", "Rufen Sie 112 an", 21, "“112” looks like a phone number"),
    "a sum of money": (DE, "{{amount:waste.bulky.fee}}", "20 Euro", 20, "“20 Euro” looks like an amount of money"),
    "a date in the text": (DE, "{{deadline:waste.bulky.season}}", "1. März", 21, "“1. März” looks like a date"),
    "a year": (DE, "Ab 14 Jahren", "Seit 2024", 21, "“2024” looks like a year"),
    "a time of day": (DE, "Ab 14 Jahren", "Ab 14 Uhr", 21, "“14 Uhr” looks like a time of day"),
    "an Arabic time in Arabic digits": (AR, "{{deadline:waste.bulky.season}}", "الساعة ٨", 14, "looks like a time of day"),
    "HTML": (DE, "**Der Wertstoffhof", "<b>Der Wertstoffhof", 16, "HTML is not allowed"),
    "a block of HTML": (DE, "- einen Ausweis", "<div>\n", 25, "HTML is not allowed"),
    "a table": (DE, "- einen Ausweis", "> einen Ausweis", 25, "only paragraphs, lists and headings are allowed"),
    "italics": (DE, "einen Ausweis", "einen *Ausweis*", 25, "only **bold** is allowed"),
    "bold without end": (DE, "gern weiter.**", "gern weiter.", 13, "** without its pair"),
    "a link to http": (DE, "(https://musterstadt.example/formular)", "(http://musterstadt.example/formular)", 26, "a link begins with https://"),
    "a deeper heading": (DE, "## Was Sie brauchen {#documents}", "### Was Sie brauchen {#documents}", 23, "one or two #"),
    "a heading without id": (DE, " {#documents}", "", 23, "ends with its id"),
    "a section twice": (DE, "{#documents}", "{#cost}", 23, "{#cost} is there twice"),
    "sections in another order": (EN, "{#cost}", "{#price}", 12, "the sections must be those of de.md"),
    "a direction mark": (AR, "بطاقة", "\u200fبطاقة", 18, "an invisible direction mark"),
    "an official word not used": (UK, "({{term:sperrmuell}})", "", 8, "{{term:sperrmuell}} of de.md is not used here"),
    "a fact the German text has not": (EN, "{{phone:yard}}", "{{phone:watch}}", 6, "the first view cites other facts than de.md: missing here: {{phone:yard}}; not in de.md: {{phone:watch}}"),
    "a fact left out of a section": (AR, "{{amount:waste.bulky.fee}}", "", 12, "the section {#cost} cites other facts than de.md: missing here: {{amount:waste.bulky.fee}}"),
    "no state": (TOML, 'state = "Sachsen-Anhalt"\n', "", 1, "state is missing"),
    "an unknown state": (TOML, '"ST"', '"XX"', 3, "not the short name of a German state"),
    "an unknown time zone": (TOML, "Europe/Berlin", "Europe/Musterstadt", 4, "there is no time zone"),
    "an unknown language": (TOML, '"uk"]', '"ua"]', 5, "unknown language: ua"),
    "a menu without its topic": (TOML, '["waste", "noise"]', '["waste", "music"]', 6, "there is no [topics.music]"),
    "staff hours nobody can read": (TOML, "Mo-Fr 09:00-12:00; PH off", "mornings", 14, "cannot read the opening times"),
    "a topic with an unknown article": (TOML, '["noise.quiet-hours"]', '["noise.party"]', 21, "unknown article: noise.party"),
    "an office without proof": (OFFICES, 'source = "https://musterstadt.example/wache"\n', "", 26, "source is missing"),
    "an office twice": (OFFICES, 'id = "watch"', 'id = "yard"', 27, "the office yard is there twice"),
    "an unknown confidence": (OFFICES, '"stale"', '"perhaps"', 10, "confidence must be one of"),
    "an amount in an unknown unit": (AMOUNTS, '"cubic-meter"', '"bucket"', 4, "unit must be one of"),
    "a deadline without a span": (AMOUNTS, 'value = 2\nunit = "week"\n', "", 28, "a deadline has value and unit, or month_day"),
    "two amounts for one day": (AMOUNTS, "valid_from = 2027-01-01", "valid_from = 2026-06-01", 19, "twice for the same days"),
    "an unknown neighbour": (DISTRICTS, '["Altstadt"]', '["Neustadt"]', 4, "unknown quarter: Neustadt"),
    "a danger word for no article": ("crisis/de.toml", '"noise.quiet-hours"', '"crisis.violence"', 2, "unknown article: crisis.violence"),
}  # fmt: skip


@pytest.mark.parametrize("label", BROKEN)
def test_what_is_broken_is_told_with_its_line(label: str, folder: Path):
    file, old, new, line, sentence = BROKEN[label]
    change(folder / file, old, new)
    found = errors_of(folder)
    assert any(f == file and n == line and sentence in s for f, n, s in found), found


def test_a_recheck_fact_is_not_stated_outside_its_topics(folder: Path):
    shutil.copytree(folder / "articles/waste/bulky", folder / "articles/housing/moving")
    found = errors_of(folder)
    line = "articles/housing/moving/de.md", 20
    assert any((f, n) == line and "deadline:waste.bulky.notice}} must be re-checked" in s for f, n, s in found)
    assert not any(f == DE for f, _, _ in found), "in waste it may be stated"


def test_a_crisis_nobody_can_call_out_in_a_language_is_refused(folder: Path):
    shutil.copytree(folder / "towns/musterstadt/articles/noise/quiet-hours", folder / "articles/crisis/violence")
    change(folder / "crisis/de.toml", "[words]", '[words]\n"crisis.violence" = ["er schlägt mich"]')
    found = errors_of(folder)
    for language in ("en", "ar", "uk"):
        assert (f"crisis/{language}.toml", 0, f"no words of danger in {language} lead to crisis.violence") in found
    assert not any(file == "crisis/de.toml" for file, _, _ in found)


def test_a_file_in_an_unknown_language_is_refused(folder: Path):
    shutil.copy(folder / DE, folder / "articles/waste/bulky/xx.md")
    assert ("articles/waste/bulky/xx.md", 0, "unknown language: xx") in errors_of(folder)


def test_a_missing_german_text_is_refused(folder: Path):
    (folder / DE).unlink()
    assert any("the German text de.md is missing" in sentence for _, _, sentence in errors_of(folder))


def test_a_file_that_is_not_utf8_is_refused(folder: Path):
    (folder / DE).write_bytes("+++\nstatus = 'draft'\n+++\n# Müll\n".encode("latin-1"))
    assert (DE, 4, "not UTF-8") in errors_of(folder)


def test_an_unknown_town_is_refused():
    with pytest.raises(ContentError, match="there is no town “nirgends”"):
        load_knowledge(SMALL, "nirgends")


def test_all_problems_are_told_at_once(folder: Path):
    change(folder / ARTICLE, '["yard"]', "[]")
    change(folder / DE, "Ab 14 Jahren", "Seit 2024")
    change(folder / TOML, '"ST"', '"XX"')
    assert {file for file, _, _ in errors_of(folder)} == {ARTICLE, DE, TOML}


def test_what_a_town_says_takes_the_place_of_the_general_article(folder: Path):
    shutil.copytree(folder / "articles/waste/bulky", folder / "towns/musterstadt/articles/waste/bulky")
    change(folder / "towns/musterstadt" / DE, "# Sperrmüll:", "# Sperrmüll in Musterstadt:")
    article = load_knowledge(folder, TOWN).articles["waste.bulky"]
    assert article.texts["de"].title.startswith("Sperrmüll in Musterstadt")


# ---- warnings for a day ----


def warnings_of(folder: Path, day: dt.date) -> list[tuple[str, int, str]]:
    problems = check_content(folder, TOWN, day)
    assert all(problem.severity == "warning" for problem in problems)
    return [(p.path.relative_to(folder).as_posix(), p.line, p.sentence) for p in problems]


def test_a_review_that_has_passed_is_a_warning_from_the_next_day_on():
    last_day = dt.date(2027, 5, 31)
    assert not any("review_by" in s for _, _, s in warnings_of(SMALL, last_day))
    after = warnings_of(SMALL, last_day + dt.timedelta(days=1))
    assert any(f == ARTICLE and n == 3 and "review_by 2027-05-31 has passed" in s for f, n, s in after)


def test_an_amount_out_of_force_is_a_warning_where_it_is_cited():
    assert not any("not in force" in s for _, _, s in warnings_of(SMALL, DAY))
    found = [(f, n) for f, n, s in warnings_of(SMALL, dt.date(2028, 1, 1)) if "not in force" in s]
    assert (DE, 20) in found


def test_an_amount_whose_validity_has_passed_is_never_shown_as_current():
    knowledge, voice = load_knowledge(SMALL, TOWN), Catalogs.load(ROOT / "locales")
    for day, shown, never in (
        (dt.date(2026, 12, 31), "20", ("22.5", "22,5")),
        (dt.date(2027, 1, 1), "22", ("€20", "20 €")),
        (dt.date(2028, 1, 1), "", ("€", "22", "20 ")),
    ):
        for language in ("de", "en"):
            view = facts.view(knowledge, "waste.bulky", language, day, section="cost")
            said = render(
                Message(parts=(dataclasses.replace(view, footer=None),)), language, voice, Capabilities(buttons=True)
            ).text
            assert shown in said
            assert not [old for old in never if old in said], said


def test_stale_offices_and_missing_texts_are_warnings():
    found = warnings_of(SMALL, DAY)
    quiet = "towns/musterstadt/articles/noise/quiet-hours/article.toml"
    assert (quiet, 4, "the record of the office project is stale") in found
    assert any(f == quiet and "en.md" in s for f, _, s in found)


def test_opening_times_nobody_can_read_are_a_warning(folder: Path):
    change(folder / OFFICES, "Tu 14:00-17:00", "dienstags nachmittags")
    assert (OFFICES, 7, "“dienstags nachmittags” cannot be read and is shown as it is") in warnings_of(folder, DAY)


def test_a_changed_german_text_makes_its_translations_outdated_until_they_are_stamped(folder: Path):
    change(folder / DE, "in die Tonne", "in den Müll")
    texts = load_knowledge(folder, TOWN).articles["waste.bulky"].texts
    assert {language for language, text in texts.items() if text.outdated} == {"en", "ar", "uk"}
    assert any((f, n) == (AR, 3) and "another version of the German text" in s for f, n, s in warnings_of(folder, DAY))
    changed = stamp(folder, TOWN, ["waste.bulky"])
    assert [path.name for path in changed] == ["ar.md", "en.md", "uk.md"]
    texts = load_knowledge(folder, TOWN).articles["waste.bulky"].texts
    assert not any(text.outdated for text in texts.values())
    assert stamp(folder, TOWN) == [], "a second time nothing changes"


def test_a_minor_change_leaves_current_translations_current_and_outdated_ones_outdated(folder: Path):
    change(folder / UK, "8978db18c8fb", "000000000000")
    change(folder / DE, "alte Möbel loswerden", "alte Möbel, loswerden")
    with pytest.raises(
        NotMinorError, match=r"--was with one of 8978db18c8fb \(ar\), 8978db18c8fb \(en\), 000000000000"
    ):
        mark_minor(folder, TOWN, "waste.bulky")
    before = {path: path.read_bytes() for path in (folder / AR, folder / EN, folder / UK)}
    marked = mark_minor(folder, TOWN, "waste.bulky", "8978db18c8fb")
    assert marked.current == ("ar", "en")
    assert {path: path.read_bytes() for path in before} == before, "no translation is touched"
    texts = load_knowledge(folder, TOWN).articles["waste.bulky"].texts
    assert {language for language, text in texts.items() if text.outdated} == {"uk"}


def test_minor_changes_add_up_and_a_change_of_meaning_ends_them(folder: Path):
    change(folder / DE, "alte Möbel loswerden", "alte Möbel, loswerden")
    mark_minor(folder, TOWN, "waste.bulky")
    change(folder / DE, "alte Möbel, loswerden", "alte Möbel – loswerden")
    assert mark_minor(folder, TOWN, "waste.bulky").current == ("ar", "en", "uk")
    assert not any(text.outdated for text in load_knowledge(folder, TOWN).articles["waste.bulky"].texts.values())
    change(folder / DE, "Ab 14 Jahren dürfen", "Ab 16 Jahren dürfen")
    texts = load_knowledge(folder, TOWN).articles["waste.bulky"].texts
    assert {language for language, text in texts.items() if text.outdated} == {"en", "ar", "uk"}


def test_where_there_is_git_a_minor_change_is_one_against_the_committed_text(folder: Path):
    def git(*arguments: str) -> None:
        user = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", "-C", str(folder), *user, *arguments], check=True, capture_output=True)

    git("init")
    change(folder / DE, "Ab 14 Jahren dürfen", "Ab 16 Jahren dürfen")
    git("add", ".")
    git("commit", "-m", "a change of meaning")
    change(folder / DE, "alte Möbel loswerden", "alte Möbel, loswerden")
    with pytest.raises(NotMinorError, match="no translation was made from the text before this change"):
        mark_minor(folder, TOWN, "waste.bulky")
    assert any(text.outdated for text in load_knowledge(folder, TOWN).articles["waste.bulky"].texts.values())
    stamp(folder, TOWN)
    git("commit", "-am", "translated and corrected")
    change(folder / DE, "alte Möbel, loswerden", "alte Möbel – loswerden")
    git("commit", "-am", "a comma")
    assert mark_minor(folder, TOWN, "waste.bulky").current == ("ar", "en", "uk"), "also when it is committed already"


def test_what_is_not_outdated_cannot_be_marked_as_minor(folder: Path):
    for id, sentence in (("waste.bulky", "no translation is outdated"), ("waste.nothing", "no German text")):
        with pytest.raises(NotMinorError, match=sentence):
            mark_minor(folder, TOWN, id)


def test_an_official_word_without_an_entry_or_typed_by_hand_is_a_warning(folder: Path):
    change(folder / "glossary.toml", 'uk = "великогабаритні відходи"\n', "")
    change(folder / EN, "1. your ID", "1. your ID (Sperrmüll)")
    change(folder / EN, "## What you need", "## What you need (Sperrmüll)")  # cites nothing, being a heading
    found = warnings_of(folder, DAY)
    assert (UK, 10, "{{term:sperrmuell}}: glossary.toml has no word in Українська for it") in found
    assert (EN, 19, "(Sperrmüll) is typed by hand: write ({{term:sperrmuell}})") in found
    assert sum("typed by hand" in sentence for _, _, sentence in found) == 1


def test_stamping_changes_no_byte_but_its_line(folder: Path):
    path = folder / EN
    windows = path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(windows)
    change_in = folder / DE
    change(change_in, "in die Tonne", "in den Müll")
    stamp(folder, TOWN, ["waste.bulky"])
    before, after = windows.split(b"\r\n"), path.read_bytes().split(b"\r\n")
    assert [n for n, (old, new) in enumerate(zip(before, after, strict=True), 1) if old != new] == [3]


def test_stamping_adds_the_line_where_there_is_none(folder: Path):
    lines = (folder / EN).read_text(encoding="utf-8").split("\n")
    (folder / EN).write_text("\n".join(lines[:2] + lines[3:]), encoding="utf-8")
    assert folder / EN in stamp(folder, TOWN)
    assert not load_knowledge(folder, TOWN).articles["waste.bulky"].texts["en"].outdated


def test_a_digest_does_not_see_line_breaks_but_every_word():
    assert digest("ein  Satz\nmehr") == digest("ein Satz mehr\n")
    assert digest("ein Satz mehr") != digest("ein Satz weniger")
    assert len(digest("x")) == 12


FACTS_TYPED = {
    "an amount of money": ["563 €", "€ 20", "1.200,50 Euro", "٥٠ يورو", "20 євро", "EUR 5"],
    "a date": ["1. März", "24.12.", "24.12.2026", "1 March", "March 1", "3rd of May", "١ مارس", "1 آذار", "1 березня",
               "2026-05-01", "01/05/2026"],
    "a time of day": ["22:00", "22 Uhr", "10 pm", "8 o'clock", "الساعة 8", "٨ مساءً", "о 8 годині", "8 ранку"],
    "a phone number": ["0391 5404717", "+49 391 540", "110", "116 117", "116117", "39104", "0391/540-4717"],
    "a year": ["2024", "٢٠٢٤", "۲۰۲۴"],
}  # fmt: skip
NOT_FACTS = [
    "mit 14 Jahren", "Klasse 10", "§ 24", "§ 112 Abs. 2", "drei oder 4 Höfe", "3 yards", "24 Stunden", "قبل 6 أشهر",
    "7-й клас", "2 години", "до 18 років", "10 Tage", "1. Schritt", "grade 4 may end", "may 3 children come",
    "in January 84 people came",
]  # fmt: skip


@pytest.mark.parametrize(("label", "text"), [(label, text) for label, texts in FACTS_TYPED.items() for text in texts])
def test_digits_that_look_like_a_fact_are_found(label: str, text: str):
    assert label in {found for _, found, _ in find(f"Wort {text} Wort")}


@pytest.mark.parametrize("text", NOT_FACTS)
def test_ages_grades_sections_and_counts_may_be_written(text: str):
    assert list(find(f"so {text} so")) == []


def test_ways_of_asking_are_read_for_languages_without_a_text(folder: Path):
    (folder / "asks").mkdir()
    (folder / "asks" / "tr.toml").write_text('[asks]\n"waste.bulky" = ["eski koltuk nereye"]\n', encoding="utf-8")
    assert load_knowledge(folder, TOWN).asks == {"tr": {"waste.bulky": ("eski koltuk nereye",)}}
    (folder / "asks" / "tr.toml").write_text('[asks]\n"waste.nothing" = ["x"]\n', encoding="utf-8")
    assert [(line, sentence) for _, line, sentence in errors_of(folder)] == [(2, "unknown article: waste.nothing")]
