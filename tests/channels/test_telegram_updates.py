"""Each kind of update as Telegram sends it, and the event it becomes."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram_updates import Ignored, moved, read_update
from flows.core.delivery import Attachment
from flows.core.events import (
    Address,
    AgentWrote,
    ChoiceMade,
    CommandGiven,
    Event,
    MessageReceived,
    PersonLeft,
    TicketClaimed,
    TicketClosed,
    from_json,
    to_json,
)

BOT = 7
STAFF = -1001000000001
SENT = dt.datetime.fromtimestamp(1764000000, dt.UTC)
NOW = SENT + dt.timedelta(hours=1)
PERSON = Address(channel="telegram", peer="5000001")
TOPIC = Address(channel="telegram", peer=str(STAFF), thread="55")

RECORDED = {
    f"{path.stem}/{name}": update
    for path in sorted(Path(__file__).parent.joinpath("recorded").glob("*.json"))
    for name, update in json.loads(path.read_text(encoding="utf-8")).items()
}


def file(kind: str, ref: str = "", mime: str = "", **rest: Any) -> Attachment:
    return Attachment(kind=kind, ref=f"{ref}AgACAgIAAxkBAAIB" if ref else "", mime=mime, **rest)


def person(kind: type[Event] = MessageReceived, **fields: Any) -> tuple[type[Event], dict[str, Any]]:
    return kind, {"source": PERSON, **fields}


def sent(*attachments: Attachment, text: str = "") -> tuple[type[Event], dict[str, Any]]:
    return person(attachments=attachments, text=text)


def command(name: str, argument: str = "") -> tuple[type[Event], dict[str, Any]]:
    return person(CommandGiven, name=name, argument=argument, private=True)


def wrote(text: str, **fields: Any) -> tuple[type[Event], dict[str, Any]]:
    defaults = {"source": TOPIC, "author": "6000001", "member": None, "command": None, "reply_to": None}
    return AgentWrote, {**defaults, "text": text, **fields}


def burnt(**source: Any) -> tuple[type[Event], dict[str, Any]]:
    where = Address(channel="telegram", **source)
    return CommandGiven, {"name": "join", "argument": "ABCD-EFGH-JKLM-NPQR", "private": False, "source": where}


TABLE: dict[str, tuple[type[Event], dict[str, Any]] | str] = {
    "private/text": person(text="وين أرمي الكنبة؟", message="301", edited=False, platform_language="ar", at=SENT),
    "private/start": command("start"),
    "private/start with a link": command("start", "v1_ar_waste-bulky_12_abcdefghij"),
    "private/start with garbage": command("start", "%%%../../etc/passwd'; DROP TABLE"),
    "private/unknown command": command("frobnicate", "now"),
    "private/a slash is no command": person(text="/ and or"),
    "private/edited": person(text="وين أرمي الثلاجة؟", message="301", edited=True, at=SENT + dt.timedelta(seconds=60)),
    "private/edited command": person(text="/delete", edited=True),
    "private/sticker": sent(file("sticker", "sticker", "image/webp", size=24012, data="👍")),
    "private/animated sticker": sent(file("sticker", size=14012, data="🎉")),
    "private/voice": sent(file("voice", "voice", "audio/ogg", size=17321)),
    "private/audio": sent(file("audio", "audio", "audio/mpeg", name="song.mp3", size=3217321)),
    "private/photo with caption": sent(file("photo", "large", "image/jpeg", size=82345), text="ما هذه الرسالة؟"),
    "private/document": sent(file("document", "doc", "application/pdf", name="Bescheid.pdf", size=99120)),
    "private/video": sent(file("video", "video", "video/mp4", name="IMG_1.MP4", size=220120)),
    "private/video note": sent(file("video", "note", "video/mp4", size=120120)),
    "private/animation": sent(file("video", "gif", "video/mp4", name="cat.mp4", size=20120)),
    "private/location": sent(file("location", data="52.1317,11.6392")),
    "private/venue": sent(file("location", data="52.1317,11.6392\nRathaus\nAlter Markt 6")),
    "private/contact": sent(file("contact", data="Zahra Al-Example +49151000000")),
    "private/poll": sent(file("poll", data="When?\n- Monday\n- Friday")),
    "private/dice": sent(file("sticker", data="🎲")),
    "private/story": sent(file("other")),
    "private/forwarded": person(text="Kommen Sie am Montag."),
    "private/reply": person(text="ja"),
    "private/file with a command under it": sent(
        file("document", "doc2", "application/pdf", name="a.pdf", size=9), text="/delete"
    ),
    "private/something new": sent(file("other")),
    "private/without language": person(text="hi", platform_language=None),
    "private/from tomorrow": person(text="hi", at=NOW),
    "private/pinned": "service",
    "private/join": command("join", "ABCD-EFGH-JKLM-NPQR"),
    "private/command to the bot by name": command("menu"),
    "private/half a character": person(text="a\ufffdbc"),
    "presses/press": person(
        ChoiceMade, choice="language:ar", message="299", callback="21474836480001", platform_language="ar", at=NOW
    ),
    "presses/press under a message too old to be seen": person(ChoiceMade, choice="topic:waste", message="12"),
    "presses/press in a group": "group",
    "presses/press of an inline message": "malformed",
    "presses/press with too much": "malformed",
    "presses/blocked": person(PersonLeft, at=SENT),
    "presses/unblocked": "came-back",
    "presses/added to a group": "group",
    "group/plain in a topic": wrote("Hat sie angerufen?"),
    "group/reply to a copy": wrote("Bitte kommen Sie am Montag.", reply_to="57"),
    "group/r": wrote("/r Bitte kommen Sie am Montag."),
    "group/r to the bot by name": wrote("/r Montag\num neun"),
    "group/r with nothing": wrote("/r "),
    "group/claim": (TicketClaimed, {"source": TOPIC, "author": "6000001"}),
    "group/close": (TicketClosed, {"source": TOPIC, "author": "6000001", "outcome": "answered"}),
    "group/close referred": (TicketClosed, {"outcome": "referred"}),
    "group/close with other words": (TicketClosed, {"outcome": "answered"}),
    "group/note": wrote("nur für uns", command="note"),
    "group/mistyped command as a reply to a copy": wrote("/colse", reply_to="57", command="note"),
    "group/edited reply": wrote("Bitte kommen Sie am Dienstag.", reply_to="57", message="902", edited=True),
    "group/edited close": "edited-command",
    "group/photo as a reply": wrote(
        "Hier ist es", reply_to="57", attachments=(file("photo", "map", "image/jpeg", size=1),)
    ),
    "group/anonymous admin": "anonymous",
    "group/channel in a topic": "anonymous",
    "group/another bot": "bot",
    "group/general topic": "general",
    "group/a chain of replies outside of topics": "general",
    "group/topic closed": "service",
    "group/topic renamed": "service",
    "group/somebody came": "service",
    "group/join in the group": burnt(peer=str(STAFF)),
    "group/join in a topic by an anonymous admin": burnt(peer=str(STAFF), thread="55"),
    "group/another group": "group",
    "group/join in another group": burnt(peer="-4001"),
    "group/posted in a channel": "other",
    "group/became a supergroup": "group",
    "malformed/nothing": "malformed",
    "malformed/no number": "malformed",
    "malformed/a number that is none": "malformed",
    "malformed/a message that is none": "malformed",
    "malformed/no chat": "malformed",
    "malformed/a chat of no kind": "malformed",
    "malformed/no sender": "malformed",
    "malformed/a press without data": "malformed",
    "malformed/a kind nobody asked for": "other",
    "malformed/a list": "malformed",
    "malformed/a word": "malformed",
    "malformed/null": "malformed",
}


def test_every_recorded_update_has_a_line_in_the_table() -> None:
    assert set(RECORDED) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_an_update_becomes_the_event_of_the_table(name: str) -> None:
    update, expected = RECORDED[name], TABLE[name]
    read = read_update(update, BOT, STAFF, NOW)
    if isinstance(expected, str):
        assert read == Ignored(expected)
        return
    kind, fields = expected
    assert type(read) is kind
    assert {name: getattr(read, name) for name in fields} == fields
    assert read.id == f"telegram:{BOT}:{update['update_id']}"
    assert from_json(json.loads(json.dumps(to_json(read)))) == read


@pytest.mark.parametrize("name", [n for n in TABLE if n.startswith(("private/", "presses/"))])
def test_no_name_and_no_handle_of_a_person_enters_an_event(name: str) -> None:
    read = read_update(RECORDED[name], BOT, STAFF, NOW)
    if isinstance(read, Event) and name != "private/contact":
        said = json.dumps(to_json(read), ensure_ascii=False)
        assert not any(word in said for word in ("Zahra", "Al-Example", "zahra_example", "+49151", "Omar"))


def test_a_group_that_became_a_supergroup_names_both_numbers() -> None:
    assert moved(RECORDED["group/became a supergroup"]) == (-4001, STAFF)
    assert moved(RECORDED["private/text"]) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_whatever_is_wrong_in_an_update_nothing_is_raised(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(RECORDED)))
    update = json.loads(json.dumps(RECORDED[name]))
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for key in keys:
            places.append((value, key))
            walk(value[key])

    walk(update)
    if places:
        inside, key = data.draw(st.sampled_from(places))
        inside[key] = data.draw(JSON)
    assert isinstance(read_update(update, BOT, STAFF, NOW), Event | Ignored)
