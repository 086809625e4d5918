"""Cases in the Telegram staff group: what reaches whom, in every case the promises name."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bot_api import BotApi, Group, Person
from harness import Lotse, running
from PIL import Image

from bot.catalogs import Catalogs
from flows.core.knowledge import Knowledge


@pytest.fixture
async def anna(staffed: Lotse) -> Person:
    """A member of staff who is woken."""
    anna = staffed.api.person("de", "Anna")
    await staffed.joins(anna)
    return anna


@pytest.fixture
def zahra(staffed: Lotse) -> Person:
    return staffed.api.person("ar", "Zahra")


@pytest.fixture
def group(staffed: Lotse) -> Group:
    assert staffed.group is not None
    return staffed.group


@pytest.fixture
async def topic(staffed: Lotse, anna: Person, zahra: Person) -> int:
    """The topic of Zahra's case."""
    return await staffed.hands_over(zahra)


async def test_a_case_from_the_first_word_to_the_end(
    api: BotApi, database: str, knowledge: Knowledge, catalogs: Catalogs
) -> None:
    async with running(Lotse(api, database, knowledge, catalogs, group=api.group())) as lotse:
        group = lotse.group
        assert group is not None
        anna, zahra = api.person("de", "Anna"), api.person("ar", "Zahra")
        await lotse.joins(anna)
        topic = await lotse.hands_over(zahra)
        assert group.topics[topic].startswith("#1")
        zahra.writes("عندي رسالة من المكتب")
        await lotse.until(lambda: any("عندي رسالة" in text for text in group.texts(topic)), "the copy")
        copy = next(m for m in group.messages(topic) if "عندي رسالة" in m.text)
        group.writes(anna, "Wer kennt sie?", topic=topic)
        group.writes(anna, "تعالي يوم الاثنين", topic=topic, reply_to=copy.id)
        await lotse.reads(zahra, "تعالي يوم الاثنين")
        await lotse.until(lambda: any("✓" in text for text in group.texts(topic)), "the mark")
        group.writes(anna, "/r الساعة التاسعة", topic=topic)
        await lotse.reads(zahra, "الساعة التاسعة")
        group.writes(anna, "/close", topic=topic)
        await lotse.settled()
        closed = len(zahra.received)
        zahra.writes("وين أرمي الكنبة؟")
        await lotse.until(lambda: len(zahra.received) > closed, "the bot is back")
        assert not any("Wer kennt sie" in text for text in zahra.texts)
        assert api.refusals == []


async def test_the_topic_begins_with_the_brief(staffed: Lotse, group: Group, topic: int) -> None:
    assert "Fall 1" in group.texts(topic)[0]
    assert group.topics == {topic: "#1 · ar"}


async def test_a_member_who_asked_for_it_is_woken_privately_and_without_words(
    staffed: Lotse, anna: Person, topic: int
) -> None:
    assert anna.texts[-1] == "Fall 1 wartet."


async def test_a_plain_message_in_a_topic_is_a_note_although_it_answers_the_topic(
    staffed: Lotse, group: Group, anna: Person, zahra: Person, topic: int
) -> None:
    before = len(zahra.received)
    group.writes(anna, "Sie klingt verzweifelt.", topic=topic)
    await staffed.settled()
    assert len(zahra.received) == before
    assert await _roles(staffed) == ["brief", "note"]


@pytest.mark.parametrize("answers", ["the brief", "a mark", "a colleague", "something unknown"])
async def test_an_answer_to_anything_but_our_copy_is_a_note(
    staffed: Lotse, group: Group, anna: Person, zahra: Person, topic: int, answers: str
) -> None:
    group.writes(anna, "/claim", topic=topic)
    await staffed.until(lambda: len(group.messages(topic)) == 2)
    brief, mark = (m.id for m in group.messages(topic))
    target = {
        "the brief": brief,
        "a mark": mark,
        "a colleague": group.writes(anna, "Notiz", topic=topic),
        "something unknown": 424242,
    }[answers]
    before = len(zahra.received)
    group.writes(anna, "bleibt hier", topic=topic, reply_to=target)
    await staffed.settled()
    assert len(zahra.received) == before


