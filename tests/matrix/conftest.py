"""A homeserver of our own, and a Lotse on it."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.catalogs import Catalogs
from bot.content import load_knowledge
from bot.settings import ROOT
from flows.core.knowledge import Knowledge
from flows.core.search import build_index

sys.path.append(str(Path(__file__).parent.parent / "channels"))

MISSING = ", ".join(name for name in ("synapse", "mautrix", "olm") if importlib.util.find_spec(name) is None)
if MISSING and os.environ.get("CI") == "true":
    raise ImportError(f"{MISSING} missing; see the test extra in pyproject.toml")
if MISSING:
    collect_ignore = [f"test_matrix_{name}.py" for name in ("crash", "login", "people", "rooms", "staff")]
else:
    import homeserver
    from matrix_lotse import Enter, MatrixLotse
    from people import Person


def pytest_report_header() -> str:
    return f"Matrix: not tested against a homeserver ({MISSING} missing)" if MISSING else "Matrix: against Synapse"


SMALL = ROOT / "tests" / "knowledge" / "small"


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """A small town, so that these tests do not change with the articles."""
    loaded = load_knowledge(SMALL, "musterstadt")
    return dataclasses.replace(loaded, index=build_index(loaded))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[homeserver.Homeserver]:
    """One Synapse for all tests."""
    yield from homeserver.homeserver(tmp_path_factory.mktemp("homeserver"))


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[homeserver.Homeserver]:
    """A Synapse of its own, on which nothing else has been said."""
    yield from homeserver.homeserver(tmp_path / "homeserver")


@pytest.fixture
async def enter(server: homeserver.Homeserver) -> AsyncIterator[Enter]:
    """`await enter(name)`: a person with an app that is not matrix-nio; gone when the test ends."""
    async with contextlib.AsyncExitStack() as people:

        async def one(name: str, on: homeserver.Homeserver = server, **rest: bool) -> Person:
            person = await Person.enter(on, name, **rest)
            people.push_async_callback(person.leave)
            return person

        yield one


@pytest.fixture
async def lotse(
    server: homeserver.Homeserver,
    tmp_path: Path,
    knowledge: Knowledge,
    catalogs: Catalogs,
    request: pytest.FixtureRequest,
) -> AsyncIterator[MatrixLotse]:
    """A Lotse with an account of its own, not yet started; stopped when the test ends."""
    user = "lotse-" + "".join(c for c in request.node.name.lower() if c.isalnum())[-40:]
    server.register(user)
    made = MatrixLotse(server, tmp_path / "data", knowledge, catalogs, user=user)
    yield made
    with contextlib.suppress(AttributeError):
        await made.stop()
