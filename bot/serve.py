"""`lotse run`: every configured channel, the web chat and the desk, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import logging
import os
import signal
import sys

from bot.app import App, database_told, make_store, only_one, utc_now
from bot.catalogs import Catalogs
from bot.channels.base import Channel
from bot.commands_store import desk_url
from bot.errors import SettingsError
from bot.plan import Room
from bot.settings import Settings
from bot.whole import load, stays, warm
from db.store import Store
from flows.core.knowledge import Knowledge

log = logging.getLogger("lotse")

SWITCH_SECONDS = 0.0005
"""How long the thread that makes indexes may keep the event loop waiting for Python's lock."""

LAST_SECONDS = 10.0
"""So long after it was told the program is gone, also where a database that is silent does not let go of it.

What was begun and is not stored is done again by the next one, as after a kill.
"""


def run_until_stopped(settings: Settings) -> int:
    """`serve` on the faster event loop, where that is installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(serve(settings))
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(serve(settings))


async def serve(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM; 0 when it stopped as told."""
    set_up_logging(settings)
    knowledge, catalogs = load(settings)
    refuse_public(settings, knowledge)
    settings.make_data_dir()
    with only_one(settings.data_dir) if settings.embedded else contextlib.nullcontext():
        store = make_store(settings)
        with database_told():
            await store.open()
            await store.members()  # sealed with another key, it would only be noticed when somebody writes
        channels, rooms = _channels(settings, store, knowledge, catalogs)
        app = App(store=store, knowledge=knowledge, catalogs=catalogs, channels=channels, rooms=rooms)
        from bot.web.server import WebServer

        web = WebServer(app, settings)
        app.add(web.channel)
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def told() -> None:
            stop.set()
            loop.call_later(LAST_SECONDS, os._exit, 0)

        for name in (signal.SIGINT, signal.SIGTERM):  # before anybody is told that all is ready
            loop.add_signal_handler(name, told)
        try:
            await web.start()
            await _introduce(app, settings, web.port)
            stays()
            sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
            warming = asyncio.create_task(asyncio.to_thread(warm, settings, knowledge, stop.is_set))
            warming.add_done_callback(lambda _: stays())
            await app.run(stop)
            await warming
        finally:
            await web.stop()
            await app.close()
    return 0


def set_up_logging(settings: Settings) -> None:
    """Logs to stderr; never content, tokens, addresses or one-time links (promise 11)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _AsJson()
        if settings.log_format == "json"
        else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=settings.log.upper(), handlers=[handler])
    for noisy in ("httpx", "httpcore", "aiohttp.access", "telegram", "nio", "markdown_it"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # they log addresses with tokens in them, or every line read


class _AsJson(logging.Formatter):
    """One JSON object a line, for programs that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        said = {"at": at, "level": record.levelname.lower(), "from": record.name, "says": record.getMessage()}
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def only_here(settings: Settings) -> bool:
    """Whether nobody but this machine can reach the pages."""
    try:
        return ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        return settings.host == "localhost"


def nameless(settings: Settings) -> str | None:
    """What is wrong when others can reach the pages, but under no name that is answered; None when nothing is."""
    if only_here(settings) or settings.public_url:
        return None
    return (
        f"LOTSE_HOST={settings.host} lets others reach this machine, but only requests to localhost are answered, "
        "all others with 421: set LOTSE_PUBLIC_URL to the address people type (https://lotse.example.org)"
    )


def refuse_public(settings: Settings, knowledge: Knowledge) -> None:
    """Bound to another address than loopback, privacy notice and imprint must be there."""
    if only_here(settings):
        return
    legal = settings.knowledge / "towns" / settings.town / "legal"
    missing = [n for n in ("privacy", "imprint") if not (legal / f"{n}.de.md").is_file()]
    if missing:
        raise SettingsError(
            f"LOTSE_HOST={settings.host} can be reached by others, but {' and '.join(missing)} are missing: write "
            + " and ".join(str(legal / f"{n}.de.md") for n in missing)
            + ", or bind to 127.0.0.1"
        )


def _channels(
    settings: Settings, store: Store, knowledge: Knowledge, catalogs: Catalogs
) -> tuple[list[Channel], list[Room]]:
    channels: list[Channel] = []
    rooms: list[Room] = []
    if settings.telegram_token:
        from bot.channels.telegram_profile import profiles
        from bot.channels.telegram_setup import telegram_channel

        channels.append(telegram_channel(settings, store, profiles(catalogs, knowledge.town)))
        if settings.telegram_staff_chat is not None:
            rooms.append(
                Room(
                    channel="telegram",
                    peer=str(settings.telegram_staff_chat),
                    mode=settings.telegram_staff_mode,
                )
            )
    if settings.matrix_homeserver:
        from bot.channels.matrix_setup import matrix_channel, only_direct

        channels.append(matrix_channel(settings, store, only_direct(catalogs, knowledge.town)))
        if settings.matrix_staff_room:
            rooms.append(Room(channel="matrix", peer=settings.matrix_staff_room, mode=settings.matrix_staff_mode))
    return channels, rooms


async def _introduce(app: App, settings: Settings, port: int) -> None:
    base = settings.public_url or f"http://{settings.host}:{port}"
    names = ", ".join(sorted(app.channels))
    print(
        f"Lotse for {app.knowledge.town.name} is ready: {base} (channels: {names})",
        file=sys.stderr,
        flush=True,
    )
    if (problem := nameless(settings)) is not None:
        print(problem, file=sys.stderr, flush=True)
    if await app.store.members() or not sys.stderr.isatty():
        return
    # Printed only to a terminal and only while nobody is on staff.
    name = "Koordination"
    await app.store.add_member(name, "coordinator", (), wake=False)
    token = await app.store.desk_link(name, utc_now())
    url = desk_url(settings.model_copy(update={"port": port}), token)
    print(
        f"Nobody is on staff yet. To enter the desk as {name}, once, within ten minutes:\n  {url}",
        file=sys.stderr,
    )
