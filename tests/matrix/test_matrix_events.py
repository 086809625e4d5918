"""From events of Matrix to ours, purely: recorded events, and garbage."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.matrix_events import Ignored, Place, locked, number_of, points_at, read_event
from bot.channels.matrix_text import contents, plain
from flows.core.delivery import Button, RenderedMessage, RichBlock, RichSpan
from flows.core.events import to_json

ME = "@lotse:lotse.test"
NOW = dt.datetime(2026, 11, 26, 18, 0, tzinfo=dt.UTC)
DIRECT = Place(room="!chat:lotse.test", kind="direct", owner="@amal:lotse.test")
STAFF = Place(room="!staff:lotse.test", kind="staff", desk="!staff:lotse.test")
CASE = Place(room="!case:lotse.test", kind="case", desk="!space:lotse.test")

THREAD = {"rel_type": "m.thread", "event_id": "$root"}
KNOWN: dict[str, dict[str, Any]] = {
    "$list": {"sender": ME, "content": {"lotse.choices": [["topic:waste", "Müll"], ["topic:noise", "Lärm"]]}},
    "$forged": {"sender": "@amal:lotse.test", "content": {"lotse.choices": [["human", "Mensch"]]}},
    "$copy": {"sender": ME, "content": {"m.relates_to": {**THREAD, "is_falling_back": True}}},
    "$theirs": {
        "sender": "@anna:lotse.test",
        "content": {"m.relates_to": {**THREAD, "is_falling_back": False, "m.in_reply_to": {"event_id": "$copy"}}},
    },
}


def recorded(name: str) -> list[Any]:
    cases = json.loads((Path(__file__).parent / "recorded" / name).read_text())
    return [pytest.param(case, id=case["label"]) for case in cases]


def check(case: dict[str, Any], place: Place) -> None:
    event, expected = case["event"], case["expect"]
    target = points_at(event, place, ME)
    assert target == case.get("points_at")
    read = read_event(event, place, ME, NOW, KNOWN[target] if target else None)
    if isinstance(expected, str):
        assert read == Ignored(expected)
        return
    assert not isinstance(read, Ignored), read
    found = to_json(read)
    assert {key: found.get(key) for key in expected} == expected
    assert read.id == f"matrix:{event['event_id']}"
    assert read.at <= NOW


@pytest.mark.parametrize("case", recorded("person.json"))
def test_what_a_person_does_is_told_rightly(case: dict[str, Any]) -> None:
    check(case, DIRECT)


@pytest.mark.parametrize("case", recorded("staff.json"))
def test_what_staff_do_in_their_room_is_told_rightly(case: dict[str, Any]) -> None:
    check(case, STAFF)


def test_in_the_room_of_one_case_everything_is_of_that_case() -> None:
    said = {
        "type": "m.room.message",
        "event_id": "$1",
        "sender": "@anna:x",
        "content": {"body": "hm", "msgtype": "m.text"},
    }
    read = read_event(said, CASE, ME, NOW)
    assert not isinstance(read, Ignored)
    assert (read.source.peer, read.source.thread) == (CASE.desk, CASE.room)


def test_what_cannot_be_opened_is_one_event_for_all_of_a_session_and_none_in_a_staff_room() -> None:
    sealed = {"type": "m.room.encrypted", "sender": DIRECT.owner, "event_id": "$1", "content": {}}
    first, second = (locked({**sealed, "event_id": e}, DIRECT, "session", NOW) for e in ("$1", "$2"))
    assert first is not None
    assert second is not None
    assert first.id == second.id
    assert locked(sealed, STAFF, "session", NOW) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3),
        ("3.", 3),
        ("٣", 3),
        ("۳", 3),
        ("३", 3),
        ("③", 3),
        ("3️⃣", 3),
        ("🔟", 10),
        ("12", 12),
        ("½", None),
        ("x", None),
    ],
)
def test_a_number_is_read_in_any_script(text: str, number: int | None) -> None:
    assert number_of(text) == number


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
garbage = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["m.room.message", "m.reaction", "m.room.member", "m.room.redaction", "m.poll.response"]
        ),
        "event_id": json_values,
        "sender": st.sampled_from(["@amal:lotse.test", ME, "@x:y"]) | json_values,
    },
    optional={
        "origin_server_ts": json_values,
        "state_key": json_values,
        "redacts": json_values,
        "unsigned": json_values,
        "content": st.dictionaries(
            st.sampled_from(["msgtype", "body", "m.relates_to", "url", "file", "info", "m.new_content", "membership"]),
            json_values | st.sampled_from(["m.image", "m.location", "m.text"]),
        )
        | json_values,
    },
)


@settings(max_examples=150, deadline=None)
@given(event=garbage, place=st.sampled_from([DIRECT, STAFF, CASE]), found=json_values)
def test_no_event_however_odd_raises(event: dict[str, Any], place: Place, found: Any) -> None:
    points_at(event, place, ME)
    read_event(event, place, ME, NOW, found if isinstance(found, dict) else None)


# ---- the other way ----


def said(*blocks: RichBlock, language: str = "de", choices: tuple[Button, ...] = ()) -> RenderedMessage:
    text = "\n\n".join(block.text for block in blocks)
    return RenderedMessage(text=text, blocks=blocks, choices=choices, language=language)


def paragraph(text: str, **rest: Any) -> RichBlock:
    return RichBlock(kind="paragraph", spans=(RichSpan(text=text, **rest),))


def test_a_message_is_plain_text_and_html_that_says_the_same() -> None:
    message = said(
        RichBlock(kind="heading", spans=(RichSpan(text="Sperrmüll <neu>", bold=True),)),
        paragraph("Formular", url="https://magdeburg.example/f?a=1&b=2"),
    )
    (content,) = contents(message, "m.notice")
    assert content["body"] == "Sperrmüll <neu>\n\nFormular (https://magdeburg.example/f?a=1&b=2)"
    assert content["formatted_body"] == (
        '<b>Sperrmüll &lt;neu&gt;</b><br><br><a href="https://magdeburg.example/f?a=1&amp;b=2">Formular</a>'
    )


def test_a_plain_message_needs_no_html() -> None:
    (content,) = contents(said(paragraph("Guten Tag")), "m.text")
    assert content == {"msgtype": "m.text", "body": "Guten Tag"}


@pytest.mark.parametrize("letter", ["a", "ا", "😀", "中"])
def test_every_part_fits_an_event_also_encrypted(letter: str) -> None:
    buttons = tuple(Button(id=f"topic:{n}", label=letter * 30) for n in range(20))
    message = said(paragraph(f"{letter * 40} " * 400, bold=True), language="ar", choices=buttons)
    parts = list(contents(message, "m.notice"))
    assert all(len(json.dumps(part)) * 4 / 3 < 64_000 for part in parts)
    assert "".join(part["body"] for part in parts).count(letter) == 16_000
    assert [i for i, part in enumerate(parts) if "lotse.choices" in part] == [len(parts) - 1]


def test_an_address_that_is_its_own_text_is_written_once() -> None:
    assert plain('<a href="https://a.example">\u2068https://a.example\u2069</a>') == "\u2068https://a.example\u2069"
