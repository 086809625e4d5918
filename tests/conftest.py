"""What all tests share: the real knowledge, the voice, and one switch that rewrites transcripts."""

from __future__ import annotations

import dataclasses

import pytest

from bot.catalogs import Catalogs
from bot.content import load_knowledge
from bot.settings import ROOT
from flows.core.knowledge import Knowledge
from flows.core.search import build_index


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-transcripts", action="store_true", help="write what is said now into the transcripts")


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """Magdeburg, as it stands in the repository."""
    loaded = load_knowledge(ROOT / "knowledge", "magdeburg")
    return dataclasses.replace(loaded, index=build_index(loaded))


@pytest.fixture(scope="session")
def catalogs() -> Catalogs:
    """The bot's own voice."""
    return Catalogs.load(ROOT / "locales")
