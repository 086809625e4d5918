"""Receiving from Telegram: confirmed only when stored, gone on where it stopped, by polling or by webhook."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import aiohttp
import pytest
from bot_api import TOKEN, ApiError, BotApi
from harness import Lotse, running

from bot.catalogs import Catalogs
from bot.channels.telegram import TelegramChannel
from bot.errors import SettingsError
from bot.web.server import WebServer
from db.store import Cursor
from flows.core.events import Event, MessageReceived
from flows.core.knowledge import Knowledge

NOW = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)


@dataclass
class Inbox:
    """Takes events, and can refuse them."""

    cursor: str | None = None
    refusals: int = 0
    texts: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    now: dt.datetime = NOW

    async def accept(self, events: Sequence[Event], cursor: tuple[str, str] | None) -> int:
        if self.refusals:
            self.refusals -= 1
            raise OSError("the disk is full")
        self.texts += [e.text for e in events if isinstance(e, MessageReceived)]
        self.cursor = cursor[1] if cursor else self.cursor
        return len(events)

    async def read(self, name: str) -> str | None:
        return self.cursor

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def receiving(api: BotApi, inbox: Inbox, token: str = TOKEN) -> AsyncIterator[asyncio.Task[None]]:
    channel = TelegramChannel(
        token, read_cursor=inbox.read, api_url=api.url, clock=lambda: inbox.now, pause=inbox.pause
    )
    task = asyncio.create_task(channel.receive(inbox.accept))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, SettingsError):
            await task
        await channel.close()


async def until(true: Callable[[], object]) -> None:
    for _ in range(4000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("never")


async def test_an_update_is_confirmed_only_after_it_is_in_the_inbox(api: BotApi) -> None:
    inbox = Inbox(refusals=2)
    api.person().writes("hallo")
    async with receiving(api, inbox):
        await until(lambda: len(api.offsets) == 4)
    assert api.offsets == [None, None, None, 1001]
    assert inbox.texts == ["hallo"]


async def test_polling_goes_on_after_the_last_update_that_was_stored(api: BotApi) -> None:
    inbox = Inbox(cursor=f"1041 {NOW.isoformat()}")
    async with receiving(api, inbox):
        await until(lambda: api.offsets)
    assert api.offsets[0] == 1042


async def test_after_days_without_updates_polling_begins_without_offset_because_numbers_may_begin_anew(
    api: BotApi,
) -> None:
    inbox = Inbox(cursor=f"999999 {(NOW - dt.timedelta(days=7)).isoformat()}")
    api.person().writes("hallo")
    async with receiving(api, inbox):
        await until(lambda: inbox.texts and not api.updates)
    assert api.offsets[:2] == [None, 1001]
    assert inbox.cursor == f"1000 {NOW.isoformat()}"


async def test_a_long_silence_while_running_ends_the_offset_too(api: BotApi) -> None:
    inbox = Inbox()
    api.longest_poll = 0.01
    api.person().writes("hallo")
    async with receiving(api, inbox):
        await until(lambda: api.offsets[-1:] == [1001])
        inbox.now += dt.timedelta(days=7)
        await until(lambda: api.offsets[-1] is None)
        api.next_update = 5
        api.person().writes("wieder da")
        await until(lambda: api.offsets[-1] == 6)
    assert inbox.texts == ["hallo", "wieder da"]


async def test_a_cursor_nobody_can_read_is_no_cursor(api: BotApi) -> None:
    inbox = Inbox(cursor="garbage")
    async with receiving(api, inbox):
        await until(lambda: api.offsets)
    assert api.offsets[0] is None


@pytest.mark.parametrize("code", [401, 404])
async def test_a_token_that_is_refused_at_the_start_is_a_settings_error(api: BotApi, code: int) -> None:
    api.fails("deleteWebhook", ApiError(code, "Unauthorized"))
    async with receiving(api, Inbox()) as task:
        with pytest.raises(SettingsError, match="LOTSE_TELEGRAM_TOKEN"):
            await task


def test_a_token_of_another_form_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="LOTSE_TELEGRAM_TOKEN"):
        TelegramChannel("not a token", read_cursor=Inbox().read)


async def test_a_token_that_is_refused_later_is_tried_again(api: BotApi) -> None:
    inbox = Inbox()
    api.fails("getUpdates", ApiError(401, "Unauthorized"), times=2)
    api.person().writes("hallo")
    async with receiving(api, inbox):
        await until(lambda: inbox.texts)
    assert inbox.pauses == [30.0, 30.0]


async def test_another_program_that_polls_is_waited_out(api: BotApi, caplog: pytest.LogCaptureFixture) -> None:
    inbox = Inbox()
    api.fails("getUpdates", ApiError(409, "Conflict: terminated by other getUpdates request"))
    api.person().writes("hallo")
    async with receiving(api, inbox):
        await until(lambda: inbox.texts)
    assert "another program" in caplog.text
    assert TOKEN not in caplog.text


async def test_telegram_away_at_the_start_is_waited_for(api: BotApi) -> None:
    inbox = Inbox()
    api.fails("deleteWebhook", "drop", times=3)
    api.person().writes("hallo")
    async with receiving(api, inbox):
        await until(lambda: inbox.texts)
    assert len(inbox.pauses) == 3


async def test_the_seconds_telegram_asks_for_are_waited(api: BotApi) -> None:
    inbox = Inbox()
    api.floods("getUpdates", 17)
    async with receiving(api, inbox):
        await until(lambda: inbox.pauses)
    assert inbox.pauses[0] == 17


async def test_after_a_restart_nothing_is_missed_and_nothing_is_handled_twice(lotse: Lotse, api: BotApi) -> None:
    person = api.person()
    await lotse.chooses(person, "de")
    person.writes("Sperrmüll")
    again = list(api.updates)
    await lotse.settled()
    said = len(person.texts)
    await lotse.stop()
    person.writes("danke")
    api.updates[:0] = again  # its confirmation got lost
    await lotse.start()
    await lotse.settled()
    assert len(person.texts) == said + 1


async def test_a_duplicate_weeks_later_is_known(lotse: Lotse, api: BotApi) -> None:
    person = api.person()
    person.writes("Sperrmüll")
    update = api.updates[-1]
    await lotse.settled()
    await lotse.store.purge(lotse.app.clock() + dt.timedelta(weeks=6))
    said = len(person.texts)
    api.next_update += 1
    api.updates.append(update)
    await lotse.store.accept([], Cursor(name=lotse.channel.cursor_name, value=""))
    await lotse.stop()
    await lotse.start()
    await lotse.settled()
    assert len(person.texts) == said


# ---- webhook ----


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
async def hooked(api: BotApi, sqlite: str, knowledge: Knowledge, catalogs: Catalogs) -> AsyncIterator[Lotse]:
    """A Lotse that Telegram reaches by webhook."""
    port = _free_port()
    extra = {"telegram_mode": "webhook", "public_url": f"http://127.0.0.1:{port}", "port": port}
    async with running(Lotse(api, sqlite, knowledge, catalogs, extra=extra)) as lotse:
        web = WebServer(lotse.app, lotse.settings)
        await web.start()
        yield lotse
        await web.stop()


async def test_by_webhook_a_person_is_answered(hooked: Lotse, api: BotApi) -> None:
    await hooked.chooses(api.person(), "de")
    assert api.offsets == []
    assert api.webhook["url"] == hooked.channel.webhook_url


@pytest.mark.parametrize(
    ("body", "secret", "status"),
    [
        (b'{"update_id": 1', True, 400),
        (b"\xff\xfe", True, 400),
        (b"", True, 400),
        (b"[" * 50000, True, 400),
        (b"[]", True, 200),
        (b'{"update_id": 1}', True, 200),
        (b'{"update_id": 1}', False, 403),
        (b"x" * 70000, True, 413),
    ],
)
async def test_what_is_brought_to_the_webhook_gets_its_status(
    hooked: Lotse, caplog: pytest.LogCaptureFixture, body: bytes, secret: bool, status: int
) -> None:
    await hooked.until(lambda: hooked.api.webhook)
    headers = {"X-Telegram-Bot-Api-Secret-Token": hooked.channel.webhook_secret if secret else "guessed"}
    async with aiohttp.ClientSession() as session:
        async with session.post(str(hooked.channel.webhook_url), data=body, headers=headers) as answer:
            assert answer.status == status
            assert "Traceback" not in await answer.text()
        async with session.post(f"{hooked.settings.public_url}/telegram/guessed", data=body) as answer:
            assert answer.status == 404
    assert "Traceback" not in caplog.text


async def test_what_is_ignored_is_counted_in_the_metrics(hooked: Lotse, api: BotApi) -> None:
    await hooked.until(lambda: api.webhook)
    api.put({"channel_post": {"message_id": 1}})
    await hooked.settled()
    async with aiohttp.ClientSession() as session, session.get(f"{hooked.settings.public_url}/metrics") as answer:
        assert 'lotse_ignored{channel="telegram",why="other"} 1' in await answer.text()


async def test_the_webhook_confirms_nothing_that_is_not_stored(hooked: Lotse, api: BotApi) -> None:
    person = api.person()
    accept = hooked.store.accept

    async def full(*_: object) -> int:
        hooked.store.accept = accept  # type: ignore[method-assign]
        raise OSError("the disk is full")

    await hooked.until(lambda: api.webhook)
    hooked.store.accept = full  # type: ignore[method-assign,assignment]
    person.writes("hallo")
    await hooked.until(lambda: person.received)


async def test_a_webhook_that_telegram_refuses_is_a_settings_error(api: BotApi) -> None:
    inbox = Inbox()
    channel = TelegramChannel(
        TOKEN, read_cursor=inbox.read, api_url=api.url, mode="webhook", public_url="http://lotse.example"
    )
    with pytest.raises(SettingsError, match="LOTSE_PUBLIC_URL"):
        await channel.receive(inbox.accept)
    await channel.close()
