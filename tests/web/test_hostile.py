"""The web server in the hands of somebody who wishes it no good, or of a browser that goes away."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.serve import set_up_logging
from bot.settings import Settings
from tests.web.conftest import Site


@pytest.fixture
async def http(site: Site) -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(site.url, cookie_jar=jar, headers={"Origin": site.url}) as session:
        yield session


def body(**values: Any) -> dict[str, Any]:
    return {"id": secrets.token_hex(16), **values}


@pytest.mark.parametrize("cursor", ["abc", "-1", "9" * 30, "١"])
async def test_a_cursor_that_is_none_is_refused(http: aiohttp.ClientSession, cursor: str) -> None:
    await http.post("/chat/session", json=body(start="v1_de"))
    async with http.get("/chat/events", params={"after": cursor}) as answer:
        assert answer.status == 400
    async with http.get("/chat/events", headers={"Last-Event-ID": cursor.encode().decode("latin-1")}) as answer:
        assert answer.status == 400


async def test_a_number_that_is_none_opens_nothing_at_the_desk(site: Site, http: aiohttp.ClientSession) -> None:
    token = (await site.member_link()).partition("#")[2]
    await http.post("/desk/enter", json={"token": token})
    for path, status in (
        (f"/desk/case/{'9' * 30}", 404),
        ("/desk/case/77", 404),
        (f"/desk/case/{'9' * 30}/file/x/0", 404),
        ("/desk/wait?version=x", 400),
    ):
        async with http.get(path) as answer:
            assert answer.status == status, path


async def test_a_host_or_an_origin_that_is_none_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.get("/", headers={"Host": "["}) as answer:
        assert answer.status == 421
    for origin in ("http://[", "null", ""):
        async with http.post("/chat/session", json=body(), headers={"Origin": origin}) as answer:
            assert answer.status == 403, origin


async def test_refusals_carry_the_security_headers_too(site: Site, http: aiohttp.ClientSession) -> None:
    async with http.get("/", headers={"Host": "evil.example"}) as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    async with http.post("/desk/leave", headers={"Origin": "https://evil.example"}) as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_11_a_request_that_fails_logs_neither_its_address_nor_its_words(
    site: Site, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise RuntimeError("Zwetschgenkuchen")

    set_up_logging(site.server.settings)
    monkeypatch.setattr(site.app, "clock", broken)
    async with http.post("/chat/session", json=body(start="Zwetschgenkuchen")) as answer:
        assert answer.status == 500
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "a request raised RuntimeError" in caplog.text
    assert "Zwetschgenkuchen" not in caplog.text
    assert "127.0.0.1" not in caplog.text


async def test_11_a_browser_that_goes_away_is_no_error(
    site: Site, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    set_up_logging(site.server.settings)
    await http.post("/chat/session", json=body(start="v1_de"))
    for _ in range(3):
        async with http.get("/chat/events") as stream:
            await stream.content.readline()
        await http.post("/chat/message", json=body(text="Wohin mit dem Sofa?"))
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING], caplog.text


async def test_2_a_legal_text_in_german_says_so_to_who_reads_another_language(
    site: Site, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    legal = tmp_path / "towns" / "musterstadt" / "legal"
    legal.mkdir(parents=True)
    (legal / "privacy.de.md").write_text("Wir speichern **wenig**.", encoding="utf-8")
    settings = site.server.settings.model_copy(update={"knowledge_dir": tmp_path, "town": "musterstadt"})
    site.server.pages.settings = settings
    async with http.get("/privacy", params={"lang": "ar"}) as answer:
        page = await answer.text()
    assert 'lang="ar" dir="rtl"' in page
    assert "هذا النص غير متوفر بعد بالعربية" in page
    assert '<div class="prose" lang="de" dir="ltr">' in page
    async with http.get("/privacy", params={"lang": "de"}) as answer:
        assert "nicht auf Deutsch" not in await answer.text()


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_metrics_are_not_for_who_comes_through_a_proxy_of_this_machine(
    http: aiohttp.ClientSession, header: str
) -> None:
    async with http.get("/metrics") as answer:
        assert answer.status == 200
    async with http.get("/metrics", headers={header: "203.0.113.7"}) as answer:
        assert answer.status == 404


async def test_metrics_are_not_for_who_asks_for_the_public_name(site: Site, http: aiohttp.ClientSession) -> None:
    site.server.guard.public = urlsplit("https://lotse.example")
    async with http.get("/metrics", headers={"Host": "lotse.example"}) as answer:
        assert answer.status == 404
    async with http.get("/", headers={"Host": "lotse.example"}) as answer:
        assert answer.status == 200


def test_the_finest_log_is_of_our_own_steps(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, log="debug")  # type: ignore[call-arg]
    before = logging.getLogger("markdown_it").level
    try:
        set_up_logging(settings)
        for name in ("markdown_it.rules_block.code", "aiohttp.access", "httpx", "telegram.ext", "nio.client"):
            assert not logging.getLogger(name).isEnabledFor(logging.DEBUG), name
    finally:
        logging.getLogger("markdown_it").setLevel(before)
