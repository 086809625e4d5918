"""What `lotse doctor` says about Telegram."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Literal

from telegram import Bot, ChatMemberAdministrator, ChatMemberOwner, WebhookInfo
from telegram.error import InvalidToken, TelegramError

from bot.channels.telegram_http import AiohttpRequest

CLOCK_SECONDS = 30.0

Finding = tuple[str, bool, str]


async def check_bot(
    bot: Bot,
    request: AiohttpRequest,
    *,
    mode: Literal["polling", "webhook"],
    webhook_url: str | None,
    staff_chat: int | None,
    now: dt.datetime,
) -> list[Finding]:
    """(What was looked at, whether it is fine, what was found or what to do.)"""
    try:
        await bot.get_me()
    except InvalidToken:
        return [("token", False, "Telegram refuses LOTSE_TELEGRAM_TOKEN; copy it again from @BotFather")]
    except TelegramError as error:
        return [("connection", False, f"Telegram cannot be reached ({type(error).__name__}); see the network")]
    findings: list[Finding] = [("token", True, "accepted")]
    findings += _clock(request.server_date, now)
    try:
        findings += _receiving(await bot.get_webhook_info(), mode, webhook_url)
    except TelegramError as error:
        findings.append(("receiving", False, f"cannot be looked at ({type(error).__name__}); try again"))
    findings += await _staff_chat(bot, staff_chat)
    return findings


def _clock(date: str | None, now: dt.datetime) -> Iterator[Finding]:
    try:
        difference = abs((parsedate_to_datetime(date or "") - now).total_seconds())
    except (ValueError, TypeError):
        return
    if difference <= CLOCK_SECONDS:
        yield "clock", True, "agrees with Telegram's"
    else:
        yield "clock", False, f"{difference:.0f} s away from Telegram's; set the clock (NTP)"


def _receiving(info: WebhookInfo, mode: str, webhook_url: str | None) -> Iterator[Finding]:
    if mode == "polling":
        if info.url:
            yield (
                "receiving", False,
                "a webhook is set, so polling gets nothing; lotse run removes it. If another program uses this bot, "
                "give Lotse a bot of its own",
            )  # fmt: skip
        else:
            yield "receiving", True, "by polling; no webhook is in the way"
        return
    if webhook_url is None:
        yield "receiving", False, "LOTSE_TELEGRAM_MODE=webhook needs LOTSE_PUBLIC_URL=https://…"
    elif info.url != webhook_url:
        yield "receiving", False, "the webhook is not set to LOTSE_PUBLIC_URL; lotse run sets it when it starts"
    elif info.last_error_message:
        yield "receiving", False, "Telegram could not reach the webhook lately; see the proxy before LOTSE_PUBLIC_URL"
    else:
        yield "receiving", True, "by webhook"


async def _staff_chat(bot: Bot, staff_chat: int | None) -> list[Finding]:
    what = "staff group"
    if staff_chat is None:
        return [(what, True, "none (LOTSE_TELEGRAM_STAFF_CHAT); staff work at the web desk")]
    try:
        chat = await bot.get_chat(staff_chat)
        member = await bot.get_chat_member(staff_chat, bot_id(bot.token))
    except TelegramError as error:
        say = f"the bot cannot see LOTSE_TELEGRAM_STAFF_CHAT ({type(error).__name__}); add it to the group"
        return [(what, False, say)]
    if not chat.is_forum:
        return [(what, False, "has no topics; switch them on in the group's settings")]
    missing = []
    if not isinstance(member, ChatMemberOwner):
        admin = member if isinstance(member, ChatMemberAdministrator) else None
        if admin is None or not admin.can_manage_topics:
            missing.append("manage topics")
        if admin is None or not admin.can_delete_messages:
            missing.append("delete messages")
    if missing:
        return [(what, False, f"the bot lacks rights there; make it an administrator who may {' and '.join(missing)}")]
    return [(what, True, "has topics, and the bot may manage them")]


def bot_id(token: str) -> int:
    """The bot's own number, the first part of its token; ValueError when the token has another form."""
    return int(token.split(":", 1)[0])
