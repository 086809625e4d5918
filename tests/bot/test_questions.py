"""Measuring the search: typing mistakes, outside collections, and what stands beside a figure."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import corpus
from bot.errors import SettingsError
from bot.evaluate import ask_all, compare
from bot.questions import UNHURT, Question, misspelt, read_questions

PAGES = (
    {"id": "books", "lang": "de", "town": "a", "title": "Bücherei", "text": "Bücher leihen\nAusweis zeigen"},
    {"id": "pool", "lang": "de", "town": "a", "title": "Schwimmbad", "text": "Baden im Becken\nAusweis nicht nötig"},
    {"id": "other", "lang": "de", "town": "b", "title": "Bücherei", "text": "Bücher leihen"},
    {"id": "library", "lang": "en", "title": "Library", "text": "Borrow books"},
)


def question(text: str, *expect: str, language: str = "de", town: str | None = "a") -> Question:
    return Question(id=text, language=language, text=text, expect=expect, town=town)


@pytest.fixture
def pages(tmp_path: Path) -> corpus.Pages:
    path = tmp_path / "pages.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, PAGES)).encode()))
    return corpus.read_pages([path])


@given(st.lists(st.text(alphabet="abcdefg ä", max_size=40), max_size=5))
def test_a_mistake_changes_every_third_long_word_by_one_letter_and_no_other(texts: list[str]) -> None:
    asked = [question(text) for text in texts]
    wrong = misspelt(asked)
    assert wrong == misspelt(asked), "the same questions have the same mistakes"
    for before, after in zip(texts, (q.text for q in wrong), strict=True):
        pairs = list(zip(before.split(" "), after.split(" "), strict=True))
        long = [i for i, (word, _) in enumerate(pairs) if len(word) > UNHURT]
        for i, (word, typed) in enumerate(pairs):
            if i in long[::3]:
                assert len(typed) in (len(word), len(word) - 1)
                assert len(typed) < len(word) or sorted(typed) == sorted(word)
            else:
                assert typed == word


def test_mistakes_are_by_turns_a_swap_and_a_missing_letter() -> None:
    one, two = (q.text for q in misspelt([question("abcdefgh"), question("abcdefgh")]))
    assert sorted(one) == sorted("abcdefgh")
    assert one != "abcdefgh"
    assert len(two) == 7


def test_three_searches_find_the_page_of_the_town_and_language(pages: corpus.Pages) -> None:
    asked = [
        question("Bücher leihen", "books"),
        question("Bücher leihen", "other", town="b"),
        question("Baden", "pool"),
        question("borrow books", "library", language="en", town=None),
    ]
    searches = {"ours": corpus.our_search(pages), **corpus.ordinary_searches(pages)}
    assert len(searches) == 3
    for name, search in searches.items():
        assert [outcome.place for outcome in ask_all(search, asked)] == [1, 1, 1, 1], name


def test_words_of_one_language_in_another_are_learned_from_pages_that_say_the_same_line_by_line(tmp_path: Path) -> None:
    rows = (
        {"id": "a", "lang": "de", "title": "Bücher", "text": "Bücher leihen\nBücher lesen\nKarte zeigen"},
        {"id": "a", "lang": "en", "title": "books", "text": "borrow books\nread books\nshow card"},
        {"id": "b", "lang": "de", "title": "Karte", "text": "Karte leihen\nmehr"},
        {"id": "b", "lang": "en", "title": "pool", "text": "pool"},
    )
    path = tmp_path / "pages.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    learned = corpus.learn_lexicons(corpus.read_pages([path]))
    assert learned["en"]["de"]["books"] == "bucher"
    assert learned["de"]["en"]["bucher"] == "books"
    assert "pool" not in learned["en"]["de"], "the two pages have not as many lines"


def test_an_ordinary_search_finds_nothing_where_no_word_is_shared(pages: corpus.Pages) -> None:
    for name, search in corpus.ordinary_searches(pages).items():
        (outcome,) = ask_all(search, [question("Zahnarzt !", "books")])
        assert outcome.finding.decision == "none", name


def test_the_mean_is_that_of_the_languages_and_lies_in_its_interval(pages: corpus.Pages) -> None:
    asked = [
        *(question("Bücher leihen", "books") for _ in range(9)),
        question("Baden", "books"),
        question("borrow books", "library", language="en", town=None),
    ]
    mean, low, high = compare({"ours": ask_all(corpus.our_search(pages), asked)})["ours"]["hit@1"]
    assert mean == pytest.approx((0.9 + 1) / 2)
    assert low < mean < high


def test_a_packed_file_that_is_none_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(b"no gzip")
    with pytest.raises(SettingsError, match=r"broken\.jsonl\.gz"):
        read_questions(broken)
