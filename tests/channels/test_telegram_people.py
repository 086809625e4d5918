"""A person on Telegram, from the first message on, through the whole Lotse."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bot_api import BotApi, Person
from harness import Lotse

LINK = "/start v1_ar_waste-bulky__abcdefghij"


def title(lotse: Lotse, article: str, language: str = "ar") -> str:
    return lotse.knowledge.articles[article].texts[language].title


async def test_a_person_asks_in_arabic_about_the_sofa_and_gets_bulky_waste(lotse: Lotse) -> None:
    person = lotse.api.person("ar")
    await lotse.chooses(person)
    person.writes("وين أرمي الكنبة؟")
    answer = await lotse.reads(person, title(lotse, "waste.bulky"))
    assert "human" in answer.choices.values()
    await lotse.settled()
    assert lotse.api.refusals == []


async def test_a_question_typed_before_the_language_is_answered_after(lotse: Lotse) -> None:
    person = lotse.api.person("ar")
    person.writes("وين أرمي الكنبة؟")
    await lotse.until(lambda: person.received)
    person.presses("language:ar")
    await lotse.reads(person, title(lotse, "waste.bulky"))


async def test_a_deep_link_leads_to_the_article_in_its_language(lotse: Lotse) -> None:
    person = lotse.api.person("de")
    person.writes(LINK)
    await lotse.reads(person, title(lotse, "waste.bulky"))


@pytest.mark.parametrize("payload", ["%%%", "v1_", "v1_xx_no-such_99_!", "v9_ar", "_" * 64, "v1_ar_" + "x" * 300])
async def test_a_garbage_payload_begins_like_none(lotse: Lotse, payload: str) -> None:
    person = lotse.api.person("ar")
    person.writes(f"/start {payload}")
    await lotse.until(lambda: person.received)
    await lotse.settled()
    assert person.received[0].choices
    assert (await lotse.store.figures())["failed"] == 0


async def test_an_unknown_command_is_answered_with_the_menu(lotse: Lotse) -> None:
    person = lotse.api.person()
    await lotse.chooses(person, "de")
    person.writes("/frobnicate")
    assert "topic:waste" in (await lotse.reads(person, "Befehl kenne ich nicht")).choices.values()


async def test_a_button_pressed_twice_answers_once_and_spins_never(lotse: Lotse) -> None:
    person = lotse.api.person()
    await lotse.chooses(person, "de")
    before = len(person.received)
    menu = next(m for m in reversed(person.received) if "topic:noise" in m.choices.values())
    person.presses("topic:noise", menu)
    person.presses("topic:noise", menu)
    await lotse.settled()
    assert len(person.received) == before + 1
    assert all(lotse.api.queries.values())


async def test_a_button_of_an_old_message_shows_a_way_on(lotse: Lotse) -> None:
    person = lotse.api.person()
    await lotse.chooses(person, "de")
    person.writes("Sofa")
    person.presses("waste.gone:bulky", person.received[0])
    assert "menu" in (await lotse.reads(person, "Knopf")).choices.values()


async def test_the_same_update_again_changes_nothing(lotse: Lotse) -> None:
    person = lotse.api.person()
    await lotse.chooses(person, "de")
    person.writes("Sperrmüll")
    again = lotse.api.updates[-1]
    await lotse.settled()
    said = list(person.texts)
    lotse.api.updates.append(again)
    person.writes("danke")
    await lotse.settled()
    assert len(person.texts) == len(said) + 1


async def test_updates_in_another_order_are_all_answered(lotse: Lotse) -> None:
    person = lotse.api.person()
    await lotse.chooses(person, "de")
    before = len(person.received)
    person.writes("Sperrmüll")
    person.writes("danke")
    lotse.api.updates[-2:] = lotse.api.updates[:-3:-1]
    await lotse.settled()
    assert len(person.received) == before + 2


FILE = {"file_id": "f", "file_unique_id": "u", "file_size": 10}
UNREADABLE: dict[str, dict[str, Any]] = {
    "sticker": {"sticker": {**FILE, "emoji": "👍", "width": 1, "height": 1, "is_animated": False, "is_video": False}},
    "voice": {"voice": {**FILE, "duration": 1}},
    "photo": {"photo": [{**FILE, "width": 1, "height": 1}]},
    "file": {"document": FILE},
    "video": {"video": {**FILE, "width": 1, "height": 1, "duration": 1}},
    "location": {"location": {"latitude": 52.1, "longitude": 11.6}},
    "contact": {"contact": {"phone_number": "+49151", "first_name": "Zahra"}},
    "poll": {"poll": {"id": "1", "question": "?", "options": []}},
    "story": {"story": {"id": 1}},
}


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_what_cannot_be_read_gets_a_way_on(lotse: Lotse, kind: str) -> None:
    person = lotse.api.person()
    await lotse.chooses(person, "de")
    before = len(person.received)
    person.writes(**UNREADABLE[kind])
    await lotse.until(lambda: len(person.received) > before)
    assert {"human", "menu"} <= set(person.received[-1].choices.values())


async def test_an_edited_question_is_answered_as_it_is_now(lotse: Lotse) -> None:
    person = lotse.api.person()
    await lotse.chooses(person, "de")
    message = person.writes("danke")
    person.edits(message, "Sperrmüll")
    await lotse.reads(person, title(lotse, "waste.bulky", "de"))


async def test_a_person_who_blocks_the_bot_and_comes_back_is_answered_again(lotse: Lotse) -> None:
    person = lotse.api.person()
    await lotse.chooses(person, "de")
    person.writes("Sperrmüll")
    person.blocks()
    await lotse.settled()
    person.comes_back()
    person.writes("danke")
    await lotse.reads(person, "Gern")


async def test_a_person_whose_account_is_gone_stops_nobody_else(lotse: Lotse) -> None:
    gone, other = lotse.api.person(), lotse.api.person()
    gone.writes("hallo")
    gone.deactivates()
    await lotse.chooses(other, "de")
    await lotse.settled()
    assert gone.received == []


async def test_a_malformed_update_stops_nobody(lotse: Lotse) -> None:
    lotse.api.put({"message": {"text": "no chat"}})
    lotse.api.put({"message": "nothing at all"})
    await lotse.chooses(lotse.api.person(), "de")
    assert lotse.channel.ignored["malformed"] == 2


async def test_flood_control_is_waited_for_and_everything_arrives(lotse: Lotse) -> None:
    lotse.api.floods("sendMessage", 0.1, times=2)
    await lotse.chooses(lotse.api.person(), "de")


async def test_nobody_waits_for_a_chat_that_is_slow(lotse: Lotse) -> None:
    slow, quick = lotse.api.person(), lotse.api.person()
    lotse.api.fails("sendMessage", "hang", chat=slow.id)
    slow.writes("hallo")
    await lotse.until(lambda: lotse.api.made("sendMessage"))
    slow.writes("hallo?")
    await lotse.chooses(quick, "de")
    assert slow.received == []
    lotse.api.goes_on.set()
    await lotse.settled()
    assert len(slow.received) == 2


async def test_what_is_being_sent_when_lotse_stops_is_sent_once(lotse: Lotse) -> None:
    person = lotse.api.person()
    lotse.api.fails("sendMessage", "hang")
    person.writes("hallo")
    await lotse.until(lambda: lotse.api.made("sendMessage"))
    stopping = asyncio.create_task(lotse.stop())
    await asyncio.sleep(0.3)
    lotse.api.goes_on.set()
    await stopping
    await lotse.start()
    await lotse.settled()
    assert len(person.received) == 1


async def test_answers_without_json_and_lost_connections_delay_but_lose_nothing(lotse: Lotse) -> None:
    for answer in (502, "drop"):
        lotse.api.fails("sendMessage", answer)
        lotse.api.fails("getUpdates", answer)
    await lotse.chooses(lotse.api.person(), "de")


async def test_a_join_code_in_a_group_is_refused_and_burnt(lotse: Lotse) -> None:
    anna: Person = lotse.api.person("de", "Anna")
    await lotse.store.add_member("Anna", "member", (), wake=False)
    code = await lotse.store.join_code("Anna", lotse.app.clock())
    family = lotse.api.group(forum=False)
    family.writes(anna, f"/join {code}")
    await lotse.until(lambda: family.messages())
    assert "nicht hier" in family.texts()[0]
    anna.writes(f"/join {code}")
    await lotse.reads(anna, "gilt nicht")
    assert (await lotse.store.members())[0].addresses == ()


async def test_commands_and_description_are_told_in_every_language(lotse: Lotse, api: BotApi) -> None:
    from bot.channels.telegram_profile import profiles, show_profile

    by_language = profiles(lotse.catalogs, lotse.knowledge.town)
    await show_profile(lotse.channel._bot, by_language)
    assert set(api.commands) == set(api.descriptions) == {"", *lotse.knowledge.town.languages}
    assert {c["command"] for c in api.commands["ar"]} == {"menu", "human", "language", "privacy", "stop", "delete"}
    assert api.refusals == []
    told = len(api.made("setMyCommands"))
    await show_profile(lotse.channel._bot, by_language)
    assert len(api.made("setMyCommands")) == told
