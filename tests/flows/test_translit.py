"""Other scripts in Latin letters: what is typed by ear comes to the form of what is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.core.knowledge import Knowledge
from flows.core.search import find
from flows.core.translit import SOUNDS, sound, typed, typed_as_heard, ways_heard


@pytest.mark.parametrize(
    ("language", "written", "latin"),
    [
        ("ar", "وين في دكتور أطفال بيحكي عربي", "wen fi doctor atfal bye7ki 3arabi"),
        ("ar", "بدي شغل", "bdi sho8l"),
        ("fa", "کجا باید بروم", "koja bayad beravam"),
        ("fa", "خانه می‌خواهم", "khane mikhaham"),
        ("uk", "де бібліотека з книжками", "de biblioteka z knyzhkamy"),
        ("uk", "щось для дітей", "shchos dlya ditey"),
        ("ru", "хочу жить в центре", "khochu zhit v tsentre"),
    ],
)
def test_what_is_typed_by_ear_sounds_like_what_is_written(language: str, written: str, latin: str) -> None:
    ours, theirs = sound(written, language).split(), typed(latin, language).split()
    assert len(set(ours) & set(theirs)) >= 0.6 * len(ours), (ours, theirs)


@pytest.mark.parametrize(
    ("written", "latin"),
    [
        ("روضة", "rawda"),
        ("روضة", "roda"),
        ("قلب", "qalb"),
        ("قلب", "2alb"),
        ("تنظيف", "tanzif"),
        ("تنظيف", "tandif"),
        ("بيت", "bayt"),
        ("بيت", "bet"),
    ],
)
def test_an_arabic_word_is_found_in_every_way_it_is_heard(written: str, latin: str) -> None:
    assert typed_as_heard(latin, "ar") in ways_heard(written, "ar").split()


@given(st.sampled_from(sorted(SOUNDS)), st.text(max_size=60))
def test_any_text_has_a_sound(language: str, text: str) -> None:
    assert typed(sound(text, language), language) is not None
    assert typed(text, language) == typed(text.upper().lower(), language) or not text.isascii()


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("wen fi doctor atfal bye7ki 3arabi hon", "health.doctor"),
        ("kif fini sajjel ibni bil madrase", "school.register-newly-arrived"),
        ("de zdaty stari liky i farbu", "waste.hazardous-electronics"),
        ("susidy shumliat vnochi shcho robyty", "noise.complain"),
    ],
)
def test_a_question_in_latin_letters_is_found_in_its_own_language(
    knowledge: Knowledge, question: str, article: str
) -> None:
    finding = find(knowledge, question, "")
    assert finding.decision in ("answer", "choose")
    assert article in [hit.article for hit in finding.hits[:3]]
    assert finding.language in ("ar", "uk")


@pytest.mark.parametrize("question", ["What is the capital of Mongolia", "Schreib mir ein Gedicht über den Mond"])
def test_a_question_in_german_or_english_is_not_read_by_ear(knowledge: Knowledge, question: str) -> None:
    assert find(knowledge, question, "ar").decision == "none"


def test_the_name_of_a_quarter_does_not_change_what_is_found(knowledge: Knowledge) -> None:
    plain = find(knowledge, "Wann wird die Tonne geleert", "de")
    named = find(knowledge, "Wann wird die Tonne geleert in Neu Olvenstedt Magdeburg", "de")
    assert plain.hits[0].article == named.hits[0].article == "waste.collection"
