"""Hand-over and desk in the pure core: promises 7 to 10."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.catalogs import Catalogs
from bot.plan import Room
from flows.core.effects import ChangeTicket, Forget, OpenTicket, PostToDesk, SendMessage, WakeDesk
from flows.core.events import AgentWrote, DeliveryFailed, PersonLeft, ReplyDelivered, TicketClaimed, TicketClosed
from flows.core.knowledge import Knowledge
from tests.talk import Talk

LANGUAGES = ("de", "en", "ar", "uk")


@pytest.fixture
def talk(knowledge: Knowledge, catalogs: Catalogs) -> Talk:
    talk = Talk(knowledge, catalogs)
    talk.presses("language:de")
    return talk


def handed_over(talk: Talk) -> Talk:
    talk.writes("Der Brief vom Jobcenter ist schwer")
    talk.presses("human")
    talk.presses("yes")
    return talk


def kinds(talk: Talk) -> list[type]:
    return [type(effect) for effect in talk.effects]


def test_7_the_bot_is_silent_while_a_human_has_the_case(talk: Talk) -> None:
    handed_over(talk)
    for text in ("Wohin mit dem Sofa?", "Müll", "Menü", "zurück", "Mensch", "3", "hallo"):
        assert talk.writes(text) == []
        assert [e.role for e in talk.effects if isinstance(e, PostToDesk)] == ["copy"]
    assert talk.presses("topic:waste") == []


def test_7_a_reply_of_staff_reaches_the_person_and_nothing_else_is_said(talk: Talk) -> None:
    handed_over(talk)
    said = talk.agent("Kommen Sie am Dienstag.", command="reply")
    assert len(said) == 1
    assert "Kommen Sie am Dienstag." in said[0].text


@pytest.mark.parametrize("word", ["Stopp", "stop", "توقف", "стоп"])
def test_7_stop_ends_the_case_after_one_confirmation(talk: Talk, word: str) -> None:
    handed_over(talk)
    asked = talk.writes(word)
    assert [c.id for c in asked[0].choices] == ["yes", "no"]
    assert talk.conversation.mode == "desk"
    ended = talk.presses("yes")
    assert talk.conversation.mode == "bot"
    assert "beendet" in ended[0].text
    assert any(isinstance(e, ChangeTicket) and e.state == "closed" for e in talk.effects)
    assert any(isinstance(e, PostToDesk) and e.role == "mark" for e in talk.effects)


def test_7_a_no_to_stop_keeps_the_case_and_other_words_go_to_staff(talk: Talk) -> None:
    handed_over(talk)
    talk.writes("stop")
    assert talk.writes("Ich meinte den Stoppschild-Brief") == []
    assert any(isinstance(e, PostToDesk) and e.role == "copy" for e in talk.effects)
    talk.writes("stop")
    talk.writes("nein")
    assert talk.conversation.mode == "desk"


def test_7_language_stays_the_persons_while_a_human_has_the_case(talk: Talk) -> None:
    handed_over(talk)
    talk.writes("language")
    said = talk.presses("language:ar")
    assert talk.conversation.language == "ar"
    assert said[0].language == "ar"
    assert talk.conversation.mode == "desk"


def test_7_crisis_words_show_the_numbers_and_reach_staff_marked_urgent(talk: Talk) -> None:
    handed_over(talk)
    said = talk.writes("mein Mann schlägt mich, ich habe Angst")
    assert said[0].crisis
    assert any(isinstance(e, PostToDesk) and e.role == "copy" for e in talk.effects)
    assert talk.last.changed is not None
    assert talk.last.changed.urgent is True
    assert any(isinstance(e, WakeDesk) and e.urgent for e in talk.effects)
    assert talk.conversation.mode == "desk"


@pytest.mark.parametrize("answer", ["2", "٢", "Nein", "ja", "1"])
def test_7_a_number_or_a_short_word_in_a_case_is_an_answer_for_staff(talk: Talk, answer: str) -> None:
    handed_over(talk)
    talk.agent("Wie viele Kinder haben Sie?", command="reply")
    assert talk.writes(answer) == []
    assert [e.message.text for e in talk.last.entries] == [answer]
    assert talk.last.changed is not None
    assert talk.last.changed.state == "waiting-staff"
    assert any(isinstance(e, WakeDesk) for e in talk.effects)


@pytest.mark.parametrize("word", ["stop", "löschen"])
def test_7_a_yes_after_a_question_of_staff_answers_staff(talk: Talk, word: str) -> None:
    handed_over(talk)
    talk.writes(word)
    talk.agent("Soll ich Sie anrufen?", command="reply")
    assert talk.writes("ja") == []
    assert [e.message.text for e in talk.last.entries] == ["ja"]
    assert talk.conversation.mode == "desk"


def test_7_a_pressed_yes_still_answers_the_question_it_stands_under(talk: Talk) -> None:
    handed_over(talk)
    talk.writes("stop")
    talk.agent("Soll ich Sie anrufen?", command="reply")
    talk.presses("yes")
    assert talk.conversation.mode == "bot"


@pytest.mark.parametrize(("word", "pick"), [("stop", "1"), ("stop", "Ja"), ("language", "2")])
def test_7_a_number_or_a_label_still_answers_what_the_bot_asked_last(talk: Talk, word: str, pick: str) -> None:
    handed_over(talk)
    talk.writes(word)
    assert len(talk.writes(pick)) == 1
    assert talk.last.entries[0].role == "mark"


def test_7_when_the_case_ends_both_sides_are_told_and_the_bot_is_back(talk: Talk) -> None:
    handed_over(talk)
    said = talk.closes()
    assert "abgeschlossen" in said[0].text
    assert [e.role for e in talk.effects if isinstance(e, PostToDesk)] == ["mark"]
    assert talk.writes("Wohin mit dem alten Sofa?")[-1].article == "waste.bulky"


def test_8_every_state_offers_a_human_in_one_tap(knowledge: Knowledge, catalogs: Catalogs) -> None:
    talk = Talk(knowledge, catalogs)
    for language in LANGUAGES:
        shown = [m for m in talk.presses(f"language:{language}") if len(m.choices) > 1]
        for topic in knowledge.town.menu:
            shown += talk.presses(f"topic:{topic}")
        shown += talk.writes("xqzt wrgl")
        for message in shown:
            assert "human" in [c.id for c in message.choices], message.text


@pytest.mark.parametrize(
    ("label", "before", "then"),
    [
        ("after stop", (), "stop"),
        ("after thanks", (), "danke"),
        ("after an answer that helped", ("#article:waste.bulky",), "#helped"),
        ("after a no to handing over", ("#human",), "nein"),
        ("after a no to deleting", ("löschen",), "nein"),
    ],
)
def test_8_a_human_is_offered_when_a_talk_seems_to_be_over(
    talk: Talk, label: str, before: tuple[str, ...], then: str
) -> None:
    for line in (*before, then):
        said = talk.presses(line[1:]) if line.startswith("#") else talk.writes(line)
    assert [c.id for c in said[0].choices] == ["menu", "human"], label


def test_8_without_any_member_no_case_is_opened_and_the_office_is_named(
    knowledge: Knowledge, catalogs: Catalogs
) -> None:
    talk = Talk(knowledge, catalogs, staffed=False)
    talk.presses("language:de")
    talk.writes("Wohin mit dem alten Sofa?")
    said = talk.presses("human")
    assert not any(isinstance(e, OpenTicket) for e in talk.effects)
    assert talk.conversation.mode == "bot"
    assert any(o.name in said[0].text for o in knowledge.offices.values())


def test_8_outside_office_hours_the_next_ones_are_said_once(knowledge: Knowledge, catalogs: Catalogs) -> None:
    import dataclasses

    town = dataclasses.replace(knowledge.town, staff_hours="Mo-Fr 09:00-12:00; PH off")
    known = dataclasses.replace(knowledge, town=town)
    christmas = dt.datetime(2026, 12, 24, 18, 0, tzinfo=dt.UTC)  # the 25th and 26th are holidays, then a Sunday
    talk = Talk(known, catalogs, at=christmas)
    talk.presses("language:de")
    talk.presses("human")
    said = talk.presses("yes")
    assert "28." in said[0].text
    assert "09:00" in said[0].text
    assert talk.writes("Hallo?") == []


def test_nothing_reaches_staff_before_consent(talk: Talk) -> None:
    talk.writes("Ich brauche Hilfe mit dem Brief vom Jobcenter")
    talk.presses("human")
    assert not any(isinstance(e, PostToDesk) for r in talk.results for e in r.entries)
    talk.presses("no")
    assert all(not r.entries for r in talk.results)
    assert talk.conversation.mode == "bot"


def test_what_was_typed_before_is_in_the_brief_and_not_typed_again(talk: Talk) -> None:
    talk.writes("Ich habe einen Bescheid vom Jobcenter bekommen")
    talk.presses("human")
    talk.presses("yes")
    brief = talk.last.entries[0]
    assert brief.role == "brief"
    assert "Ich habe einen Bescheid vom Jobcenter bekommen" in brief.message.text
    assert "Fall 1" in brief.message.text


# ---- promise 9 ----

agent_texts = st.text(max_size=60).filter(lambda t: not t.startswith("/r "))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    text=agent_texts,
    quotes=st.sampled_from([None, "other"]),
    edited=st.booleans(),
    command=st.sampled_from([None, "note"]),
    reply_to=st.sampled_from([None, "17"]),
)
def test_9_no_note_ever_reaches_a_person(
    talk: Talk, text: str, quotes: str | None, edited: bool, command: str | None, reply_to: str | None
) -> None:
    if talk.conversation.mode == "bot":
        handed_over(talk)
    said = talk.agent(text, quotes=quotes, edited=edited, command=command, reply_to=reply_to)
    assert said == []
    assert not any(isinstance(e, SendMessage) for e in talk.effects)
    assert [e.role for e in talk.effects if isinstance(e, PostToDesk)] == ["note"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(text=st.text(max_size=40), quotes=st.sampled_from([None, "person", "other"]))
def test_9_a_note_written_as_a_note_stays_one_whatever_it_says(talk: Talk, text: str, quotes: str | None) -> None:
    if talk.conversation.mode == "bot":
        handed_over(talk)
    talk.agent("/r " + text, quotes=quotes, command="note")
    assert not any(isinstance(e, SendMessage) for e in talk.effects)


@pytest.mark.parametrize(
    ("label", "given"),
    [
        ("a reply to our copy of the person's words", {"text": "Ja, gern.", "quotes": "person"}),
        ("a text after /r", {"text": "/r Ja, gern."}),
        ("the desk's reply field", {"text": "Ja, gern.", "command": "reply"}),
    ],
)
def test_9_only_an_explicit_reply_goes_out(talk: Talk, label: str, given: dict[str, str]) -> None:
    handed_over(talk)
    said = talk.agent(**given)
    assert [m.text.splitlines()[-1] for m in said] == ["Ja, gern."], label


def test_9_somebody_who_is_not_on_staff_is_ignored_and_counted(talk: Talk) -> None:
    handed_over(talk)
    event = AgentWrote(**{**talk._desk(), "member": None}, text="/r Hallo")
    assert talk.happens(event) == []
    assert [t.what for t in talk.last.tallies] == ["ignored"]
    assert talk.last.entries == ()


def test_9_each_delivered_reply_gets_a_mark_and_each_failure_a_reason(talk: Talk) -> None:
    handed_over(talk)
    talk.agent("Ja.", command="reply")
    talk.happens(ReplyDelivered(**talk._base(), delivery="x:0"))
    assert "zugestellt" in talk.last.entries[0].message.text
    talk.happens(DeliveryFailed(**talk._base(), delivery="x:0", role="agent", reason="refused"))
    assert "nicht zugestellt" in talk.last.entries[0].message.text
    assert talk.conversation.mode == "desk"


def test_a_person_who_blocks_the_bot_makes_the_case_unreachable(talk: Talk) -> None:
    handed_over(talk)
    talk.happens(PersonLeft(**talk._base()))
    assert talk.last.changed is not None
    assert talk.last.changed.outcome == "unreachable"
    assert talk.conversation.mode == "bot"


def test_after_closing_a_reply_is_not_sent_and_staff_are_told(talk: Talk) -> None:
    handed_over(talk)
    talk.closes()
    assert talk.agent("/r Noch etwas") == []
    assert "nichts gesendet" in talk.last.entries[0].message.text


@pytest.mark.parametrize("kind", [AgentWrote, TicketClosed, TicketClaimed])
def test_what_staff_do_in_a_closed_case_does_not_touch_the_next_one(talk: Talk, kind: type) -> None:
    handed_over(talk)
    talk.closes()
    first = talk.ticket
    handed_over(talk)
    assert talk.conversation.ticket is not None
    assert talk.conversation.ticket.number == 2
    words = {"text": "/r Das war für den ersten Fall"} if kind is AgentWrote else {}
    assert talk.happens(kind(**{**talk._desk(), "ticket": 1}, **words), ticket=first) == []
    assert talk.conversation.mode == "desk"
    assert talk.last.changed is None
    assert ["nichts gesendet" in e.message.text for e in talk.last.entries] == [True]


# ---- promise 10, rooms ----


def test_a_discreet_case_is_never_shown_in_full_in_a_room(knowledge: Knowledge, catalogs: Catalogs) -> None:
    rooms = (Room(channel="telegram", peer="-100", mode="full"),)
    talk = Talk(knowledge, catalogs, rooms=rooms)
    talk.presses("language:de")
    talk.writes("mein Mann schlägt mich")
    talk.presses("human")
    talk.presses("yes")
    in_room = [d for d in talk.last.deliveries if d.peer == "-100"]
    assert [d.role for d in in_room] == ["brief"]
    assert "schlägt" not in in_room[0].message.text
    talk.writes("er ist gleich wieder da")
    assert all("gleich" not in d.message.text for d in talk.last.deliveries if d.peer == "-100")


@pytest.mark.parametrize(
    ("label", "before"),
    [
        ("words of danger, then an everyday question", ("mein Mann schlägt mich", "Wohin mit dem alten Sofa?")),
        ("a shame topic offered, then an everyday question", ("Ich habe Schulden", "Wohin mit dem alten Sofa?")),
        ("a shame topic offered", ("Ich habe Schulden",)),
        ("a shame topic shown, then an everyday question", ("#article:debt.counselling", "Wohin mit dem alten Sofa?")),
        ("a topic with shame in it opened from the menu", ("#topic:debt",)),
    ],
)
def test_what_may_shame_somebody_is_never_shown_in_full_in_a_room(
    knowledge: Knowledge, catalogs: Catalogs, label: str, before: tuple[str, ...]
) -> None:
    talk = Talk(knowledge, catalogs, channel="telegram", rooms=(Room(channel="telegram", peer="-100", mode="origin"),))
    talk.presses("language:de")
    for line in before:
        talk.presses(line[1:]) if line.startswith("#") else talk.writes(line)
    assert "Telegram" not in talk.presses("human")[0].text, label
    talk.presses("yes")
    assert talk.last.opened is not None
    assert talk.last.opened.discreet, label
    in_room = [d.message.text for d in talk.last.deliveries if d.peer == "-100"]
    assert in_room == ["Fall 1 · de · wartet"], label


def test_words_of_danger_in_a_case_that_waits_already_reach_the_room_as_urgent(
    knowledge: Knowledge, catalogs: Catalogs
) -> None:
    talk = Talk(knowledge, catalogs, channel="telegram", rooms=(Room(channel="telegram", peer="-100", mode="origin"),))
    talk.presses("language:de")
    handed_over(talk)
    talk.writes("mein Mann schlägt mich, ich habe Angst")
    in_room = [d.message.text for d in talk.last.deliveries if d.peer == "-100"]
    assert in_room == ["Dringend: Fall 1 wartet."]


@pytest.mark.parametrize(
    ("mode", "channel", "words"),
    [("origin", "telegram", True), ("origin", "web", False), ("full", "web", True), ("notify", "telegram", False)],
)
def test_a_room_shows_only_what_its_mode_allows(
    knowledge: Knowledge, catalogs: Catalogs, mode: str, channel: str, words: bool
) -> None:
    talk = Talk(knowledge, catalogs, channel=channel, rooms=(Room(channel="telegram", peer="-100", mode=mode),))
    talk.presses("language:de")
    talk.writes("Geheimes Sofa abholen lassen")
    talk.presses("human")
    talk.presses("yes")
    texts = " ".join(d.message.text for d in talk.last.deliveries if d.peer == "-100")
    assert "Fall 1" in texts
    assert ("Geheimes Sofa" in texts) is words


def test_a_contact_card_is_passed_on_only_after_a_yes(talk: Talk) -> None:
    from flows.core.delivery import Attachment

    handed_over(talk)
    card = Attachment(kind="contact", data="Frau Beispiel +49 000")
    asked = talk.writes("", card)
    assert [c.id for c in asked[0].choices] == ["yes", "no"]
    assert talk.last.entries == ()
    talk.presses("no")
    assert talk.last.entries == ()
    talk.writes("", card)
    talk.presses("yes")
    assert "Frau Beispiel" in talk.last.entries[0].message.text


def test_12_delete_asks_once_and_removes_everything_also_during_a_case(talk: Talk) -> None:
    handed_over(talk)
    asked = talk.writes("löschen")
    assert [c.id for c in asked[0].choices] == ["yes", "no"]
    said = talk.presses("yes")
    assert any(isinstance(e, Forget) for e in talk.effects)
    assert talk.last.forget
    assert "lösche" in said[0].text


@pytest.mark.parametrize("agreed", ["ja", "#yes"])
def test_12_delete_works_before_a_language_is_chosen(knowledge: Knowledge, catalogs: Catalogs, agreed: str) -> None:
    talk = Talk(knowledge, catalogs)
    talk.writes("Wohin mit dem alten Sofa?")
    talk.writes("löschen")
    talk.presses(agreed[1:]) if agreed.startswith("#") else talk.writes(agreed)
    assert talk.last.forget


def test_8_who_asks_for_a_human_first_gets_there_after_the_language(knowledge: Knowledge, catalogs: Catalogs) -> None:
    talk = Talk(knowledge, catalogs)
    talk.writes("Mensch")
    assert [c.id for c in talk.presses("language:de")[-1].choices] == ["yes", "no"]
