"""The documentation says what the code does: names, settings, commands, routes, diagrams, links."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bot import reference
from bot.app import App
from bot.catalogs import Catalogs
from bot.cli import parser
from bot.settings import ROOT, Settings
from bot.web.server import WebServer
from tests.flows.small import made

DOCS = ROOT / "docs"
TEXTS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *DOCS.rglob("*.yaml"), *(ROOT / "knowledge").glob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
TEST = re.compile(r"`(test_\w+)`")


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", reference.pages(), ids=lambda path: path.name)
def test_a_page_made_from_the_code_is_as_the_code_is_now(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == reference.pages()[path], "type: .venv/bin/python -m bot.reference"


def commands(of: argparse.ArgumentParser, name: str = "lotse") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    below = [a for a in of._actions if isinstance(a, argparse._SubParsersAction)]
    if not below:
        yield name, of
    for group in below:
        for word, child in group.choices.items():
            yield from commands(child, f"{name} {word}")


def test_every_command_and_every_argument_is_described() -> None:
    page = read("commands.md")
    for name, command in commands(parser()):
        assert f"## `{name}" in page
        for action in command._actions:
            assert action.help, f"{name}: {action.dest} says nothing about itself"


def test_every_setting_is_described_and_every_setting_described_exists() -> None:
    described = set(re.findall(r"LOTSE_[A-Z_]+[A-Z]", read("operations.md")))
    assert described == {f"LOTSE_{name.upper()}" for name in Settings.model_fields}


def test_each_promise_stands_there_once_with_tests_that_exist_or_what_is_missing() -> None:
    rows = [line for line in read("promises.md").splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(row.split("|")[1]) for row in rows] == list(range(1, 19))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))
    }
    for row in rows:
        named = TEST.findall(row)
        assert named or "not yet: " in row, row
        assert [name for name in named if name not in there] == []


def test_every_test_that_carries_a_promises_number_is_named_with_it() -> None:
    page = read("promises.md")
    rows = {m[1]: line for line in page.splitlines() if (m := re.match(r"\| (\d+) \|", line))}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name, number in re.findall(r"def (test_(\d+)_\w+)\(", path.read_text(encoding="utf-8")):
            assert number in rows, f"{name}: there is no promise {number}"


def test_the_description_of_http_has_exactly_the_servers_routes(catalogs: Catalogs) -> None:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    app = App(store=None, knowledge=made(), catalogs=catalogs)  # type: ignore[arg-type]
    there = {
        (route.method.lower(), route.resource.canonical)
        for route in WebServer(app, settings).application().router.routes()
        if route.resource is not None and route.method != "HEAD" and not route.resource.canonical.startswith("/static")
    }
    described = {
        (method, path) for path, methods in yaml.safe_load(read("openapi.yaml"))["paths"].items() for method in methods
    }
    webhook = ("post", "/telegram/{secret}")  # only there with a token and in webhook mode
    assert described - {webhook} == there
    assert webhook in described


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_text_leads_nowhere_wrong(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        if not re.match(r"[a-z]+:|#|…", target) and "…" not in target:
            assert (path.parent / target.split("#")[0]).exists(), f"{path.name} → {target}"
    assert not re.search(r"\bTODO\b|\bFIXME\b|\bXXX\b", text)
    assert str(ROOT) not in text
    assert not re.search(r"(?<![\w./:])/(home|root|work|Users|mnt|tmp)/", text), "a path of somebody's machine"
