"""What `lotse doctor` says about Telegram."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import sys
from pathlib import Path

import pytest
from bot_api import TOKEN, ApiError, BotApi

from bot.channels.telegram import TelegramChannel


async def nothing(name: str) -> str | None:
    return None


async def looked(api: BotApi, **settings: object) -> dict[str, tuple[bool, str]]:
    channel = TelegramChannel(TOKEN, read_cursor=nothing, api_url=api.url, **settings)  # type: ignore[arg-type]
    try:
        return {what: (fine, say) for what, fine, say in await channel.check()}
    finally:
        await channel.close()


async def test_all_is_well(api: BotApi) -> None:
    said = await looked(api, staff_chat=api.group().id)
    assert all(fine for fine, _ in said.values())
    assert set(said) == {"token", "clock", "receiving", "staff group"}


async def test_without_a_staff_group_the_web_desk_is_named(api: BotApi) -> None:
    assert (await looked(api))["staff group"] == (
        True,
        "none (LOTSE_TELEGRAM_STAFF_CHAT); staff work at the web desk",
    )


@pytest.mark.parametrize(("answer", "what"), [(ApiError(401, "Unauthorized"), "token"), ("drop", "connection")])
async def test_a_bot_that_cannot_be_reached_is_one_finding(api: BotApi, answer: object, what: str) -> None:
    api.fails("getMe", answer)
    said = await looked(api)
    assert [name for name, (fine, _) in said.items() if not fine] == [what]
    assert TOKEN not in str(said)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"can_manage_topics": False}, "manage topics"),
        ({"can_delete_messages": False}, "delete messages"),
        ({"can_manage_topics": False, "can_delete_messages": False}, "manage topics and delete messages"),
    ],
)
async def test_a_right_that_is_missing_is_named(api: BotApi, change: dict[str, bool], words: str) -> None:
    group = api.group()
    group.rights |= change
    fine, say = (await looked(api, staff_chat=group.id))["staff group"]
    assert not fine
    assert words in say


async def test_a_group_without_topics_is_told(api: BotApi) -> None:
    fine, say = (await looked(api, staff_chat=api.group(forum=False).id))["staff group"]
    assert not fine
    assert "topics" in say


async def test_a_group_the_bot_is_not_in_is_told(api: BotApi) -> None:
    fine, say = (await looked(api, staff_chat=-1))["staff group"]
    assert not fine
    assert "LOTSE_TELEGRAM_STAFF_CHAT" in say


async def test_a_webhook_in_the_way_of_polling_is_told(api: BotApi) -> None:
    api.webhook = {"url": "https://elsewhere.example/"}
    fine, say = (await looked(api))["receiving"]
    assert not fine
    assert "webhook" in say


async def test_a_webhook_that_is_set_elsewhere_is_told(api: BotApi) -> None:
    settings = {"mode": "webhook", "public_url": "https://lotse.example"}
    assert not (await looked(api, **settings))["receiving"][0]
    channel = TelegramChannel(TOKEN, read_cursor=nothing, public_url="https://lotse.example")
    api.webhook = {"url": channel.webhook_url}
    assert (await looked(api, **settings))["receiving"] == (True, "by webhook")


async def test_a_clock_that_is_wrong_is_told(api: BotApi) -> None:
    late = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
    fine, say = (await looked(api, clock=lambda: late))["clock"]
    assert not fine
    assert "NTP" in say


@pytest.mark.parametrize(("token", "fine"), [(TOKEN, True), ("8:WRONG", False), ("nonsense", False)])
async def test_lotse_doctor_tells_it(api: BotApi, tmp_path: Path, token: str, fine: bool) -> None:
    environment = {
        **os.environ,
        "LOTSE_DATA_DIR": str(tmp_path),
        "LOTSE_TELEGRAM_TOKEN": token,
        "LOTSE_TELEGRAM_API_URL": api.url,
        "LOTSE_TELEGRAM_STAFF_CHAT": str(api.group().id),
    }
    doctor = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "doctor", "--json", env=environment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await doctor.communicate()
    looks = [look for look in json.loads(out) if look["what"].startswith("telegram")]
    assert all(look["fine"] for look in looks) is fine
    assert token not in out.decode()
