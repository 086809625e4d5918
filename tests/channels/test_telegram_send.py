"""Sending to Telegram: text, files, buttons, topics, and what each refusal means."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bot_api import TOKEN, ApiError, BotApi

from bot.channels.telegram import TelegramChannel
from bot.errors import SendError
from flows.core.delivery import Attachment, Button, Delivery, RenderedMessage, RichBlock, RichSpan

JPEG = b"\xff\xd8\xff\xe0 a picture"


async def nothing(name: str) -> str | None:
    return None


@pytest.fixture
async def channel(api: BotApi) -> AsyncIterator[TelegramChannel]:
    channel = TelegramChannel(TOKEN, read_cursor=nothing, api_url=api.url)
    yield channel
    await channel.close()


@pytest.fixture
def chat(api: BotApi) -> int:
    """A person who has written to the bot."""
    person = api.person()
    person.writes("hallo")
    return person.id


def says(text: str, *choices: Button) -> RenderedMessage:
    blocks = (RichBlock(kind="paragraph", spans=(RichSpan(text=text),)),) if text else ()
    return RenderedMessage(text=text, blocks=blocks, choices=choices, language="de")


def delivery(chat: int, text: str = "Hallo", **fields: Any) -> Delivery:
    values = {"id": "telegram:7:1:0", "channel": "telegram", "peer": str(chat), "role": "reply"}
    choices = fields.pop("choices", ())
    return Delivery(**{**values, "message": says(text, *choices), **fields})


async def test_a_text_arrives_with_its_buttons_under_the_last_part(
    api: BotApi, channel: TelegramChannel, chat: int
) -> None:
    receipt = await channel.send(delivery(chat, "Wort " * 1200, choices=(Button(id="menu", label="Themen"),)))
    assert [m.choices for m in api.sent] == [{}, {"Themen": "menu"}]
    assert receipt.external_ids == tuple(str(m.id) for m in api.sent)


async def test_what_a_person_wrote_is_shown_as_it_is(api: BotApi, channel: TelegramChannel, chat: int) -> None:
    await channel.send(delivery(chat, "<b>& </a>"))
    assert api.sent[0].text == "<b>& </a>"


REFUSALS: dict[str, tuple[Any, dict[str, Any]]] = {
    "too many requests": (
        ApiError(429, "Too Many Requests: retry after 17", retry_after=17),
        {"retryable": True, "retry_after": 17, "reason": "flood"},
    ),
    "blocked": (ApiError(403, "Forbidden: bot was blocked by the user"), {"retryable": False, "reason": "blocked"}),
    "deactivated": (ApiError(403, "Forbidden: user is deactivated"), {"retryable": False, "reason": "gone"}),
    "kicked": (
        ApiError(403, "Forbidden: bot was kicked from the group chat"),
        {"retryable": False, "reason": "blocked"},
    ),
    "unknown chat": (ApiError(400, "Bad Request: chat not found"), {"retryable": False, "reason": "gone"}),
    "anything else that is wrong": (ApiError(400, "Bad Request: wrong"), {"retryable": False, "reason": "refused"}),
    "moved": (
        ApiError(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1009),
        {"retryable": True, "moved_to": "-1009"},
    ),
    "token refused": (ApiError(401, "Unauthorized"), {"retryable": True}),
    "server error": (500, {"retryable": True}),
    "bad gateway": (502, {"retryable": True}),
    "an answer that is no JSON": (200, {"retryable": True}),
    "connection lost": ("drop", {"retryable": True}),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal_says_whether_to_try_again(api: BotApi, channel: TelegramChannel, chat: int, name: str) -> None:
    answer, expected = REFUSALS[name]
    api.fails("sendMessage", answer)
    with pytest.raises(SendError) as refused:
        await channel.send(delivery(chat))
    assert {key: getattr(refused.value, key) for key in expected} == expected
    assert not refused.value.thread_gone


async def test_while_telegram_wants_silence_for_a_chat_it_is_not_asked_again(
    api: BotApi, channel: TelegramChannel, chat: int
) -> None:
    other = api.person()
    other.writes("hallo")
    api.floods("sendMessage", 1000)
    for _ in range(3):
        with pytest.raises(SendError) as refused:
            await channel.send(delivery(chat))
        assert 990 < (refused.value.retry_after or 0) <= 1000
    await channel.send(delivery(other.id))
    assert len(api.made("sendMessage")) == 2


async def test_nobody_listens_is_worth_another_try(api: BotApi, channel: TelegramChannel, chat: int) -> None:
    await api.stop()
    with pytest.raises(SendError) as refused:
        await channel.send(delivery(chat))
    assert refused.value.retryable
    await api.start()


async def test_a_message_in_parts_goes_on_where_it_stopped(api: BotApi, channel: TelegramChannel, chat: int) -> None:
    long = delivery(chat, "Wort " * 1200)
    api.fails("sendMessage", 500)
    with pytest.raises(SendError):
        await channel.send(long)
    first = await _first_part_then_failure(api, channel, long)
    receipt = await channel.send(long)
    assert [str(m.id) for m in api.sent] == list(receipt.external_ids)
    assert receipt.external_ids[0] == first


async def _first_part_then_failure(api: BotApi, channel: TelegramChannel, long: Delivery) -> str:
    original = api.do_sendmessage

    async def once(asked: Any) -> Any:
        api.fails("sendMessage", 500)
        api.do_sendmessage = original  # type: ignore[method-assign]
        return await original(asked)

    api.do_sendmessage = once  # type: ignore[method-assign]
    with pytest.raises(SendError):
        await channel.send(long)
    return str(api.sent[0].id)


async def test_an_answer_that_got_lost_may_double_a_message_but_never_loses_it(
    api: BotApi, channel: TelegramChannel, chat: int
) -> None:
    api.fails("sendMessage", "lost")
    with pytest.raises(SendError) as refused:
        await channel.send(delivery(chat))
    assert refused.value.retryable
    await channel.send(delivery(chat))
    assert [m.text for m in api.sent] == ["Hallo", "Hallo"]


# ---- edits and presses ----


async def test_a_correction_changes_the_message_it_corrects(api: BotApi, channel: TelegramChannel, chat: int) -> None:
    (sent,) = (await channel.send(delivery(chat))).external_ids
    receipt = await channel.send(delivery(chat, "Hallo!", edits=sent))
    assert [m.text for m in api.sent] == ["Hallo!"]
    assert receipt.external_ids == (sent,)


async def test_a_correction_that_changes_nothing_is_done(api: BotApi, channel: TelegramChannel, chat: int) -> None:
    (sent,) = (await channel.send(delivery(chat))).external_ids
    assert (await channel.send(delivery(chat, edits=sent))).external_ids == (sent,)


async def test_a_correction_of_a_message_that_is_gone_is_said_anew(
    api: BotApi, channel: TelegramChannel, chat: int
) -> None:
    receipt = await channel.send(delivery(chat, edits="4711"))
    assert [str(m.id) for m in api.sent] == list(receipt.external_ids)


async def test_a_press_is_answered_even_when_nothing_is_said(api: BotApi, channel: TelegramChannel, chat: int) -> None:
    api.queries["q"] = False
    receipt = await channel.send(delivery(chat, "", role="system", answers="q"))
    assert api.queries["q"]
    assert receipt.external_ids == ()


async def test_a_press_that_is_too_old_to_be_answered_still_gets_its_message(
    api: BotApi, channel: TelegramChannel, chat: int
) -> None:
    await channel.send(delivery(chat, answers="long ago"))
    assert [m.text for m in api.sent] == ["Hallo"]


# ---- files ----


def attachment(kind: str, name: str = "", mime: str = "") -> Attachment:
    return Attachment(kind=kind, ref="r", name=name, mime=mime)


@pytest.mark.parametrize(
    ("kind", "name", "data", "sent_as"),
    [
        ("photo", "picture.jpg", JPEG, "photo"),
        ("voice", "voice", b"OggS", "voice"),
        ("audio", "song.mp3", b"ID3", "audio"),
        ("video", "video", b"mp4", "video"),
        ("document", "a.pdf", b"%PDF", "document"),
        ("sticker", "sticker", b"?", "document"),
    ],
)
async def test_a_file_is_sent_as_what_it_is_with_the_text_under_it(
    api: BotApi, channel: TelegramChannel, chat: int, kind: str, name: str, data: bytes, sent_as: str
) -> None:
    named = attachment(kind, name if "." in name and kind != "photo" else "")
    await channel.send(delivery(chat, "Sehen Sie:", attachments=(named,)), [(name, data)])
    (message,) = api.sent
    assert (message.file, message.text) == ((sent_as, data), "Sehen Sie:")


async def test_a_picture_that_telegram_cannot_read_goes_as_a_file(
    api: BotApi, channel: TelegramChannel, chat: int
) -> None:
    await channel.send(delivery(chat, attachments=(attachment("photo"),)), [("picture.jpg", b"GIF89a")])
    assert [m.file for m in api.sent] == [("document", b"GIF89a")]


async def test_a_text_too_long_for_a_caption_comes_before_the_file(
    api: BotApi, channel: TelegramChannel, chat: int
) -> None:
    await channel.send(delivery(chat, "Wort " * 300, attachments=(attachment("photo"),)), [("picture.jpg", JPEG)])
    assert [(len(m.text) > 1024, m.file is not None) for m in api.sent] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("طلب.pdf", "طلب.pdf"), ('a "b".pdf', 'a "b".pdf'), ("a\r\nX: y.pdf", "aX: y.pdf"), ("Müll 1.pdf", "Müll 1.pdf")],
)
async def test_a_file_keeps_its_name_in_any_script(
    api: BotApi, channel: TelegramChannel, chat: int, name: str, shown: str
) -> None:
    await channel.send(delivery(chat, attachments=(attachment("document", name),)), [(name, b"%PDF")])
    assert api.requests[-1].params["document"] == shown


async def test_a_file_that_could_not_be_had_leaves_the_others_what_they_are(
    api: BotApi, channel: TelegramChannel, chat: int
) -> None:
    attachments = (attachment("document", "a.pdf"), attachment("voice"))
    await channel.send(delivery(chat, attachments=attachments), [("voice", b"OggS")])
    assert [m.file for m in api.sent] == [("voice", b"OggS")]


async def test_a_file_is_fetched(api: BotApi, channel: TelegramChannel) -> None:
    api.files["f1"] = b"data"
    assert await channel.fetch(Attachment(kind="document", ref="f1", size=4)) == b"data"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Attachment(kind="document", ref="unknown"), "refused"),
        (Attachment(kind="video", ref="f1", size=21 * 1024 * 1024), "too-big"),
    ],
)
async def test_a_file_that_cannot_be_had_is_not_asked_for_again(
    api: BotApi, channel: TelegramChannel, given: Attachment, reason: str
) -> None:
    with pytest.raises(SendError) as refused:
        await channel.fetch(given)
    assert (refused.value.retryable, refused.value.reason) == (False, reason)


# ---- topics ----


def to_topic(group: int, thread: str | None = None, **fields: Any) -> Delivery:
    return delivery(group, "Fall 42", role="brief", ticket=42, title="#42 · ar", thread=thread, **fields)


async def test_a_case_without_a_topic_gets_one(api: BotApi, channel: TelegramChannel) -> None:
    group = api.group()
    receipt = await channel.send(to_topic(group.id))
    assert group.topics == {int(receipt.thread or 0): "#42 · ar"}
    assert group.texts(int(receipt.thread or 0)) == ["Fall 42"]


async def test_a_topic_made_for_a_message_that_then_failed_is_used_for_the_next_try(
    api: BotApi, channel: TelegramChannel
) -> None:
    group = api.group()
    api.fails("sendMessage", 500)
    with pytest.raises(SendError) as refused:
        await channel.send(to_topic(group.id))
    assert list(group.topics) == [int(refused.value.thread or 0)]
    await channel.send(to_topic(group.id, thread=refused.value.thread))
    assert len(group.topics) == 1


async def test_a_topic_that_is_gone_is_told(api: BotApi, channel: TelegramChannel) -> None:
    with pytest.raises(SendError) as gone:
        await channel.send(to_topic(api.group().id, thread="99"))
    assert gone.value.thread_gone
    assert gone.value.retryable


async def test_a_message_that_is_no_case_in_a_topic_that_is_gone_is_given_up(
    api: BotApi, channel: TelegramChannel
) -> None:
    with pytest.raises(SendError) as gone:
        await channel.send(delivery(api.group().id, thread="99"))
    assert not gone.value.retryable


async def test_a_topic_that_is_gone_as_soon_as_it_is_made_is_tried_again_in_time(
    api: BotApi, channel: TelegramChannel
) -> None:
    api.fails("sendMessage", ApiError(400, "Bad Request: message thread not found"))
    with pytest.raises(SendError) as gone:
        await channel.send(to_topic(api.group().id))
    assert (gone.value.retryable, gone.value.thread_gone) == (True, False)


async def test_a_topic_is_taken_out_of_the_room_once_or_twice(api: BotApi, channel: TelegramChannel) -> None:
    group = api.group()
    thread = (await channel.send(to_topic(group.id))).thread
    for _ in range(2):
        await channel.send(delivery(group.id, "", role="erase", ticket=42, thread=thread))
    assert group.topics == {}
    assert group.messages() == []


async def test_marks_and_notes_make_no_sound(api: BotApi, channel: TelegramChannel) -> None:
    group = api.group()
    thread = (await channel.send(to_topic(group.id))).thread
    await channel.send(delivery(group.id, "✓", role="mark", ticket=42, thread=thread))
    assert [m.quiet for m in api.sent] == [False, True]


async def test_neither_token_nor_words_nor_addresses_are_logged(
    api: BotApi, channel: TelegramChannel, chat: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("telegram", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING)  # as `lotse run` has it
    for answer in (500, "drop", ApiError(400, "Bad Request: wrong")):
        api.fails("sendMessage", answer)
        with pytest.raises(SendError) as refused:
            await channel.send(delivery(chat, "geheim"))
        assert not any(secret in str(refused.value) for secret in (TOKEN, "geheim", str(chat)))
    assert not any(secret in caplog.text for secret in (TOKEN, "geheim", str(chat)))
