"""Folding: spelling habits that must not matter, and letters that must."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.core.fold import fold, near

TYPED = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("äöüßÄÖÜẞIıİşŞğđłØéèñçñ'’ʼ`´-_/.…٠١٢۳۴۵०१२ІїЇєҐґйЙёЁыъأإآٱىیئؤةۀکـًّ\u200c\u200d\u200f ﷺﻻﬁ²½Ⅷ"),
    )
)


@given(TYPED)
@example("İ")
@example("ǅ ﬃ ﷺ ĳ ŉ ẞ")
@example("ﹲـًا")
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(TYPED)
def test_what_is_folded_has_only_letters_western_digits_and_single_blanks(text: str) -> None:
    folded = fold(text)
    assert folded == folded.strip()
    assert "  " not in folded
    assert all(c.isalpha() or c in "0123456789 " for c in folded)


@pytest.mark.parametrize(
    ("label", "typed", "meant"),
    [
        ("umlauts and their other spelling", "Müll", "MUELL"),
        ("umlauts written in two characters", "Mu\u0308ll", "Müll"),
        ("sharp s", "Straße", "strasse"),
        ("capital sharp s", "STRAẞE", "Straße"),
        ("accents", "Émigré", "emigre"),
        ("Turkish dotless i", "Işık", "isik"),
        ("Turkish capital i", "İŞ", "is"),
        ("full width", "Ｊｏｂｃｅｎｔｅｒ", "jobcenter"),
        ("a ligature", "Pﬁrsich", "pfirsich"),
        ("Arabic alef", "أريكة إلى آخر ٱ", "اريكه الي اخر ا"),
        ("Arabic ta marbuta and alef maqsura", "مدرسة كبرى", "مدرسه كبري"),
        ("Arabic vowel marks", "مَدْرَسَةٌ", "مدرسة"),
        ("Arabic stretching", "مـــدرسة", "مدرسة"),
        ("Arabic hamza on its seat", "مسؤول رئيس", "مسوول رييس"),
        ("Persian kaf and ya", "کی", "كي"),
        ("Persian half space", "می\u200cخواهم", "میخواهم"),
        ("Ukrainian apostrophes", "п'ять", "п’ять"),
        ("Ukrainian apostrophe as a letter", "пʼять", "п'ять"),
        ("an apostrophe left out", "п'ять", "пять"),
        ("Arabic digits", "٢٥", "25"),
        ("Persian digits", "۲۵", "25"),
        ("Devanagari digits", "२५", "25"),
        ("marks between words", "Hallo,Welt!…(ja)", "hallo welt ja"),
        ("invisible direction marks", "\u2067سلام\u2069", "سلام"),
        ("line breaks", " a\n\tb ", "a b"),
    ],
)  # fmt: skip
def test_spelling_habits_do_not_matter(label: str, typed: str, meant: str) -> None:
    assert fold(typed) == fold(meant)


@pytest.mark.parametrize(("one", "other"), [("й", "и"), ("ї", "і"), ("غ", "ع"), ("Mull", "Müll"), ("1", "l")])
def test_letters_that_tell_words_apart_are_kept_or_known_to_be_lost(one: str, other: str) -> None:
    lost = {("й", "и"), ("ї", "і"), ("Mull", "Müll")}  # a mark that many leave out is dropped on both sides
    assert (fold(one) == fold(other)) is ((one, other) in lost)


@pytest.mark.parametrize("text", ["", "   ", "?!…", "😀🎉👍🏽", "\u200f\u2067", "——", "\x00\x07"])
def test_without_a_letter_or_digit_nothing_is_left(text: str) -> None:
    assert fold(text) == ""


WORD = st.text(alphabet="abcdeßاب", max_size=8)


@given(WORD, WORD)
def test_nearness_goes_both_ways(a: str, b: str) -> None:
    assert near(a, b) == near(b, a)


@given(WORD, st.data())
def test_a_word_is_near_itself_and_each_single_typing_mistake_of_it(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word)))
    mistakes = [word, word[:at] + "x" + word[at:], word[:at] + word[at + 1 :], word[:at] + "x" + word[at + 1 :]]
    mistakes.append(word[:at] + word[at : at + 2][::-1] + word[at + 2 :])
    assert all(near(word, mistake) for mistake in mistakes)


@pytest.mark.parametrize(("a", "b"), [("bescheid", "beschied"), ("sofa", "sofas"), ("", "a")])
def test_one_mistake_is_near(a: str, b: str) -> None:
    assert near(a, b)


@pytest.mark.parametrize(("a", "b"), [("sofa", "safo"), ("haus", "mausi"), ("abcd", "dcba"), ("", "ab")])
def test_two_mistakes_are_not_near(a: str, b: str) -> None:
    assert not near(a, b)
