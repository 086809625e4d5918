"""`lotse check --links`: dead addresses are told with their place, and without a network nothing is."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot import links
from tests.lotse import SMALL, Lotse, in_process

NOBODY = "https://musterstadt.example/x"


class Pages:
    """A small web with living, dead, moody and slow pages, and what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 0
        self.most = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self._answer(request)
        finally:
            self.now -= 1

    async def _answer(self, request: web.Request) -> web.Response:
        match request.path.strip("/").split("/")[0]:
            case "gone":
                return web.Response(status=410)
            case "missing":
                return web.Response(status=404)
            case "only-get":
                return web.Response(status=404 if request.method == "HEAD" else 200)
            case "no-programs":
                return web.Response(status=403)
            case "trouble":
                return web.Response(status=503)
            case "moved":
                raise web.HTTPFound("/fine")
            case "round":
                raise web.HTTPFound("/round")
            case "slow":
                await asyncio.sleep(5)
            case "many":
                await asyncio.sleep(0.02)
        return web.Response()


@pytest.fixture
async def pages(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Pages, str]]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Pages()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield made, f"http://127.0.0.1:{server.port}"


async def test_only_a_page_that_is_surely_gone_is_dead(
    pages: tuple[Pages, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "SECONDS", 0.5)
    _, base = pages
    names = ("fine", "gone", "missing", "only-get", "no-programs", "trouble", "moved", "round", "slow")
    addresses = [*(f"{base}/{name}" for name in names), NOBODY]
    answers = await links.ask(addresses)
    assert answers is not None
    found = {address: [(Path("a.md"), number)] for number, address in enumerate(addresses, 1)}
    told = {problem.line: problem.sentence for problem in links.problems(found, answers)}
    assert told == {
        2: f"{base}/gone is gone for good (410)",
        3: f"{base}/missing is not there (404)",
        8: f"{base}/round leads round in circles",
        9: f"{base}/slow does not answer within 0 seconds",
        10: f"{NOBODY} has a host that nobody knows",
    }


async def test_get_is_asked_only_where_head_is_refused(pages: tuple[Pages, str]) -> None:
    made, base = pages
    await links.ask([f"{base}/fine", f"{base}/fine", f"{base}/only-get"])
    assert sorted(made.asked) == ["GET /only-get", "HEAD /fine", "HEAD /only-get"]


async def test_never_more_than_eight_pages_are_asked_at_once(pages: tuple[Pages, str]) -> None:
    made, base = pages
    answers = await links.ask(f"{base}/many/{n}" for n in range(40))
    assert answers is not None
    assert len(answers) == 40
    assert 1 < made.most <= links.AT_ONCE


async def test_where_nobody_answers_there_is_no_network_and_few_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def silent(session: object, address: str) -> str:
        asked.append(address)
        return "does not answer"

    monkeypatch.setattr(links, "_answer", silent)
    assert await links.ask(f"https://host-{n}.example/" for n in range(50)) is None
    assert len(asked) == links.PROBED


def test_every_address_is_found_with_its_places(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SMALL, tmp_path / "knowledge"))
    found = links.places(folder, "musterstadt")
    form = found["https://musterstadt.example/formular"]
    assert [path.name for path, _ in form] == ["ar.md", "de.md", "en.md", "uk.md"]
    assert (folder / "towns/musterstadt/directory.toml", 20) in found["https://musterstadt.example/hof"]
    path = folder / "articles/waste/bulky/de.md"
    path.write_text(
        "(siehe https://a.example/x_(y)). [b](https://b.example/#z) https://c.example/?q=1,\n", encoding="utf-8"
    )
    assert {"https://a.example/x_(y)", "https://b.example/", "https://c.example/?q=1"} <= set(
        links.places(folder, "musterstadt")
    )


def test_without_a_network_one_line_says_so_and_the_check_is_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lotse: Lotse = in_process(tmp_path, monkeypatch, capsys)
    town = {"LOTSE_KNOWLEDGE_DIR": str(SMALL), "LOTSE_TOWN": "musterstadt"}
    plain = lotse("check", **town)

    async def silent(session: object, address: str) -> str:
        return "does not answer"

    monkeypatch.setattr(links, "_answer", silent)
    looked = lotse("check", "--links", **town)
    assert looked.err == "no link was looked at: there is no network\n"
    assert (looked.code, looked.out) == (plain.code, plain.out)


def test_dead_links_are_warnings_at_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lotse: Lotse = in_process(tmp_path, monkeypatch, capsys)

    async def answer(session: object, address: str) -> int:
        return 404 if address.endswith("/formular") else 200

    monkeypatch.setattr(links, "_answer", answer)
    said = lotse("check", "--links", "--json", LOTSE_KNOWLEDGE_DIR=str(SMALL), LOTSE_TOWN="musterstadt")
    dead = [row for row in said.lines[0] if "(404)" in row["sentence"]]
    assert [Path(row["path"]).name for row in dead] == ["ar.md", "de.md", "en.md", "uk.md"]
    assert {row["severity"] for row in dead} == {"warning"}
    assert all(row["line"] for row in dead)
