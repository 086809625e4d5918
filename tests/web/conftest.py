"""A running web server over a real store, and a real Chromium."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.app import App
from bot.catalogs import Catalogs
from bot.settings import Settings
from bot.web.server import WebServer
from db.codec import Codec
from db.open import open_store
from flows.core.knowledge import Knowledge


@dataclass
class Site:
    """A Lotse that listens on loopback, with its loops running."""

    app: App
    server: WebServer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def member_link(self, name: str = "Anna") -> str:
        if not any(m.name == name for m in await self.app.store.members()):
            await self.app.store.add_member(name, "member", (), wake=False)
        token = await self.app.store.desk_link(name, self.app.clock())
        return f"{self.url}/desk/enter#{token}"


@pytest.fixture
async def site(tmp_path: Path, knowledge: Knowledge, catalogs: Catalogs) -> AsyncIterator[Site]:
    import asyncio

    settings = Settings(_env_file=None, data_dir=tmp_path, port=0)  # type: ignore[call-arg]
    store = open_store(f"sqlite:///{tmp_path / 'lotse.db'}", Codec(secrets.token_bytes(32)))
    await store.open()
    app = App(store=store, knowledge=knowledge, catalogs=catalogs)
    server = WebServer(app, settings)
    app.add(server.channel)
    await server.start()
    stop = asyncio.Event()
    running = asyncio.create_task(app.run(stop))
    yield Site(app, server)
    stop.set()
    await running
    await server.stop()
    await app.close()


def chromium() -> str:
    """Where the system's Chromium is; without it the test is skipped, or fails under CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        reason = "Chromium is not installed; ./test --system installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
