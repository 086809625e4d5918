"""Sending one delivery to Telegram, in steps, each of which is done once while this process lives."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message
from telegram.constants import ParseMode
from telegram.error import BadRequest, TelegramError

from bot.channels import telegram_errors
from bot.channels.pace import Pace
from bot.channels.telegram_text import CAPTION_UNITS, to_parts, to_rows
from bot.errors import SendError
from flows.core.delivery import Attachment, Button, Delivery, Receipt

REMEMBERED = 1000
"""Deliveries begun and not finished that are kept in mind."""

TITLE_CHARACTERS = 128
_QUIET = ("mark", "note")
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One request: a text, or a file with the text as its caption."""

    text: str = ""
    file: tuple[str, str, bytes] | None = None  # kind, name, bytes
    edits: int | None = None
    choices: tuple[Button, ...] = ()


class Sender:
    """Turns deliveries into requests.

    A message that takes several requests goes on where it stopped when it is tried again. That is kept in memory
    only: after a crash the first part may arrive twice, never zero times.
    """

    def __init__(self, bot: Bot, pace: Pace | None = None) -> None:
        self._bot = bot
        self._pace = pace  # what Telegram allows; by the loop's clock
        self._begun: OrderedDict[str, list[str]] = OrderedDict()
        self._quiet: dict[str, float] = {}  # until when Telegram wants nothing for a chat, by the same clock

    async def send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]]) -> Receipt:
        """Deliver; SendError says whether it is worth another try."""
        silence = self._quiet.get(delivery.peer, 0.0) - asyncio.get_running_loop().time()
        if silence > 0:
            raise SendError(retryable=True, retry_after=silence, reason="flood")
        self._quiet.pop(delivery.peer, None)
        answering = asyncio.create_task(self._answer(delivery.answers)) if delivery.answers else None
        try:
            return await self._send(delivery, files)
        except TelegramError as error:
            raise self._failed(delivery, error) from None
        finally:
            if answering is not None:
                await answering

    def _failed(self, delivery: Delivery, error: TelegramError) -> SendError:
        failure = telegram_errors.send_error(error)
        if failure.retry_after is not None:
            self._quiet[delivery.peer] = asyncio.get_running_loop().time() + failure.retry_after
            if self._pace is not None:
                self._pace.silence(delivery.peer, self._quiet[delivery.peer])
        if failure.thread_gone:
            self._begun.pop(delivery.id, None)
            if delivery.ticket is None:
                return SendError(retryable=False, reason="gone")
            if delivery.thread is None:
                # Made a moment ago and gone already: make another, but not in a hurry.
                return SendError(retryable=True, reason="thread-gone")
        elif not failure.retryable:
            self._begun.pop(delivery.id, None)
        return failure

    async def _send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]]) -> Receipt:
        if delivery.role == "erase":
            if delivery.thread is not None:
                await self._delete_thread(delivery.peer, delivery.thread)
            return Receipt(external_ids=())
        steps = tuple(_steps(delivery, files))
        if not steps:
            return Receipt(external_ids=())
        thread, made = delivery.thread, None
        if thread is None and delivery.ticket is not None:
            title = (delivery.title or f"#{delivery.ticket}")[:TITLE_CHARACTERS]
            topic = await self._bot.create_forum_topic(int(delivery.peer), title)
            thread = made = str(topic.message_thread_id)
            if self._pace is not None:  # it is a message in the group too
                self._pace.count(delivery.peer, asyncio.get_running_loop().time())
        done = self._begun.pop(delivery.id, [])
        for n, step in enumerate(steps[len(done) :]):
            if n:  # for the first the outbox has asked
                await self._turn(delivery.peer)
            try:
                done.append(await self._do(step, delivery, thread))
            except TelegramError as error:
                if done:
                    self._remember(delivery.id, done)
                failure = self._failed(delivery, error)
                failure.thread = None if failure.reason == "thread-gone" else made
                raise failure from None
        return Receipt(external_ids=tuple(done), thread=made)

    async def _turn(self, peer: str) -> None:
        """Wait until one more may be sent there."""
        now = asyncio.get_running_loop().time
        while self._pace is not None and not self._pace.take(peer, now()):  # noqa: ASYNC110 - only time passes
            await asyncio.sleep(self._pace.wait(peer, now()))

    def _remember(self, delivery: str, done: list[str]) -> None:
        self._begun[delivery] = done
        while len(self._begun) > REMEMBERED:
            self._begun.popitem(last=False)

    async def _do(self, step: _Step, delivery: Delivery, thread: str | None) -> str:
        where: dict[str, Any] = {
            "chat_id": int(delivery.peer),
            "message_thread_id": int(thread) if thread is not None else None,
            "disable_notification": delivery.role in _QUIET,
        }
        if step.file is not None:
            return await self._file(step, where, _keyboard(step.choices))
        if step.edits is not None:
            try:
                await self._bot.edit_message_text(
                    step.text,
                    chat_id=where["chat_id"],
                    message_id=step.edits,
                    parse_mode=ParseMode.HTML,
                    link_preview_options=_NO_PREVIEW,
                    reply_markup=_keyboard(step.choices),
                )
                return str(step.edits)
            except BadRequest as error:
                if telegram_errors.not_modified(error):
                    return str(step.edits)
                if not telegram_errors.edit_lost(error):
                    raise
        return await self._text(step, where)

    async def _text(self, step: _Step, where: dict[str, Any]) -> str:
        # Bot.send_message costs twice this in objects that nobody looks at; see Channel._get_updates for the spelling.
        asked = {
            **{name: value for name, value in where.items() if value is not None and value is not False},
            "text": step.text,
            "parse_mode": ParseMode.HTML,
            "link_preview_options": {"is_disabled": True},
        }
        if step.choices:
            rows = [[{"text": b.label, "callback_data": b.id} for b in row] for row in to_rows(step.choices)]
            asked["reply_markup"] = {"inline_keyboard": rows}
        sent = await self._bot.do_api_request("sendmessage", asked)
        return str(sent["message_id"])

    async def _file(self, step: _Step, where: dict[str, Any], keyboard: InlineKeyboardMarkup | None) -> str:
        assert step.file is not None
        kind, name, data = step.file
        rest: dict[str, Any] = {"filename": "".join(filter(str.isprintable, name)), "reply_markup": keyboard, **where}
        if step.text:
            rest |= {"caption": step.text, "parse_mode": ParseMode.HTML}
        sent: Message
        match kind:
            case "photo":
                try:
                    sent = await self._bot.send_photo(photo=data, **rest)
                except BadRequest as error:
                    if not telegram_errors.no_picture(error):
                        raise
                    sent = await self._bot.send_document(document=data, **rest)
            case "voice":
                sent = await self._bot.send_voice(voice=data, **rest)
            case "audio":
                sent = await self._bot.send_audio(audio=data, **rest)
            case "video":
                sent = await self._bot.send_video(video=data, **rest)
            case _:
                sent = await self._bot.send_document(document=data, **rest)
        return str(sent.message_id)

    async def _answer(self, callback: str) -> None:
        """Stop the button spinning. Too late or already done is no harm."""
        with contextlib.suppress(TelegramError):
            await self._bot.do_api_request("answercallbackquery", {"callback_query_id": callback})

    async def _delete_thread(self, peer: str, thread: str) -> None:
        """Delete a topic with everything in it; one that is gone already is fine."""
        try:
            await self._bot.delete_forum_topic(int(peer), int(thread))
        except BadRequest as error:
            if not telegram_errors.thread_gone(error):
                raise