async def test_an_edited_reply_goes_out_as_a_correction(
    staffed: Lotse, group: Group, anna: Person, zahra: Person, topic: int
) -> None:
    message = group.writes(anna, "/r am Montag", topic=topic)
    await staffed.reads(zahra, "am Montag")
    edited = {**staffed.api.message(group.chat, anna.user), "message_id": message, "text": "/r am Dienstag"}
    edited |= {"message_thread_id": topic, "is_topic_message": True, "edit_date": edited["date"]}
    staffed.api.put({"edited_message": edited})
    await staffed.reads(zahra, "am Dienstag")


@pytest.mark.parametrize("who", ["not on staff", "an anonymous admin", "a channel"])
@pytest.mark.parametrize("text", ["/r Ich bin nicht vom Team", "/close", "nur so"])
async def test_others_in_the_group_are_ignored_and_counted(
    staffed: Lotse, group: Group, zahra: Person, topic: int, who: str, text: str
) -> None:
    stranger = staffed.api.person("de", "Otto")
    before = len(zahra.received), len(group.messages())
    match who:
        case "not on staff":
            group.writes(stranger, text, topic=topic)
        case "an anonymous admin":
            group.writes(None, text, topic=topic)
        case _:
            news = {"id": -1009, "type": "channel", "title": "News"}
            group.writes(None, text, topic=topic, sender_chat=news)
    await staffed.settled()
    assert (len(zahra.received), len(group.messages())) == before
    if who == "not on staff":
        assert sum(n for (what, _, _), n in (await staffed.store.tallies()).items() if what == "ignored") == 1
    else:
        assert staffed.channel.ignored["anonymous"] == 1


async def test_what_a_member_writes_into_a_topic_whose_brief_is_still_on_its_way_is_not_lost(
    staffed: Lotse, group: Group, anna: Person, zahra: Person
) -> None:
    staffed.api.fails("sendMessage", 500, times=3, chat=group.id)
    await staffed.chooses(zahra)
    zahra.presses("human")
    await staffed.until(lambda: "yes" in zahra.received[-1].choices.values())
    zahra.presses("yes", zahra.received[-1])
    await staffed.until(lambda: len([r for r in staffed.api.made("sendMessage") if int(r.params["chat_id"]) < 0]) == 2)
    assert group.messages() == []
    (topic,) = group.topics
    group.writes(anna, "/r Ich bin da", topic=topic)
    await staffed.reads(zahra, "Ich bin da")


async def test_a_topic_somebody_deleted_is_made_again_with_the_brief(
    staffed: Lotse, group: Group, anna: Person, zahra: Person, topic: int
) -> None:
    group.loses_topic(topic)
    zahra.writes("هل من أحد؟")
    await staffed.until(lambda: any("هل من أحد" in text for text in group.texts()), "the copy in the new topic")
    (again,) = group.topics
    assert again != topic
    assert "Fall 1" in group.texts(again)[0]
    group.writes(anna, "نعم", topic=again, reply_to=group.messages(again)[1].id)
    await staffed.reads(zahra, "نعم")


async def test_a_person_who_blocks_the_bot_makes_the_case_unreachable_and_staff_are_told(
    staffed: Lotse, group: Group, anna: Person, zahra: Person, topic: int
) -> None:
    zahra.blocks()
    await staffed.until(lambda: any("blockiert" in text for text in group.texts(topic)))
    ticket, _ = await staffed.store.case(1) or (None, ())
    assert ticket is not None
    assert (ticket.state, ticket.outcome) == ("closed", "unreachable")


