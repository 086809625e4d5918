"""The contract's fixtures: every test that takes `store` runs on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from stores import KEY, KINDS, fresh_url

from db.codec import Codec
from db.open import open_store
from db.store import Store


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def url(kind: str, tmp_path: Path) -> str:
    """A new database."""
    return await fresh_url(kind, tmp_path)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """An open store on it."""
    opened = open_store(url, Codec(KEY))
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()
