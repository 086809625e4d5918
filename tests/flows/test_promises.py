"""Promises that no single part keeps alone: 1, 2, 14, 15 and 18, over all that is released."""

from __future__ import annotations

import socket
from collections import deque
from pathlib import Path
from typing import Any

import pytest

import bot.chat
from bot.catalogs import Catalogs
from bot.settings import ROOT
from flows.core.effects import Count
from flows.core.knowledge import Knowledge
from tests.flows.small import article, made, text
from tests.lotse import in_process
from tests.talk import Talk

LANGUAGES = ("de", "en", "ar", "uk")


@pytest.mark.parametrize("language", LANGUAGES)
def test_1_every_answer_carries_its_sources_the_day_of_the_check_and_a_door(
    knowledge: Knowledge, catalogs: Catalogs, language: str
) -> None:
    talk = Talk(knowledge, catalogs)
    talk.presses(f"language:{language}")
    for known in knowledge.articles.values():
        if language not in known.texts or known.topic == "crisis":
            continue
        (answer,) = talk.presses(f"article:{known.id}")
        assert answer.article == known.id
        assert known.texts[language].title in answer.text.replace("\u2068", "").replace("\u2069", "")
        assert str(known.checked_on.year) in answer.text, known.id
        assert any(knowledge.offices[office].name in answer.text for office in known.offices), known.id
        for source in known.sources:
            host = source.url.split("/")[2] if "://" in source.url else source.url
            assert host.removeprefix("www.") in answer.text, f"{known.id}: {source.url}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_18_every_answer_of_every_article_offers_a_human(
    knowledge: Knowledge, catalogs: Catalogs, language: str
) -> None:
    talk = Talk(knowledge, catalogs)
    talk.presses(f"language:{language}")
    for id in knowledge.articles:
        (answer,) = talk.presses(f"article:{id}")
        assert "human" in [choice.id for choice in answer.choices], id


def test_2_a_text_that_is_missing_is_said_in_the_persons_language_counted_and_replaced_only_by_what_they_choose(
    catalogs: Catalogs,
) -> None:
    german = article("leisure.pool", text("de", "Schwimmen gehen", "wann öffnet das Schwimmbad", body="Im Hallenbad."))
    talk = Talk(made(german), catalogs)
    talk.presses("language:uk")
    (asked,) = talk.presses("article:leisure.pool")
    assert asked.language == "uk"
    assert "Im Hallenbad." not in asked.text
    assert asked.choices[0].id == "ask.fallback:de"
    assert [e.what for e in talk.effects if isinstance(e, Count)] == ["untranslated"]
    (shown,) = talk.presses("ask.fallback:de")
    assert "Im Hallenbad." in shown.text
    assert "fallback" in shown.notices
    (again,) = talk.presses("article:leisure.pool")
    assert "fallback" in again.notices, "the choice is remembered, and the notice stays"
    assert "untranslated" in [e.what for e in talk.effects if isinstance(e, Count)]


def test_14_a_question_is_answered_without_any_connection(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    knowledge: Knowledge,
    catalogs: Catalogs,
) -> None:
    monkeypatch.setattr(bot.chat, "load", lambda settings, trying: (knowledge, catalogs))

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was asked for")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    lotse = in_process(tmp_path, monkeypatch, capsys)
    said = lotse("chat", "--json", "--lang", "en", typed="Where can I get rid of my old sofa?\n#human\n#yes\nHello\n")
    assert said.code == 0
    assert said.messages[0]["article"] == "waste.bulky"
    assert [line["event"] for line in said.desk] == ["opened", "message"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_15_an_answer_is_three_taps_away_in_every_topic(
    knowledge: Knowledge, catalogs: Catalogs, language: str
) -> None:
    for topic in knowledge.town.menu:
        taps: dict[str, int] = {}
        paths: deque[tuple[str, ...]] = deque([(f"topic:{topic}",)])
        while paths:
            path = paths.popleft()
            talk = Talk(knowledge, catalogs)
            talk.presses(f"language:{language}")
            for press in path[:-1]:
                talk.presses(press)
            said = talk.presses(path[-1])[-1]
            if said.article is not None:
                taps.setdefault(said.article, len(path))
            elif len(path) < 3:
                onward = [c.id for c in said.choices if c.id.split(":")[0].split(".")[0] in (topic, "article")]
                paths.extend((*path, choice) for choice in onward)
        assert taps, f"{topic}: no answer within three taps"


def test_what_decides_and_what_remembers_knows_no_town() -> None:
    for path in [*(ROOT / "flows").rglob("*.py"), *(ROOT / "db").rglob("*.py")]:
        assert "magdeburg" not in path.read_text(encoding="utf-8").lower(), path
