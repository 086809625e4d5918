"""German official words in a translation: the reader's own word stands before the first of each part."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from bot.content import check_content

SMALL = Path(__file__).parents[1] / "knowledge" / "small"
DAY = dt.date(2026, 11, 24)
ENTRY = Path("articles/waste/bulky")
WORD = "{{term:sperrmuell}}"
BARE = (
    f"the first {WORD} of this part stands without brackets: write the word in English and the German one in brackets "
    "behind it (quotation marks where a letter is quoted)"
)
IN_BRACKETS = "It is bulky waste ({{term:sperrmuell}})."
LIST = "1. your ID\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "knowledge"))


def bare(folder: Path, *changes: tuple[str, str], file: str = "en.md") -> list[int]:
    """The lines told to hold a bare official word once the text is changed."""
    path = folder / ENTRY / file
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    errors = [p for p in check_content(folder, "musterstadt", DAY) if p.severity == "error"]
    assert {(error.path, error.sentence) for error in errors} <= {(path, BARE)}
    return [error.line for error in errors]


TOLD = {
    "no brackets": ((IN_BRACKETS, f"It is {WORD}."), [8]),
    "the reader's word in the brackets": ((IN_BRACKETS, f"It is {WORD} (bulky waste)."), [8]),
    "the brackets come with the second": ((IN_BRACKETS, f"This {WORD} is bulky waste ({WORD})."), [8]),
    "explained in the first view only": ((LIST, f"1. your ID for {WORD}\n"), [19]),
    "bold within a sentence": ((IN_BRACKETS, f"It is **{WORD}**."), [8]),
    "in bold after the beginning of a list item": ((LIST, f"1. your ID **{WORD}**\n"), [19]),
    "beside another word in the bold beginning of a list item": ((LIST, f"1. **papers for {WORD}**: your ID\n"), [19]),
    "brackets closed before": ((IN_BRACKETS, f"It is waste (large) {WORD} (bulky)."), [8]),
    "quotation marks closed before": ((IN_BRACKETS, f"It is “bulky” {WORD} “waste”."), [8]),
    "in a link": (("[form](", f"[{WORD}]("), [20]),
}


@pytest.mark.parametrize("label", TOLD)
def test_a_first_official_word_without_the_readers_own_is_an_error(label: str, folder: Path) -> None:
    change, lines = TOLD[label]
    assert bare(folder, change) == lines


FINE = {
    "in brackets with more": (IN_BRACKETS, f"It is bulky waste (German: {WORD}, also on letters)."),
    "in brackets around brackets": (IN_BRACKETS, f"It is bulky waste ({WORD} (large things))."),
    "in brackets around another fact": (IN_BRACKETS, f"It is bulky waste ({WORD}, {{{{phone:yard}}}})."),
    "bare after the first": (IN_BRACKETS, f"{IN_BRACKETS} Order the {WORD} early."),
    "quoted in English": (IN_BRACKETS, f"The letter says “{WORD}”."),
    "quoted in German and Romanian": (IN_BRACKETS, f"The letter says „{WORD}”."),
    "quoted in Arabic, Russian, French": (IN_BRACKETS, f"The letter says « {WORD} »."),
    "quoted in a longer saying": (IN_BRACKETS, f"Say: “I want {WORD}, please.”"),
    "what a list item explains": (LIST, f"1. **{WORD}:** large things\n"),
    "two that a list item explains": (LIST, f"1. **{WORD}, {WORD}**: large things\n"),
}


@pytest.mark.parametrize("label", FINE)
def test_an_official_word_in_brackets_or_quoted_or_explained_is_no_error(label: str, folder: Path) -> None:
    assert bare(folder, FINE[label]) == []


def test_each_bare_word_is_told_with_its_own_line(folder: Path) -> None:
    changes = (IN_BRACKETS, f"It is\n{WORD}."), (LIST, f"1. ({WORD})\n2. {WORD}\n"), ("One collection", f"One {WORD}")
    assert bare(folder, *changes) == [9, 15]


def test_the_german_text_may_use_the_word_as_any_other(folder: Path) -> None:
    assert bare(folder, (f"Das ist Sperrmüll ({WORD}).", f"Das ist {WORD}."), file="de.md") == []
