"""A Telegram of our own, databases, and a Lotse between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bot_api import BotApi
from harness import Lotse, running
from stores import KINDS, fresh_url

from bot.catalogs import Catalogs
from flows.core.knowledge import Knowledge


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Telegram of our own."""
    server = BotApi()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database of either kind."""
    return await fresh_url(request.param, tmp_path)


@pytest.fixture
async def sqlite(tmp_path: Path) -> str:
    return await fresh_url("sqlite", tmp_path)


@pytest.fixture
async def lotse(api: BotApi, sqlite: str, knowledge: Knowledge, catalogs: Catalogs) -> AsyncIterator[Lotse]:
    """A Lotse without a staff group."""
    async with running(Lotse(api, sqlite, knowledge, catalogs)) as started:
        yield started


@pytest.fixture
async def staffed(api: BotApi, sqlite: str, knowledge: Knowledge, catalogs: Catalogs) -> AsyncIterator[Lotse]:
    """A Lotse with a staff group with topics."""
    async with running(Lotse(api, sqlite, knowledge, catalogs, group=api.group())) as started:
        yield started
