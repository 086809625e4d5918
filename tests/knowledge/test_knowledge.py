"""The real knowledge folder, as it is released."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.content import check_content, load_knowledge
from bot.content.town import AMOUNT_UNITS, DEADLINE_UNITS
from bot.languages import VOICED
from bot.render import Catalogs, render
from bot.settings import ROOT
from flows.core import facts
from flows.core.delivery import Capabilities
from flows.core.knowledge import ArticleText, Block, Knowledge, Span
from flows.core.phrases import ArticleView, Fact, Message

FOLDER = ROOT / "knowledge"
TOWN = "magdeburg"
DAY = dt.date(2026, 11, 24)


@pytest.fixture(scope="module")
def magdeburg() -> Knowledge:
    return load_knowledge(FOLDER, TOWN)


def test_the_knowledge_has_no_errors():
    assert [str(problem) for problem in check_content(FOLDER, TOWN, DAY) if problem.severity == "error"] == []


def test_every_text_reads_well_on_its_day_in_every_language(magdeburg: Knowledge):
    voice = Catalogs.load(ROOT / "locales")
    for article in magdeburg.articles.values():
        for language, text in article.texts.items():
            if language not in VOICED:
                continue
            for section in (None, *(section.id for section in text.sections)):
                view = facts.view(magdeburg, article.id, language, DAY, section=section)
                said = render(Message(parts=(view,)), language, voice, Capabilities(buttons=True)).text
                assert "{" not in said, f"{article.id} {language} {section}"
                assert said.count("\u2068") == said.count("\u2069")


def test_every_answer_names_a_door(magdeburg: Knowledge):
    for article in magdeburg.articles.values():
        for office in article.offices:
            record = magdeburg.offices[office]
            assert record.reachable, f"{article.id}: {office}"


def test_every_unit_of_a_fact_can_be_said():
    voice = Catalogs.load(ROOT / "locales")
    for language in VOICED:
        for unit in (*AMOUNT_UNITS, *DEADLINE_UNITS):
            block = Block(kind="paragraph", spans=(Span(fact=("amount", "x")),))
            text = ArticleText(
                language=language, title="x", lead=(block,), sections=(), asks=(), reviewed=True, outdated=False
            )
            fact = Fact(kind="amount", value=3, unit=unit)
            view = ArticleView(
                article="x.y", text=text, title="x", blocks=(block,), facts={("amount", "x"): fact}, footer=None
            )
            assert "3" in render(Message(parts=(view,)), language, voice, Capabilities(buttons=True)).text
