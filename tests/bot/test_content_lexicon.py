"""The word lexicon of languages that lack texts: learned from parallel texts, read back, and used by the search."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from bot.content import lexicon
from bot.content.tables import Problems
from flows.core.index import build_index
from flows.core.knowledge import Knowledge
from flows.core.ranking import rank
from flows.core.search import HITS, find
from tests.flows.small import article, made, text

PARALLEL = (
    ("szemét", "Müll"),
    ("lakás", "Wohnung"),
    ("iskola", "Schule"),
    ("orvos", "Arzt"),
    ("pénz", "Geld"),
)


def parallel() -> Knowledge:
    """Eleven articles in both languages that say two of the words each, and one in German alone."""
    pairs = [(a, b) for n, a in enumerate(PARALLEL) for b in PARALLEL[n + 1 :]]
    articles = [
        article(
            f"both.t{n}",
            text("de", f"{one[1]} und {two[1]}", body=f"Das {one[1]} ist hier."),
            text("hu", f"{one[0]} és {two[0]}", body=f"Itt van {one[0]}."),
        )
        for n, (one, two) in enumerate(pairs)
    ]
    library = article("leisure.doctor", text("de", "Arzt suchen", "wo ist ein Arzt", body="Arzt und noch ein Arzt."))
    return made(*articles, library)


def test_a_word_is_paired_with_the_german_one_it_stands_beside() -> None:
    learned = lexicon.learn(parallel(), "hu")
    assert {word: learned.get(word) for word in ("szemet", "lakas", "iskola", "orvos", "penz")} == {
        "szemet": "mull",
        "lakas": "wohnung",
        "iskola": "schule",
        "orvos": "arzt",
        "penz": "geld",
    }


def test_what_was_learned_is_read_back_the_same(tmp_path: Path) -> None:
    learned = lexicon.learn(parallel(), "hu")
    lexicon.write(tmp_path, "hu", learned)
    problems = Problems()
    assert lexicon.read(tmp_path, problems) == {"hu": learned}
    assert not problems.errors


def test_only_languages_that_lack_texts_and_have_some_are_learned() -> None:
    known = parallel()
    town = dataclasses.replace(known.town, languages=("de", "hu", "ar"))
    assert lexicon.wanted(dataclasses.replace(known, town=town)) == ("hu",)


def test_an_article_without_a_text_in_the_language_is_found_through_its_german_words() -> None:
    known = parallel()
    town = dataclasses.replace(known.town, languages=("de", "hu"))
    plain = dataclasses.replace(known, town=town)
    with_words = dataclasses.replace(plain, lexicons={"hu": {"orvos": "arzt", "doktor": "arzt", "suchen": "suchen"}})

    def ids(knowledge: Knowledge) -> list[str]:
        return [hit.article for hit in rank(build_index(knowledge), "kell egy orvos vagy doktor", "hu").hits[:HITS]]

    assert "leisure.doctor" not in ids(plain)
    assert "leisure.doctor" in ids(with_words)


def test_a_town_that_does_not_speak_german_is_searched_without_the_lexicon() -> None:
    known = parallel()
    town = dataclasses.replace(known.town, languages=("hu",))
    without_german = dataclasses.replace(known, town=town, lexicons={"hu": {"orvos": "arzt"}})
    ready = dataclasses.replace(without_german, index=build_index(without_german))
    assert find(ready, "orvos és iskola", "hu").hits
