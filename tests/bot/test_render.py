"""Messages in a language: words, facts, the order of foreign words in right-to-left text, and notices."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import formats, hours
from bot.catalogs import Catalogs
from bot.content import load_knowledge
from bot.plan import with_number
from bot.render import render
from bot.settings import ROOT
from flows.core import facts
from flows.core.delivery import Capabilities, RenderedMessage
from flows.core.knowledge import ArticleText, Block, Knowledge, Span
from flows.core.limits import LABEL_CHARACTERS
from flows.core.phrases import (
    CASE,
    ArticleView,
    Choice,
    Fact,
    InLanguage,
    Message,
    OfficeView,
    Phrase,
    Title,
    Verbatim,
    phrase,
)

SMALL = Path(__file__).parents[1] / "knowledge" / "small"
DAY = dt.date(2026, 11, 24)
FSI, PDI = "\u2068", "\u2069"
BUTTONS = Capabilities(buttons=True)
NUMBERS = Capabilities(buttons=False)
VOICE = Catalogs.load(ROOT / "locales")


@pytest.fixture(scope="module")
def small() -> Knowledge:
    return load_knowledge(SMALL, "musterstadt")


def show(view: ArticleView, language: str, **more: object) -> RenderedMessage:
    return render(Message(parts=(view,), article=view.article, **more), language, VOICE, BUTTONS)  # type: ignore[arg-type]


def say_fact(fact: Fact, language: str) -> str:
    """The fact as it stands in running text."""
    block = Block(kind="paragraph", spans=(Span(fact=("phone", "x")),))
    text = ArticleText(language=language, title="x", lead=(block,), sections=(), asks=(), reviewed=True, outdated=False)
    view = ArticleView(
        article="waste.x", text=text, title="x", blocks=(block,), facts={("phone", "x"): fact}, footer=None
    )
    return show(view, language).blocks[1].text.replace("\u00a0", " ")


# ---- an answer ----


def test_an_answer_carries_its_facts_its_door_its_sources_and_the_day_of_the_check(small):
    said = show(facts.view(small, "waste.bulky", "de", DAY), "de").text
    assert said.startswith("Sperrmüll: alte Möbel loswerden\n\nGroße Möbel")
    assert "zum Wertstoffhof: Am Hafen 3, 99999." in said
    assert "Mo–Fr 08:00–18:00; Sa 08:00–12:00; Feiertage geschlossen" in said
    assert "bis zu 2\u00a0m³." in said
    assert "\n• Wertstoffhof Musterstadt\n  Am Hafen 3, 99999\n  Telefon: 03999 5404717\n" in said
    assert "geprüft am 23. November 2026." in said
    assert "musterstadt.example (https://musterstadt.example/sperrmuell) (Stand Mai 2026)" in said
    assert "KrWG § 20 (Stand 19. August 2026)" in said
    assert "{{" not in said


def test_an_amount_has_its_value_of_the_day_and_none_when_it_is_out_of_force(small):
    def cost(day: dt.date) -> str:
        return show(facts.view(small, "waste.bulky", "de", day, section="cost"), "de").blocks[1].text

    assert "kostet 20\u00a0€ (Stand Mai 2025)." in cost(dt.date(2026, 12, 31))
    assert "kostet 22,50\u00a0€." in cost(dt.date(2027, 1, 1))
    assert "22,50" not in cost(dt.date(2028, 1, 1))
    assert "bitte fragen Sie beim Amt" in cost(dt.date(2028, 1, 1))


def test_a_fact_to_be_checked_again_says_so_with_its_date(small):
    said = show(facts.view(small, "waste.bulky", "de", DAY, section="cost"), "de").blocks[1].text
    assert "die Frist ist: 2\u00a0Wochen (Stand 2019, bitte fragen Sie nach, ob das noch stimmt)." in said
    assert "beginnt am: 1. März." in said


def test_a_stale_office_comes_last_without_hours_and_asks_to_call(small):
    view = facts.view(small, "noise.quiet-hours", "de", DAY)
    assert [door.office.id for door in view.footer.offices] == ["watch", "project"]
    said = show(view, "de").text
    assert "14:00" not in said
    assert said.index("Stadtwache") < said.index("Musterprojekt\n  Bitte rufen Sie vorher an.")


def test_hours_of_a_stale_office_are_no_fact(small):
    assert facts.fact(small, "hours", "project", DAY).value is None
    assert facts.fact(small, "hours", "yard", DAY).value == "Mo-Fr 08:00-18:00; Sa 08:00-12:00; PH off"
    assert "Zeiten bitte erfragen" in say_fact(facts.fact(small, "hours", "project", DAY), "de")


def test_an_overdue_check_is_said(small):
    late = show(facts.view(small, "waste.bulky", "de", dt.date(2027, 6, 1)), "de").text
    assert "schon länger her" in late
    assert "schon länger her" not in show(facts.view(small, "waste.bulky", "de", DAY), "de").text


# ---- notices ----


def test_a_draft_says_so_before_the_doors_in_german_too(small):
    message = show(facts.view(small, "waste.bulky", "de", DAY), "de")
    lines = [block.text for block in message.blocks]
    notice = lines.index("Dieser Text ist noch nicht vom Amt geprüft.")
    assert lines[notice + 1] == "Hier bekommen Sie Hilfe"
    assert message.notices == ("draft",)


def test_a_reviewed_text_has_no_notice(small):
    assert show(facts.view(small, "waste.bulky", "uk", DAY), "uk").notices == ()


def test_in_a_crisis_every_notice_stands_at_the_end(small):
    view = replace(facts.view(small, "waste.bulky", "de", DAY), notices=("outdated", "draft"), crisis=True)
    message = show(view, "ar", crisis=True)
    assert message.notices == ("fallback", "outdated", "draft")
    assert message.blocks[0].text.startswith("Sperrmüll")
    last = [block.text for block in message.blocks[-3:]]
    assert last[-1] == VOICE.text("ar", phrase("render.notice.draft"))
    assert "Deutsch" in last[0]


def test_a_text_in_another_language_is_said_first_and_keeps_its_own_formats(small):
    view = facts.view(small, "noise.quiet-hours", "uk", DAY, fallback="de")
    message = show(view, "uk")
    assert "Deutsch" in message.blocks[0].text
    assert message.notices == ("fallback", "draft")
    assert "täglich 22:00–06:00" in message.blocks[2].text
    assert "Куди звернутися" in message.text


def test_without_a_text_and_without_a_chosen_language_nothing_is_shown(small):
    with pytest.raises(KeyError, match="no text in uk"):
        facts.view(small, "noise.quiet-hours", "uk", DAY)
    with pytest.raises(KeyError, match="no section price"):
        facts.view(small, "waste.bulky", "de", DAY, section="price")


# ---- right to left ----


def test_in_arabic_every_foreign_word_and_number_is_isolated_in_its_place(small):
    first_view = show(facts.view(small, "waste.bulky", "ar", DAY), "ar").blocks[1].text
    expected = [
        f"({FSI}Sperrmüll{PDI})",
        f"{FSI}Am Hafen 3, 99999{PDI}",
        f"{FSI}08:00{PDI} إلى {FSI}18:00{PDI}",
        f"{FSI}03999 5404717{PDI}",
        f"{FSI}2{PDI}",
    ]
    places = [first_view.index(words) for words in expected]
    assert places == sorted(places)


def test_in_arabic_addresses_of_pages_are_isolated_in_plain_text(small):
    said = show(facts.view(small, "waste.bulky", "ar", DAY, section="documents"), "ar").text
    assert f"({FSI}https://musterstadt.example/formular{PDI})" in said
    assert f"{FSI}KrWG § 20{PDI}" in said


def test_every_isolate_is_closed_on_its_line(small):
    for article, section in (("waste.bulky", None), ("waste.bulky", "cost"), ("noise.quiet-hours", None)):
        for line in show(facts.view(small, article, "ar", DAY, section=section), "ar").text.split("\n"):
            assert line.count(FSI) == line.count(PDI), line


def test_left_to_right_languages_need_no_isolates(small):
    for language in ("de", "en", "uk"):
        assert FSI not in show(facts.view(small, "waste.bulky", language, DAY), language).text


HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x1b\r\n\u2028<>&*_{}"
        ),
    ),
    max_size=60,
)


@given(HOSTILE, st.sampled_from(("de", "ar")))
def test_nobodys_words_can_reorder_the_words_around_them(words: str, language: str):
    message = render(Message(parts=(Title(Verbatim(words)), Verbatim(words))), language, VOICE, BUTTONS)
    for line in message.text.split("\n"):
        depth = 0
        for character in line:
            depth += {FSI: 1, PDI: -1}.get(character, 0)
            assert 0 <= depth <= 1
            assert character == "\n" or character.isprintable() or ord(character) >= 0x80
            assert character not in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067"
        assert depth == 0
    message.text.encode("utf-8")


def test_somebodys_words_stay_as_they_are_with_their_lines():
    words = "Hallo <b>Herr</b>\r\nMüller {name} **!**\tنعم"
    message = render(Message(parts=(Verbatim(words),)), "de", VOICE, BUTTONS)
    assert message.text == "Hallo <b>Herr</b>\nMüller {name} **!** نعم"


# ---- facts in each language ----

FACTS = [
    (Fact(kind="amount", value=563, unit="EUR"), "de", "563 €"),
    (Fact(kind="amount", value=563, unit="EUR"), "ar", f"{FSI}563 €{PDI}"),
    (Fact(kind="amount", value=1234.5, unit="EUR"), "uk", "1 234,50 €"),
    (Fact(kind="amount", value=2, unit="cubic-meter"), "en", "2 m³"),
    (Fact(kind="amount", value=30, unit="percent"), "de", "30 %"),
    (Fact(kind="amount", value=2.5, unit="hour"), "de", "2,5 Stunden"),
    (Fact(kind="amount", value=600, unit="lesson"), "uk", "600 навчальних годин"),
    (Fact(kind="deadline", value=1, unit="month"), "en", "1 month"),
    (Fact(kind="deadline", value=1, unit="month"), "ar", "شهر واحد"),
    (Fact(kind="deadline", value=2, unit="month"), "ar", "شهران"),
    (Fact(kind="deadline", value=3, unit="month"), "ar", f"{FSI}3{PDI} أشهر"),
    (Fact(kind="deadline", value=11, unit="month"), "ar", f"{FSI}11{PDI} شهرًا"),
    (Fact(kind="deadline", value=100, unit="month"), "ar", f"{FSI}100{PDI} شهر"),
    (Fact(kind="deadline", value=1, unit="month"), "uk", "1 місяць"),
    (Fact(kind="deadline", value=2, unit="month"), "uk", "2 місяці"),
    (Fact(kind="deadline", value=5, unit="month"), "uk", "5 місяців"),
    (Fact(kind="deadline", value=21, unit="month"), "uk", "21 місяць"),
    (Fact(kind="deadline", value="03-01"), "de", "1. März"),
    (Fact(kind="deadline", value="03-01"), "uk", "1 березня"),
    (Fact(kind="as_of", value="2025"), "en", "as of 2025"),
    (Fact(kind="as_of", value="2025-05"), "en", "as of May 2025"),
    (Fact(kind="as_of", value="2025-05-26"), "de", "Stand 26. Mai 2025"),
    (Fact(kind="as_of", value="undated"), "de", "ohne Datum"),
    (Fact(kind="amount", value=None), "en", "(current figure not known, please ask the office)"),
]


@pytest.mark.parametrize(("fact", "language", "written"), FACTS)
def test_facts_are_written_as_the_language_writes_them(fact: Fact, language: str, written: str):
    assert say_fact(fact, language) == written


HOURS = [
    ("Mo-Fr 06:00-22:00; Sa 10:00-18:00; PH off", "de", "Mo–Fr 06:00–22:00; Sa 10:00–18:00; Feiertage geschlossen"),
    ("Mo,We 08:00-13:00; We[1] off", "en", "Mon, Wed 08:00–13:00; 1st Wed of the month closed"),
    ("Tu[2,4] 17:00-17:30", "de", "2. Di im Monat, 4. Di im Monat 17:00–17:30"),
    ("Th[-1] 17:00-18:00", "en", "last Thu of the month 17:00–18:00"),
    ("We 17:00+", "uk", "ср з 17:00"),
    ("24/7", "en", "day and night, every day"),
    ("Mo-Su 22:00-06:00", "de", "täglich 22:00–06:00"),
    ("Mo-Su 22:00-06:00", "ar", f"كل يوم من {FSI}22:00{PDI} إلى {FSI}06:00{PDI}"),
    ("Sa,Su,PH 00:00-24:00", "de", "Sa, So, Feiertage ganztägig"),
    ("Tu,Th 09:00-12:00,13:00-16:00", "de", "Di, Do 09:00–12:00, 13:00–16:00"),
    ("09:00-12:00", "de", "09:00–12:00"),
    ("Mo-Fr sunrise-sunset", "de", "Mo-Fr sunrise-sunset"),
    ("Mo-Fr sunrise-sunset", "ar", f"{FSI}Mo-Fr sunrise-sunset{PDI}"),
    ("nach Vereinbarung", "de", "nach Vereinbarung"),
]


@pytest.mark.parametrize(("spec", "language", "written"), HOURS)
def test_opening_times_are_read_out_in_the_language(spec: str, language: str, written: str):
    assert hours.describe(spec, language, VOICE).replace("\u00a0", " ") == written


def test_a_moment_names_the_weekday():
    at = dt.datetime(2026, 11, 23, 9, 0)
    assert formats.moment(at, "de") == "Montag, 23. November, 09:00"
    assert formats.moment(at, "ar") == f"الاثنين، 23 نوفمبر، {FSI}09:00{PDI}"


# ---- phrases and choices ----


def small_voice(tmp_path: Path, text: str) -> Catalogs:
    path = tmp_path / "de" / "LC_MESSAGES"
    path.mkdir(parents=True)
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (path / "bot.po").write_text(head + text, encoding="utf-8")
    return Catalogs.read(tmp_path, ("de",))[0]


def test_values_are_put_in_as_the_language_writes_them(tmp_path):
    voice = small_voice(
        tmp_path, 'msgid "a.b"\nmsgstr "{name} am {day}: {case} ({inner})"\n\nmsgid "c"\nmsgstr "innen"\n'
    )
    values = {"name": "A\u202e{day}", "day": dt.date(2026, 3, 1), "case": 1042, "inner": Phrase("c")}
    assert voice.text("de", Phrase("a.b", values)) == "A{day} am 1. März 2026: 1.042 (innen)"


def test_a_missing_key_a_missing_value_and_a_missing_number_are_named(tmp_path):
    voice = small_voice(tmp_path, 'msgid "a.b"\nmsgstr "{name}"\n')
    with pytest.raises(KeyError, match=r"no phrase no\.such in de"):
        voice.text("de", Phrase("no.such"))
    with pytest.raises(KeyError, match=r"a\.b in de needs the value name"):
        voice.text("de", Phrase("a.b"))
    with pytest.raises(KeyError, match="no voice in fr"):
        voice.text("fr", Phrase("a.b"))
    with pytest.raises(ValueError, match="number is put in before"):
        voice.text("de", Phrase("a.b", {"name": CASE}))
    with pytest.raises(KeyError, match=r"no\.such"):
        render(Message(parts=(Phrase("no.such"),)), "de", voice, BUTTONS)


def test_choices_are_numbered_lines_where_there_are_no_buttons():
    choices = (
        Choice(id="menu", label=InLanguage(phrase("render.undated"), "en")),
        Choice(id="x", label=Verbatim("lang " * 20)),
    )
    message = Message(parts=(Verbatim("Was?"),), choices=choices)
    numbered = render(message, "de", VOICE, NUMBERS)
    assert numbered.text.startswith("Was?\n\n1. no date given\n2. lang lang")
    assert [button.id for button in numbered.choices] == ["menu", "x"]
    assert len(numbered.choices[1].label) <= LABEL_CHARACTERS
    assert render(message, "de", VOICE, BUTTONS).text == "Was?"


def test_the_first_words_of_a_discreet_answer_do_not_name_its_topic(small):
    view = facts.view(small, "waste.bulky", "de", DAY)
    assert show(view, "de", discreet=True).text.startswith("Hier ist die Antwort auf Ihre Frage.\n\nSperrmüll")
    assert show(view, "de").text.startswith("Sperrmüll")


def test_a_message_speaks_its_own_language_before_the_conversations(small):
    message = render(Message(parts=(phrase("render.offices"),), language="uk"), "de", VOICE, BUTTONS)
    assert (message.language, message.text) == ("uk", "Куди звернутися")


def test_a_rendered_message_survives_json(small):
    message = show(facts.view(small, "waste.bulky", "ar", DAY), "ar")
    assert RenderedMessage.from_json(message.to_json()) == message


def test_an_office_stands_alone_with_its_place_phone_and_times(small):
    door = OfficeView(office=small.offices["yard"])
    (block,) = render(Message(parts=(door,)), "en", VOICE, BUTTONS).blocks
    assert block.kind == "bullet"
    assert block.spans[0].bold
    assert block.text.split("\n")[1:] == [
        "Am Hafen 3, 99999",
        "Phone: 03999 5404717",
        "Hours: Mon–Fri 08:00–18:00; Sat 08:00–12:00; public holidays closed",
        "https://musterstadt.example/hof",
    ]


@pytest.mark.parametrize("language", ["de", "en", "ar", "fa"])
def test_the_number_of_a_case_is_written_without_marks_for_thousands(language: str) -> None:
    said = with_number(Message(parts=(phrase("handover.opened", number=CASE),)), 12345)
    assert "12345" in render(said, language, VOICE, BUTTONS).text
