"""Conversations that staff can read: each flow in each language, said line by line.

A line `> text` is what the person types, `> #id` presses a button, `desk> …` is staff; what follows is what the
person is told. `./test --rewrite-transcripts` writes what is said now.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.catalogs import Catalogs
from flows.core.knowledge import Knowledge
from tests.talk import Talk

FOLDER = Path(__file__).resolve().parent.parent / "transcripts"
LANGUAGES = ("de", "en", "ar", "uk")

QUESTIONS = {
    "de": ("Wohin mit meinem alten Sofa?", "Wie wird das Wetter morgen?"),
    "en": ("Where do I put my old sofa?", "What will the weather be tomorrow?"),
    "ar": ("أين أرمي الأريكة القديمة؟", "كيف سيكون الطقس غدًا؟"),
    "uk": ("Куди подіти старий диван?", "Яка завтра буде погода?"),
}
DANGER = {
    "de": "Mein Mann schlägt mich",
    "en": "My husband is beating me",
    "ar": "زوجي يضربني",
    "uk": "Мій чоловік мене б'є",
}
STORIES: dict[str, tuple[str, ...]] = {
    "first-contact": ("/start", "{question}", "#language:{lang}", "#helped"),
    "unknown": ("/start", "#language:{lang}", "{offtopic}", "#not-helped"),
    "school-duty": (
        "/start",
        "#language:{lang}",
        "#topic:school",
        "#school.start:duty",
        "7",
        "#school.of-age:place",
        "#school.place:newly-arrived",
    ),
    "school-age-again": ("/start", "#language:{lang}", "#topic:school", "#school.start:duty", "99999", "#back"),
    "jobcenter-letter": (
        "/start",
        "#language:{lang}",
        "#topic:jobcenter",
        "#jobcenter.start:letter",
        "#jobcenter.letter:decision",
        "12.11.2026",
    ),
    "jobcenter-letter-past": (
        "/start",
        "#language:{lang}",
        "#topic:jobcenter",
        "#jobcenter.start:letter",
        "#jobcenter.letter:decision",
        "03.09.2026",
    ),
    "jobcenter-office": (
        "/start",
        "#language:{lang}",
        "#topic:jobcenter",
        "#jobcenter.start:office",
        "#jobcenter.office:asylum",
    ),
    "jobcenter-appointment": ("/start", "#language:{lang}", "#topic:jobcenter", "#jobcenter.start:appointment"),
    "jobcenter-apply": ("/start", "#language:{lang}", "#topic:jobcenter", "#jobcenter.start:apply"),
    "waste-bulky": (
        "/start",
        "#language:{lang}",
        "#topic:waste",
        "#waste.start:bulky",
        "#waste.bulky:pick-up",
        "#ask.office:show",
    ),
    "waste-where": ("/start", "#language:{lang}", "#topic:waste", "#waste.start:where", "#waste.where:daily"),
    "noise": ("/start", "#language:{lang}", "#topic:noise", "#noise.start:loud", "#noise.loud:danger"),
    "neighbours": (
        "/start",
        "#language:{lang}",
        "#topic:neighbours",
        "#neighbours.start:quarrel",
        "#neighbours.quarrel:talk",
    ),
    "handover": (
        "/start",
        "#language:{lang}",
        "#human",
        "#yes",
        "{question}",
        "desk> reply ✓",
        "desk> close",
        "{question}",
    ),
    "crisis": ("/start", "#language:{lang}", "{danger}", "#menu"),
    "delete": ("/start", "#language:{lang}", "/delete", "#yes"),
}


def play(story: tuple[str, ...], language: str, knowledge: Knowledge, catalogs: Catalogs) -> str:
    talk = Talk(knowledge, catalogs)
    question, offtopic = QUESTIONS[language]
    lines: list[str] = []
    for template in story:
        line = template.format(lang=language, question=question, offtopic=offtopic, danger=DANGER[language])
        if line == "desk> close":
            said = talk.closes()
        elif line.startswith("desk> reply "):
            said = talk.agent(line.removeprefix("desk> reply "), command="reply")
        elif line.startswith("/"):
            said = talk.commands(line[1:])
        elif line.startswith("#"):
            said = talk.presses(line[1:])
        else:
            said = talk.writes(line)
        lines.append(line if line.startswith("desk>") else f"> {line}")
        for message in said:
            lines.append(message.text)
            lines += [f"  [{button.label}] #{button.id}" for button in message.choices]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STORIES)
def test_a_conversation_goes_as_written(
    name: str, language: str, knowledge: Knowledge, catalogs: Catalogs, request: pytest.FixtureRequest
) -> None:
    path = FOLDER / f"{name}.{language}.txt"
    said = play(STORIES[name], language, knowledge, catalogs)
    if request.config.getoption("--rewrite-transcripts"):
        path.write_text(said)
    assert said == path.read_text()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "name",
    [n for n in STORIES if n.split("-")[0] in ("school", "jobcenter", "waste", "noise") and n != "school-age-again"],
)
def test_a_guided_flow_ends_with_an_office(name: str, language: str, knowledge: Knowledge, catalogs: Catalogs) -> None:
    said = play(STORIES[name], language, knowledge, catalogs)
    ending = said.rsplit("\n> ", 1)[1]
    assert any(
        office.name in ending or (office.address and office.address in ending) for office in knowledge.offices.values()
    )