def _steps(delivery: Delivery, files: Sequence[tuple[str, bytes]]) -> Iterator[_Step]:
    message = delivery.message
    kinds = _kinds(files, delivery.attachments)
    texts = to_parts(message, CAPTION_UNITS) if files else ()
    captioned = len(texts) == 1
    steps: list[_Step] = []
    if not captioned:
        steps += [_Step(text=text) for text in to_parts(message)]
        if steps and delivery.edits and delivery.edits.isdecimal():
            steps[0] = _Step(text=steps[0].text, edits=int(delivery.edits))
    for i, ((name, data), kind) in enumerate(zip(files, kinds, strict=True)):
        steps.append(_Step(text=texts[0] if captioned and i == 0 else "", file=(kind, name, data)))
    for i, step in enumerate(steps):
        last = i + 1 == len(steps)
        yield _Step(text=step.text, file=step.file, edits=step.edits, choices=message.choices if last else ())


def _kinds(files: Sequence[tuple[str, bytes]], attachments: Sequence[Attachment]) -> list[str]:
    """The kind of each file. The files come in the attachments' order; some that could not be had are left out."""
    waiting = [a for a in attachments if a.ref]
    kinds: list[str] = []
    for name, _ in files:
        at = next((i for i, a in enumerate(waiting) if name in _names(a)), None)
        if at is None:
            kinds.append("document")
            continue
        attachment = waiting[at]
        picture = attachment.kind == "photo" or attachment.mime.startswith("image/")
        kinds.append("photo" if picture else attachment.kind)
        waiting = waiting[at + 1 :]
    return kinds


def _names(attachment: Attachment) -> tuple[str, ...]:
    """What the outbox calls it: a picture is written anew, everything else keeps its name."""
    if attachment.kind == "photo" or attachment.mime.startswith("image/"):
        return ("picture.jpg",)
    return (attachment.name or attachment.kind,)


def _keyboard(choices: Sequence[Button]) -> InlineKeyboardMarkup | None:
    if not choices:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(b.label, callback_data=b.id) for b in row] for row in to_rows(choices)]
    )