async def test_a_reply_to_a_person_who_is_gone_is_marked_with_the_reason(
    staffed: Lotse, group: Group, anna: Person, zahra: Person, topic: int
) -> None:
    zahra.deactivates()
    group.writes(anna, "/r Sind Sie da?", topic=topic)
    await staffed.until(lambda: any("✗" in text for text in group.texts(topic)))
    ticket, _ = await staffed.store.case(1) or (None, ())
    assert ticket is not None
    assert ticket.outcome == "unreachable"


async def test_no_name_handle_number_or_picture_of_a_person_is_sent_to_the_group(
    staffed: Lotse, group: Group, zahra: Person, topic: int
) -> None:
    contact = {"phone_number": zahra.phone, "first_name": zahra.first_name, "last_name": zahra.last_name}
    zahra.writes("مرحبا")
    zahra.writes(contact=contact)
    zahra.writes(location={"latitude": 52.1, "longitude": 11.6})
    await staffed.settled()
    secrets = (zahra.first_name, zahra.last_name, zahra.username, zahra.phone, str(zahra.id))
    for request in staffed.api.requests:
        if str(request.params.get("chat_id")) == str(group.id):
            said = json.dumps(request.params, ensure_ascii=False)
            assert not [secret for secret in secrets if secret in said]
            assert "forward" not in request.method
            assert "copymessage" not in request.method


async def test_a_contact_card_is_passed_on_only_when_the_person_says_so(
    staffed: Lotse, group: Group, zahra: Person, topic: int
) -> None:
    contact = {"phone_number": zahra.phone, "first_name": "Omar"}
    zahra.writes(contact=contact)
    await staffed.until(lambda: zahra.received[-1].choices)
    assert not any(zahra.phone in text for text in group.texts())
    zahra.presses("yes", zahra.received[-1])
    await staffed.until(lambda: any(zahra.phone in text for text in group.texts(topic)))


@pytest.mark.parametrize("how", ["as a photo", "as a file", "as a file of no kind"])
async def test_a_picture_reaches_staff_without_what_it_says_about_its_maker(
    staffed: Lotse, group: Group, zahra: Person, topic: int, how: str
) -> None:
    picture = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Zahras camera"
    Image.new("RGB", (40, 30), "red").save(picture, "JPEG", exif=exif)
    staffed.api.files["p1"] = picture.getvalue()
    file = {"file_id": "p1", "file_unique_id": "p1", "file_size": 10}
    sent: dict[str, dict[str, Any]] = {
        "as a photo": {"photo": [{**file, "width": 40, "height": 30}]},
        "as a file": {"document": {**file, "mime_type": "image/jpeg", "file_name": "IMG_1.jpg"}},
        "as a file of no kind": {"document": {**file, "file_name": "a.bin"}},
    }
    zahra.writes(**sent[how])
    await staffed.until(lambda: any(m.file for m in group.messages(topic)))
    _, data = next(m.file for m in group.messages(topic) if m.file)
    assert data.startswith(b"\xff\xd8")
    assert b"Zahras camera" not in data


async def test_a_file_from_staff_reaches_the_person(
    staffed: Lotse, group: Group, anna: Person, zahra: Person, topic: int
) -> None:
    staffed.api.files["d1"] = b"%PDF"
    document = {"file_id": "d1", "file_unique_id": "d1", "file_name": "Antrag.pdf", "mime_type": "application/pdf"}
    zahra.writes("الاستمارة؟")
    await staffed.until(lambda: len(group.messages(topic)) == 2)
    group.writes(anna, topic=topic, reply_to=group.messages(topic)[1].id, document=document, caption="Bitte sehr")
    await staffed.until(lambda: any(m.file == ("document", b"%PDF") for m in zahra.received))


async def test_after_delete_nothing_of_the_person_is_left_in_the_group(
    staffed: Lotse, group: Group, zahra: Person, topic: int
) -> None:
    zahra.writes("/delete")
    await staffed.until(lambda: "yes" in zahra.received[-1].choices.values())
    zahra.presses("yes", zahra.received[-1])
    await staffed.until(lambda: not group.topics, "the topic is deleted")
    await staffed.settled()
    assert group.messages() == []


