"""Who may import whom."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from bot.settings import ROOT

OURS = ("bot", "db", "flows", "knowledge", "locales")
PURE = {"os", "random", "secrets", "time", "socket", "asyncio", "threading", "subprocess", "urllib", "http"}

LAW = (
    ("flows", ("flows",)),
    ("db", ("db", "flows.core")),
    ("bot/errors.py", ("flows",)),
    ("bot/settings.py", ("flows", "bot.errors")),
    ("bot/content", ("flows", "bot.content", "bot.errors", "bot.languages", "bot.holidays", "bot.hours")),
    ("bot/render.py", ("flows", "bot.catalogs", "bot.errors", "bot.formats", "bot.hours", "bot.languages")),
    ("bot/channels", ("flows.core", "bot.errors", "bot.render", "bot.channels", "bot.web", "bot.languages")),
    ("bot/worker.py", ("flows", "db", "bot.channels.base", "bot.errors", "bot.metrics", "bot.plan")),
    ("bot/plan.py", ("flows", "db", "bot.render", "bot.catalogs")),
    ("bot/outbox.py", ("flows", "db", "bot.channels.base", "bot.channels.pace", "bot.errors", "bot.images")),
)


def imports(path: Path) -> set[str]:
    """Every module a file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def files(place: str) -> list[Path]:
    path = ROOT / place
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


@pytest.mark.parametrize(("place", "allowed"), LAW, ids=[place for place, _ in LAW])
def test_a_part_imports_only_what_it_may(place: str, allowed: tuple[str, ...]) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(place)
        for name in sorted(imports(path))
        if name.split(".")[0] in OURS and not any(name == a or name.startswith(a + ".") for a in allowed)
    ]
    assert files(place)
    assert wrong == []


def test_the_core_uses_the_standard_library_alone_and_neither_clock_nor_chance() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files("flows")
        for name in sorted(imports(path))
        if name.split(".")[0] != "flows"
        and (name.split(".")[0] not in sys.stdlib_module_names or name.split(".")[0] in PURE)
    ]
    assert wrong == []


def test_the_core_never_waits_and_never_asks_the_time() -> None:
    wrong = []
    for path in files("flows"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Await | ast.AsyncFunctionDef):
                wrong.append(f"{path.name}:{node.lineno} waits")
            if isinstance(node, ast.Attribute) and node.attr in ("now", "today", "utcnow"):
                owner = ast.unparse(node.value)
                if owner in ("dt.datetime", "dt.date", "datetime", "date"):
                    wrong.append(f"{path.name}:{node.lineno} asks the time")
    assert wrong == []
