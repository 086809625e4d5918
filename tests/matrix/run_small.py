"""`lotse run` on the small town of the tests, which has not every article that flows name; a program to be killed.

As many new rooms a minute as there are: two hundred people would need ten minutes to come in.
"""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import sys

from bot.app import App, make_store, only_one
from bot.catalogs import Catalogs
from bot.channels.matrix import MatrixChannel
from bot.content import load_knowledge
from bot.serve import _channels, set_up_logging
from bot.settings import data_folder, load_settings
from flows.core.search import build_index


async def main() -> None:
    settings = load_settings()
    set_up_logging(settings)
    knowledge = load_knowledge(settings.knowledge, settings.town)
    knowledge = dataclasses.replace(knowledge, index=build_index(knowledge))
    catalogs = Catalogs.load(data_folder("locales"))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with only_one(settings.data_dir):
        store = make_store(settings)
        await store.open()
        channels, rooms = _channels(settings, store, knowledge, catalogs)
        for channel in channels:
            if isinstance(channel, MatrixChannel):
                channel._rooms._limit = 10_000
        app = App(store=store, knowledge=knowledge, catalogs=catalogs, channels=channels, rooms=rooms)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        print("is ready:", file=sys.stderr, flush=True)
        await app.run(stop)
        await app.close()


asyncio.run(main())