async def test_words_of_danger_in_a_case_bring_the_numbers_and_wake_staff_without_showing_them_in_telegram(
    staffed: Lotse, group: Group, anna: Person, zahra: Person, topic: int
) -> None:
    zahra.writes("Ich will nicht mehr leben")
    await staffed.until(lambda: any("Dringend" in text for text in anna.texts), "the urgent wake")
    await staffed.settled()
    assert any("112" in text or "0800" in text for text in zahra.texts)
    assert not any("leben" in text for text in group.texts())
    ticket, _ = await staffed.store.case(1) or (None, ())
    assert ticket is not None
    assert ticket.urgent


async def test_a_case_that_begins_with_words_of_danger_is_never_shown_in_full(
    staffed: Lotse, group: Group, anna: Person, zahra: Person
) -> None:
    await staffed.chooses(zahra, "de")
    zahra.writes("Mein Mann schlägt mich")
    await staffed.until(lambda: any("112" in text for text in zahra.texts), "the numbers")
    zahra.presses("human")
    await staffed.until(lambda: "yes" in zahra.received[-1].choices.values())
    zahra.presses("yes", zahra.received[-1])
    await staffed.until(lambda: group.messages(), "the case in the group")
    zahra.writes("Er ist betrunken")
    await staffed.settled()
    assert not any(word in text for text in group.texts() for word in ("schlägt", "betrunken", "Thema"))


# ---- other groups ----


@pytest.fixture
async def notifying(api: BotApi, sqlite: str, knowledge: Knowledge, catalogs: Catalogs) -> AsyncIterator[Lotse]:
    async with running(Lotse(api, sqlite, knowledge, catalogs, group=api.group(), mode="notify")) as started:
        yield started


async def test_in_mode_notify_the_group_sees_a_number_and_a_language_and_no_words(notifying: Lotse) -> None:
    anna, zahra = notifying.api.person("de", "Anna"), notifying.api.person("ar", "Zahra")
    await notifying.joins(anna)
    await notifying.hands_over(zahra)
    zahra.writes("سر")
    await notifying.settled()
    assert notifying.group is not None
    assert all("سر" not in text for text in notifying.group.texts())
    assert notifying.group.texts()[0].startswith("Fall 1")


async def test_a_group_that_became_a_supergroup_is_followed_also_after_a_restart(
    api: BotApi, database: str, knowledge: Knowledge, catalogs: Catalogs
) -> None:
    old = api.group(forum=False)
    lotse = Lotse(api, database, knowledge, catalogs, group=old)
    anna, zahra = api.person("de", "Anna"), api.person("ar", "Zahra")
    async with running(lotse):
        await lotse.joins(anna)
        new = old.becomes_supergroup()
        await lotse.chooses(zahra)
        zahra.presses("human")
        await lotse.until(lambda: "yes" in zahra.received[-1].choices.values())
        zahra.presses("yes", zahra.received[-1])
        await lotse.until(lambda: new.messages(), "the brief in the supergroup")
        (topic,) = new.topics
        await lotse.settled()
        new.writes(anna, "/r أهلا", topic=topic)
        await lotse.reads(zahra, "أهلا")
        await lotse.settled()
    async with running(lotse):
        new.writes(anna, "/r ما زلت هنا", topic=topic)
        await lotse.reads(zahra, "ما زلت هنا")
        zahra.writes("شكرا جزيلا لكم جميعا")
        await lotse.until(lambda: any("جزيلا" in text for text in new.texts(topic)), "the copy in the same topic")
        assert list(new.topics) == [topic]


async def _roles(lotse: Lotse) -> list[str]:
    _, entries = await lotse.store.case(1) or (None, ())
    return [view.entry.role for view in entries]
