"""People on Matrix: an app that is not matrix-nio, encrypted, against a real homeserver."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from matrix_lotse import Enter, MatrixLotse
from mautrix.types import RoomID, UserID
from nio_person import NioPerson
from people import Person

SOFA = "أين أرمي الكنبة القديمة"
ANSWER = "النفايات الضخمة"


def answers(person: Person) -> int:
    return sum("ساحة" in s.text and s.content.get("msgtype") == "m.notice" for s in person.heard())


async def test_a_choice_is_made_by_number_label_reaction_reply_and_vote(lotse: MatrixLotse, enter: Enter) -> None:
    lotse.extra["matrix_choices"] = "polls"
    await lotse.start()
    p = await enter("chooser")
    await lotse.meets(p)
    menu = next(s for s in reversed(p.heard()) if "topic:waste" in str(s.content.get("lotse.choices")))
    labels = dict(menu.content["lotse.choices"])
    codes = list(labels)
    noise = codes.index("topic:noise") + 1
    arabic = "٠١٢٣٤٥٦٧٨٩"[noise]

    async def opens(what: Any) -> None:
        before = len(p.heard())
        await what
        await p.until(lambda: any("الضجيج:" in s.text for s in p.heard()[before:]))
        before = len(p.heard())
        await p.writes("menu")
        await p.until(lambda: len(p.heard()) > before)

    await opens(p.writes(arabic))
    await opens(p.replies(menu.id, str(noise)))
    await opens(p.replies(menu.id, labels["topic:noise"]))
    await opens(p.reacts(menu.id, f"{noise}\ufe0f\u20e3"))
    poll = next(s for s in p.seen if s.type == "org.matrix.msc3381.poll.start" and "topic:noise" in str(s.content))
    vote = {
        "m.relates_to": {"rel_type": "m.reference", "event_id": poll.id},
        "org.matrix.msc3381.poll.response": {"answers": ["topic:noise"]},
    }
    await opens(p.sends("org.matrix.msc3381.poll.response", vote))


async def test_the_bot_reacts_with_the_numbers_to_tap_on_reads_and_answers_without_encryption_too(
    lotse: MatrixLotse, enter: Enter
) -> None:
    await lotse.start()
    p = await enter("plain")
    await lotse.meets(p, encrypted=False)
    await p.writes(SOFA)
    answer = await p.hears(ANSWER)
    assert not answer.encrypted
    await p.until(lambda: p.courtesies == {"m.typing", "m.receipt"})
    first = p.heard()[0]
    await p.until(lambda: [s for s in p.seen if s.type == "m.reaction" and first.id in str(s.content)][3:])


async def test_once_a_chat_is_encrypted_nothing_is_said_in_plain_text_any_more(
    lotse: MatrixLotse, enter: Enter
) -> None:
    await lotse.start()
    p = await enter("later-encrypted")
    await lotse.meets(p, encrypted=False)
    await lotse.settled()
    await lotse.stop()  # it happens while the bot is away
    await p.encrypts()
    await p.writes(SOFA)
    await lotse.start()
    answer = await p.hears(ANSWER)
    assert answer.encrypted


async def test_a_room_of_three_hears_one_sentence_and_is_left(lotse: MatrixLotse, enter: Enter) -> None:
    await lotse.start()
    p, q = await enter("three-a"), await enter("three-b")
    room = await p.open_chat(lotse.id, q.id)
    await p.hears("nur mit einer Person")
    await p.until(lambda: lotse.channel.ignored["crowd"])
    assert len(p.heard(lotse.id, room)) == 1
    assert lotse.channel._state.room(room) is None
    # Somebody who comes into a chat of two later makes it one of three.
    await lotse.meets(p)
    await p.client.invite_user(p.room, q.id)
    await p.hears("nur mit einer Person")
    await lotse.until(lambda: lotse.channel._state.room(p.room) is None, "the room is left")


async def test_whoever_leaves_is_forgotten_as_a_room_and_may_come_again(lotse: MatrixLotse, enter: Enter) -> None:
    await lotse.start()
    p = await enter("leaver")
    await lotse.meets(p)
    room = p.room
    await p.client.leave_room(room)
    await lotse.until(lambda: lotse.channel._state.room(room) is None, "the room is left")
    kept = b"".join(path.read_bytes() for path in (lotse.folder / "matrix").iterdir())
    assert p.id.encode() not in kept
    assert room.encode() not in kept
    await p.open_chat(lotse.id)
    await p.hears("1.")


async def test_what_was_said_before_the_invitation_is_not_answered_and_what_was_said_after_it_is(
    lotse: MatrixLotse, enter: Enter
) -> None:
    await lotse.start()
    p = await enter("before")
    room = await p.open_chat(encrypted=False)
    await p.writes("xyzzy plugh")
    await p.client.invite_user(RoomID(room), UserID(lotse.id))
    await p.writes("hallo")  # perhaps before the bot has come in
    await p.until(lambda: len(p.heard(lotse.id)) >= 2)  # the greeting, and the answer to what came after
    await lotse.settled()
    await asyncio.sleep(0.5)
    assert len(p.heard(lotse.id)) == 2


async def test_edits_threads_and_withdrawals_are_understood(lotse: MatrixLotse, enter: Enter) -> None:
    await lotse.start()
    p = await enter("editor")
    await lotse.meets(p)
    asked = await p.writes("xyzzy")
    await p.until(lambda: len(p.heard()) > 3)
    new = {"msgtype": "m.text", "body": SOFA}
    relation = {"rel_type": "m.replace", "event_id": asked}
    await p.writes(f"* {SOFA}", **{"m.new_content": new, "m.relates_to": relation})
    await p.until(lambda: answers(p) == 1)
    await p.writes_in(asked, SOFA)
    answered = await p.until(lambda: answers(p) == 2 and p.heard()[-1])
    assert answered.thread == asked
    await p.client.redact(p.room, asked)
    await p.writes(SOFA)
    await p.until(lambda: answers(p) == 3)
    assert p.heard()[-1].thread is None


async def test_every_device_of_a_person_reads_along_also_one_that_comes_later(
    lotse: MatrixLotse, enter: Enter, tmp_path: Path
) -> None:
    await lotse.start()
    p = await enter("devices")
    await lotse.meets(p)
    phone = await NioPerson(lotse.server, "devices", tmp_path / "phone").enter()
    try:
        await asyncio.sleep(0.3)
        await phone.writes(p.room, SOFA)
        await phone.hears(ANSWER)
        await p.hears(ANSWER)
    finally:
        await phone.leave()


async def test_a_message_without_its_key_is_told_once_and_answered_when_the_key_comes(
    lotse: MatrixLotse, enter: Enter
) -> None:
    await lotse.start()
    p = await enter("keyless", allow_keys=False)
    await lotse.meets(p)
    await p.without_key_for(lotse.id)
    await p.writes(SOFA)
    await p.writes(SOFA)
    await p.hears("مفتاحها")
    await asyncio.sleep(1.2)
    assert sum("مفتاحها" in s.text for s in p.heard()) == 1
    assert answers(p) == 0
    # The bot's process ends meanwhile, and asks again when it is back; now the app gives the key.
    await lotse.stop()
    p.allow_keys()
    await lotse.start()
    await p.until(lambda: answers(p) == 2)
    assert lotse.channel._state.waiting() == []
    assert sum("مفتاحها" in s.text for s in p.heard()) == 1


async def test_old_messages_are_not_answered_when_the_database_is_new(lotse: MatrixLotse, enter: Enter) -> None:
    await lotse.start()
    p = await enter("old")
    await lotse.meets(p)
    await p.writes(SOFA)
    await p.hears(ANSWER)
    await lotse.settled()
    await lotse.stop()
    for path in lotse.folder.glob("lotse.db*"):
        path.unlink()
    heard = len(p.heard())
    await lotse.start()
    await lotse.until(lambda: lotse.channel.ignored["old"] > 2, "old events are passed over")
    await p.writes("hallo")
    await p.until(lambda: len(p.heard()) > heard)
    await asyncio.sleep(0.5)
    assert len(p.heard()) == heard + 1
