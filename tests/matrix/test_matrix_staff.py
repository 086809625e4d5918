"""Staff on Matrix: a room with a thread for each case, or a space with a room for each."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from bot_api import TOKEN, BotApi
from homeserver import Homeserver
from matrix_lotse import Enter, MatrixLotse
from mautrix.types import EventType, RoomID, UserID
from people import Person, Seen
from PIL import Image

SOFA = "أين أرمي الكنبة القديمة"


async def staff_room(lotse: MatrixLotse, member: Person, **settings: str) -> str:
    """A room of staff, made by a member, with the bot in it as a moderator."""
    room = await member.open_chat(lotse.id, trusted=False)
    rights = {"users": {lotse.id: 50}}
    await member.client.send_state_event(RoomID(room), EventType.ROOM_POWER_LEVELS, rights)
    lotse.extra |= {"matrix_staff_room": room, **settings}
    return room


async def case_thread(member: Person, room: str, number: int = 1) -> str:
    """The thread of a case: the message it hangs on."""
    title = await member.until(
        lambda: next((s for s in member.heard(room=room) if s.text.startswith(f"#{number} ")), None)
    )
    return str(title.id)


def copy_of(member: Person, room: str, words: str) -> Seen | None:
    return next((s for s in member.heard(room=room) if words in s.text), None)


async def test_a_case_from_greeting_to_close_in_arabic_with_staff_on_matrix_and_the_homeserver_reads_nothing(
    lotse: MatrixLotse, enter: Enter, fresh_server: Homeserver
) -> None:
    lotse.server = fresh_server
    fresh_server.register(lotse.user)
    anna, amal = await enter("anna", fresh_server), await enter("amal", fresh_server)
    room = await staff_room(lotse, anna)
    await lotse.start()
    await lotse.joins(anna, "Anna", wake=True)
    private = anna.room
    await lotse.meets(amal)
    await amal.writes(SOFA)
    await amal.hears("النفايات الضخمة")
    await lotse.hands_over(amal)
    await amal.hears("غرفة Matrix")  # where staff read was said
    thread = await case_thread(anna, room)
    brief = await anna.until(lambda: copy_of(anna, room, SOFA))
    assert brief.thread == thread
    assert "amal" not in " ".join(s.text for s in anna.heard(room=room))
    await anna.hears("1", room=private)  # woken, without content

    # What the person writes is copied; the bot is silent.
    heard = len(amal.heard())
    await amal.writes("الكنبة ثقيلة جدا ولا أستطيع حملها")
    copied = await anna.until(lambda: copy_of(anna, room, "ثقيلة"))
    assert copied.thread == thread

    # Internal by default: in the thread, as an answer to the brief, outside of it.
    await anna.writes_in(thread, "!claim", room)
    await anna.until(lambda: copy_of(anna, room, "Anna"))
    await anna.writes_in(thread, "Frau wirkt müde, vorsichtig fragen", room)
    await anna.replies(brief.id, "Das ist der Brief", thread, room)
    await anna.writes("Wer hat morgen Dienst?", room)
    await lotse.settled()
    assert len(amal.heard()) == heard

    # Out: an answer to the copy, and what begins with !r.
    await anna.replies(copied.id, "سنرسل من يساعدك", thread, room)
    answer = await amal.hears("سنرسل من يساعدك")
    assert answer.content["msgtype"] == "m.text"
    await anna.until(lambda: any(s.thread == thread and "zugestellt" in s.text.lower() for s in anna.heard(room=room)))
    await anna.writes_in(thread, "!r غدا الساعة العاشرة", room)
    await amal.hears("غدا الساعة العاشرة")
    await anna.writes_in(thread, "!close", room)
    await amal.until(lambda: any("topic:waste" in str(s.content.get("lotse.choices")) for s in amal.heard()[heard:]))
    case = await lotse.store.case(1)
    assert case is not None
    assert (case[0].state, case[0].outcome) == ("closed", "answered")

    assert amal.locked == []
    assert anna.locked == []
    lines = {line for p in (amal, anna) for s in p.seen if s.encrypted for line in s.text.splitlines() if len(line) > 8}
    assert len(lines) > 25
    assert [line for line in lines if lotse.server.database_holds(line)] == []


async def test_outsiders_in_the_staff_room_are_ignored_and_codes_there_are_burnt(
    lotse: MatrixLotse, enter: Enter
) -> None:
    anna, amal = await enter("anna2"), await enter("amal2")
    room = await staff_room(lotse, anna)
    await lotse.start()
    await lotse.store.add_member("Anna", "member", (), wake=False)
    code = await lotse.store.join_code("Anna", lotse.app.clock())
    await anna.joined(lotse.id)
    await anna.writes(f"!join {code}", room)
    await anna.until(lambda: anna.heard(lotse.id, room))
    await lotse.meets(amal)
    await lotse.hands_over(amal)
    thread = await case_thread(anna, room)
    await amal.until(lambda: "«" in amal.heard()[-1].text)
    heard = len(amal.heard())
    await anna.writes_in(thread, "!r Ich bin niemand", room)
    await lotse.settled()
    await asyncio.sleep(0.3)
    await lotse.settled()
    assert len(amal.heard()) == heard


async def test_a_thread_that_somebody_removes_is_made_again_with_the_brief_and_goes_when_the_person_is_forgotten(
    lotse: MatrixLotse, enter: Enter
) -> None:
    anna, amal = await enter("anna3"), await enter("amal3")
    room = await staff_room(lotse, anna)
    await lotse.start()
    await lotse.joins(anna, "Anna")
    await lotse.meets(amal)
    await amal.writes(SOFA)
    await amal.hears("النفايات الضخمة")
    await lotse.hands_over(amal)
    first = await case_thread(anna, room)
    await anna.client.redact(RoomID(room), first)
    await lotse.until(lambda: lotse.channel._state._rows.execute("SELECT 1 FROM gone").fetchone(), "it is known")
    await amal.writes("هل من أحد هنا؟")
    copied = await anna.until(lambda: copy_of(anna, room, "هل من أحد"))
    assert copied.thread not in (None, first)
    again = [s for s in anna.heard(room=room) if s.thread == copied.thread and SOFA in s.text]
    assert len(again) == 1
    # Deleting takes the case out of the room, members' own notes included.
    note = await anna.writes_in(str(copied.thread), "Frau wirkt müde", room)
    await amal.writes("/delete")
    await amal.until(lambda: "yes" in str(amal.heard()[-1].content.get("lotse.choices")))
    await lotse.picks(amal, "yes")
    gone = {copied.id, str(copied.thread), note}

    async def left() -> list[str]:
        return [event for event in gone if await anna.still_reads(event, room)]

    for _ in range(100):
        if not await left():
            break
        await asyncio.sleep(0.1)
    assert await left() == []


async def test_each_case_has_a_room_of_its_own_in_a_space(lotse: MatrixLotse, enter: Enter) -> None:
    anna, amal = await enter("anna4"), await enter("amal4")
    space = await staff_room(lotse, anna, matrix_staff_layout="room")
    await lotse.start()
    await lotse.joins(anna, "Anna")
    await lotse.meets(amal)
    await amal.writes(SOFA)
    await amal.hears("النفايات الضخمة")
    await lotse.hands_over(amal)
    room = await anna.invited_elsewhere(but=space)
    await anna.client.join_room_by_id(RoomID(room))
    await anna.until(lambda: copy_of(anna, room, SOFA))  # also what was said before she came in
    await amal.writes("الكنبة ثقيلة")
    copied = await anna.until(lambda: copy_of(anna, room, "ثقيلة"))
    assert copied.encrypted
    await anna.replies(copied.id, "نعم", room=room)
    await amal.hears("نعم")
    await anna.writes("!close no-reply", room)
    await amal.until(lambda: "topic:waste" in str(amal.heard()[-1].content.get("lotse.choices")))
    case = await lotse.store.case(1)
    assert case is not None
    assert case[0].outcome == "no-reply"
    children = await anna.client.get_state(RoomID(space))
    assert any(e.type.t == "m.space.child" and e.state_key == room for e in children)
    # Deleting takes the room's messages away, as far as the bot may, and the bot out of it.
    await amal.writes("/delete")
    await amal.until(lambda: "yes" in str(amal.heard()[-1].content.get("lotse.choices")))
    await lotse.picks(amal, "yes")
    await lotse.until(lambda: lotse.channel._state.room(room) is None, "the room is left")
    assert not await anna.still_reads(copied.id, room)
    assert UserID(lotse.id) not in await anna.client.get_joined_members(RoomID(room))


async def test_only_named_devices_of_staff_read_and_write_when_the_setting_says_so(
    lotse: MatrixLotse, enter: Enter
) -> None:
    anna, bert, amal = await enter("anna5"), await enter("bert5"), await enter("amal5")
    trusted = str(anna.client.crypto.account.signing_key)
    room = await staff_room(lotse, anna, matrix_staff_devices=" ".join([trusted[i : i + 4] for i in range(0, 43, 4)]))
    await anna.client.invite_user(RoomID(room), UserID(bert.id))
    await bert.client.join_room_by_id(RoomID(room))
    await lotse.start()
    await lotse.joins(anna, "Anna")
    await lotse.joins(bert, "Bert")
    await lotse.meets(amal)
    await lotse.hands_over(amal)
    thread = await case_thread(anna, room)
    await bert.client.state_store.set_encryption_info(
        RoomID(room), await anna.client.state_store.get_encryption_info(RoomID(room))
    )
    await bert.writes_in(thread, "!r von einem fremden Gerät", room)
    await lotse.until(lambda: lotse.channel.ignored["device"], "it is counted")
    await anna.writes_in(thread, "!r von Anna", room)
    await amal.hears("von Anna")
    assert not any("fremden" in s.text for s in amal.heard())
    assert bert.heard(lotse.id, room) == []


def picture() -> bytes:
    """A picture that says where it was taken."""
    made, told = io.BytesIO(), Image.Exif()
    told[0x010E] = "Amal zu Hause"
    Image.new("RGB", (40, 30), "red").save(made, "JPEG", exif=told)
    return made.getvalue()


async def test_files_go_both_ways_encrypted_and_pictures_without_what_they_tell(
    lotse: MatrixLotse, enter: Enter
) -> None:
    anna, amal = await enter("anna6"), await enter("amal6")
    room = await staff_room(lotse, anna)
    await lotse.start()
    await lotse.joins(anna, "Anna")
    await lotse.meets(amal)
    await lotse.hands_over(amal)
    thread = await case_thread(anna, room)
    await amal.sends_file("m.image", "IMG_Amal.jpg", "image/jpeg", picture())
    copied = await anna.until(
        lambda: next((s for s in anna.heard(room=room) if s.content["msgtype"] == "m.image"), None)
    )
    assert copied.text == "picture.jpg"
    data = await anna.opens_file(copied)
    assert data[:3] == b"\xff\xd8\xff"
    assert b"zu Hause" not in data
    await anna.sends_file(
        "m.file", "Formular.pdf", "application/pdf", b"%PDF-1.7 x", room=room, thread=thread, to=copied.id
    )
    got = await amal.until(lambda: next((s for s in amal.heard() if s.content["msgtype"] == "m.file"), None))
    assert (got.text, await amal.opens_file(got)) == ("Formular.pdf", b"%PDF-1.7 x")


@pytest.fixture
async def api() -> Any:
    server = BotApi()
    await server.start()
    yield server
    await server.stop()


async def test_a_person_on_telegram_is_answered_from_matrix_and_the_other_way_round(
    lotse: MatrixLotse, enter: Enter, api: BotApi, tmp_path: Path
) -> None:
    anna, amal = await enter("anna7"), await enter("amal7")
    group = api.group()
    room = await staff_room(lotse, anna, matrix_staff_mode="full")
    lotse.extra |= {
        "telegram_token": TOKEN,
        "telegram_api_url": api.url,
        "telegram_staff_chat": group.id,
        "telegram_staff_mode": "origin",
    }
    await lotse.start()
    await lotse.joins(anna, "Anna")
    # Telegram → Matrix.
    zahra = api.person()
    zahra.writes("/start v1_ar_waste-bulky")
    await lotse.until(lambda: any("human" in m.choices.values() for m in zahra.received), "the article")
    zahra.presses("human")
    await lotse.until(lambda: any("yes" in m.choices.values() for m in zahra.received), "consent")
    assert "Matrix" in zahra.texts[-1]
    assert "تلغرام" in zahra.texts[-1]
    zahra.presses("yes")
    thread = await case_thread(anna, room)
    zahra.writes("عندي سؤال")
    copied = await anna.until(lambda: copy_of(anna, room, "عندي سؤال"))
    await anna.replies(copied.id, "أهلا زهرة", thread, room)
    await lotse.until(lambda: any("أهلا زهرة" in text for text in zahra.texts), "the answer")
    await anna.writes_in(thread, "!close", room)
    # Matrix → the Telegram group: only that there is a case.
    await lotse.meets(amal)
    await amal.writes(SOFA)
    await amal.hears("النفايات الضخمة")
    await lotse.hands_over(amal)
    await anna.until(lambda: [s for s in anna.heard(room=room) if SOFA in s.text])
    await lotse.settled()
    assert [text for text in group.texts() if SOFA in text] == []
    assert any("2" in text for text in group.texts())
    member = api.person(language="de", name="Anna")
    code = await lotse.store.join_code("Anna", lotse.app.clock())
    member.writes(f"/join {code}")
    await lotse.until(lambda: member.texts, "joined")
    topic = max(group.topics)
    group.writes(member, "/r aus Telegram", topic)
    await amal.hears("aus Telegram")
