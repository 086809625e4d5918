"""What people really send: each has a defined outcome, a clear sentence or a counted refusal, never an exception."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.catalogs import Catalogs
from flows import FLOWS
from flows.core.delivery import Attachment
from flows.core.knowledge import Knowledge
from tests.talk import Talk

LANGUAGES = ("de", "en", "ar", "uk")


@pytest.fixture
def talk(knowledge: Knowledge, catalogs: Catalogs) -> Talk:
    talk = Talk(knowledge, catalogs)
    talk.presses("language:de")
    return talk


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("nothing", ""),
        ("blanks", " \n\t "),
        ("an emoji", "😂"),
        ("control characters", "\x00\x07\x1b[31m\u202e"),
        ("dots", "...???"),
    ],
)
def test_what_is_no_question_gets_a_sentence_and_a_way_on(talk: Talk, label: str, text: str) -> None:
    said = talk.writes(text)
    assert [c.id for c in said[0].choices][:2] == ["human", "menu"], label


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000,
        "Sofa " * 2_000,
        "<b>Sofa</b> & *Sperrmüll* [x](javascript:1)",
        "'; DROP TABLE tickets; --",
        "\ud83d",
    ],
)
def test_long_and_hostile_texts_are_answered(talk: Talk, text: str) -> None:
    said = talk.writes(text)
    assert said
    assert said[0].text


@pytest.mark.parametrize("digits", ["9" * 5_000, "٩" * 5_000, "0" * 9_999 + "7"])
@pytest.mark.parametrize("node", [("school.start:duty",), ("jobcenter.start:letter", "jobcenter.letter:decision")])
def test_a_number_of_any_length_is_asked_again(talk: Talk, node: tuple[str, ...], digits: str) -> None:
    for choice in node:
        talk.presses(choice)
    waiting = talk.conversation.node
    assert talk.writes(digits)[0].text
    assert talk.conversation.node == waiting


def test_words_behind_a_slash_that_is_no_command_are_heard(talk: Talk) -> None:
    assert talk.commands("hilfe", "mein Mann schlägt mich")[0].crisis
    assert talk.commands("frage", "Wohin mit dem alten Sofa?")[0].article == "waste.bulky"
    assert "Befehl" in talk.commands("unbekannt")[0].text


@pytest.mark.parametrize("kind", ["voice", "photo", "location"])
def test_what_the_bot_cannot_read_is_not_passed_over_before_a_language(
    knowledge: Knowledge, catalogs: Catalogs, kind: str
) -> None:
    talk, other = Talk(knowledge, catalogs), Talk(knowledge, catalogs)
    said = talk.writes("", Attachment(kind=kind, ref="x"))[0]
    asked = other.writes("Hallo")[0]
    assert said.text.endswith(asked.text)
    assert len(said.text) > len(asked.text)
    assert [c.id for c in said.choices] == [c.id for c in asked.choices]


@pytest.mark.parametrize(
    "kind", ["voice", "audio", "photo", "video", "document", "sticker", "location", "contact", "poll", "dice"]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_bot_cannot_read_gets_a_fitting_sentence(
    knowledge: Knowledge, catalogs: Catalogs, kind: str, language: str
) -> None:
    talk = Talk(knowledge, catalogs)
    talk.presses(f"language:{language}")
    said = talk.writes("", Attachment(kind=kind, ref="x"))
    assert said[0].language == language
    assert "human" in [c.id for c in said[0].choices]


def test_a_caption_is_taken_as_the_question(talk: Talk) -> None:
    said = talk.writes("Wohin mit meinem alten Sofa?", Attachment(kind="photo", ref="x"))
    assert said[-1].article == "waste.bulky"


def test_files_in_a_case_go_to_staff(talk: Talk) -> None:
    talk.presses("human")
    talk.presses("yes")
    assert talk.writes("", Attachment(kind="voice", ref="x")) == []
    assert talk.last.entries[0].attachments


def test_a_button_of_an_old_message_still_leads_somewhere(talk: Talk) -> None:
    talk.presses("topic:waste")
    talk.presses("topic:school")
    said = talk.presses("waste.start:yard")
    assert said[0].article == "waste.recycling-yard"


@pytest.mark.parametrize(
    "choice", ["waste.gone:x", "article:no.such", "topic:no", "nonsense", "yes", "ask.section:none"]
)
def test_a_button_that_no_longer_exists_is_explained(talk: Talk, choice: str) -> None:
    said = talk.presses(choice)
    assert said
    assert "menu" in [c.id for c in said[0].choices]


def test_a_button_pressed_twice_is_answered_once(talk: Talk) -> None:
    assert talk.presses("topic:waste", message="5")
    assert talk.presses("topic:waste", message="5") == []
    assert talk.presses("topic:school", message="5")


@pytest.mark.parametrize("name", ["nonsense", "settings", "START"])
def test_an_unknown_command_is_answered_with_the_menu(talk: Talk, name: str) -> None:
    said = talk.commands(name)
    assert "topic:waste" in [c.id for c in said[0].choices]


@pytest.mark.parametrize("payload", ["garbage", "v1_", "v1_xx_no.such_99_", "v1____", "v9_de", "💥", "x" * 500])
def test_a_garbage_start_payload_begins_like_any_start(knowledge: Knowledge, catalogs: Catalogs, payload: str) -> None:
    talk = Talk(knowledge, catalogs)
    said = talk.commands("start", payload)
    assert [c.id for c in said[0].choices] == [f"language:{code}" for code in knowledge.town.languages]


def test_join_in_a_group_is_refused_and_the_code_burnt(talk: Talk) -> None:
    talk.commands("join", "ABCDEFGH", private=False)
    assert talk.last.joins == (("ABCDEFGH", True),)
    assert "privaten Chat" in talk.last.deliveries[0].message.text


def test_a_question_typed_before_a_language_is_answered_after_it(knowledge: Knowledge, catalogs: Catalogs) -> None:
    talk = Talk(knowledge, catalogs)
    first = talk.writes("Wohin mit dem alten Sofa?")
    assert first[0].article is None
    said = talk.presses("language:de")
    assert said[-1].article == "waste.bulky"


def test_a_question_in_another_language_is_answered_in_it_with_an_offer_to_switch(talk: Talk) -> None:
    said = talk.writes("أين أرمي الأريكة القديمة؟")
    assert said[0].article == "waste.bulky"
    assert said[0].language == "ar"
    assert "language:ar" in [c.id for c in said[0].choices]
    assert talk.conversation.language == "de"


@pytest.mark.parametrize("number", ["2", "٢", "۲"])
def test_a_number_in_any_script_picks_a_choice(talk: Talk, number: str) -> None:
    shown = talk.presses("topic:waste")[0].choices
    talk.writes(number)
    assert talk.conversation.answers == {"waste.start": shown[1].id.split(":")[1]}


def test_a_label_typed_picks_its_choice(talk: Talk) -> None:
    talk.presses("topic:waste")
    said = talk.writes("wertstoffhof: wo und wann")
    assert said[0].article == "waste.recycling-yard"


def test_a_number_is_the_age_where_an_age_is_asked(talk: Talk) -> None:
    talk.presses("topic:school")
    talk.presses("school.start:duty")
    talk.writes("2")
    assert talk.conversation.node == "younger"


def test_the_date_of_a_letter_is_kept_nowhere(talk: Talk) -> None:
    talk.presses("topic:jobcenter")
    talk.presses("jobcenter.start:letter")
    talk.presses("jobcenter.letter:decision")
    talk.writes("12.11.2026")
    assert "12.11" not in str(talk.state)
    assert "2026-11-12" not in str(talk.state)


def test_a_flow_that_changed_under_a_conversation_is_said_and_the_answers_stay(talk: Talk) -> None:
    talk.presses("topic:waste")
    talk.presses("waste.start:where")
    talk.state["node"] = "a-node-of-an-older-release"
    said = talk.writes("Hallo")
    assert "geändert" in said[0].text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(
    st.lists(st.one_of(st.text(max_size=80), st.sampled_from(sorted(FLOWS)), st.integers(0, 12).map(str)), max_size=6)
)
def test_nothing_a_person_types_breaks_a_conversation(talk: Talk, lines: list[str]) -> None:
    for line in lines:
        talk.writes(line)
        json_safe = talk.conversation
        assert json_safe.version > 0


def test_a_question_without_an_answer_is_kept_only_when_the_person_agrees_and_once(talk: Talk) -> None:
    said = talk.writes("Wie wird morgen das Wetter?")
    assert "ask.keep:yes" in [c.id for c in said[0].choices]
    assert talk.last.questions == ()
    talk.presses("ask.keep:yes")
    assert [(q.text, q.language) for q in talk.last.questions] == [("Wie wird morgen das Wetter?", "de")]
    talk.presses("ask.keep:yes")
    assert talk.last.questions == ()
