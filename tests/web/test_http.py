"""The web server's edges: origins, hosts, cookies, sizes, headers, health."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.errors import SettingsError
from bot.serve import nameless, refuse_public
from bot.settings import Settings
from flows.core.knowledge import Knowledge
from tests.web.conftest import Site


@pytest.fixture
async def http(site: Site) -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(site.url, cookie_jar=jar, headers={"Origin": site.url}) as session:
        yield session


def body(**values: Any) -> dict[str, Any]:
    return {"id": secrets.token_hex(16), **values}


async def test_every_page_has_a_strict_content_security_policy(http: aiohttp.ClientSession) -> None:
    for path in ("/", "/desk", "/desk/enter", "/privacy", "/imprint", "/accessibility"):
        async with http.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            text = await answer.text()
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "<script>" not in text
        assert "style=" not in text
        assert "http://" not in text.replace("http://www.w3.org", "")


async def test_a_request_of_another_site_is_refused(site: Site, http: aiohttp.ClientSession) -> None:
    async with http.post("/chat/session", json=body(), headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status == 403
    async with http.get("/", headers={"Host": "evil.example"}) as answer:
        assert answer.status == 421


async def test_the_browsers_cookie_cannot_be_read_by_scripts(http: aiohttp.ClientSession) -> None:
    async with http.post("/chat/session", json=body()) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Max-Age" not in cookie


async def test_keep_on_this_device_is_only_kept_when_asked(http: aiohttp.ClientSession) -> None:
    async with http.post("/chat/session", json=body(keep=True)) as answer:
        assert "Max-Age" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
async def test_a_malformed_body_is_a_clear_refusal(http: aiohttp.ClientSession, raw: bytes) -> None:
    async with http.post("/chat/session", data=raw) as answer:
        assert answer.status == 400
        assert "Traceback" not in await answer.text()


async def test_a_huge_body_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("/chat/session", data=b"x" * 200_000) as answer:
        assert answer.status in (400, 413)


async def test_without_a_session_nothing_can_be_said_or_read(http: aiohttp.ClientSession) -> None:
    async with http.post("/chat/message", json=body(text="Hallo")) as answer:
        assert answer.status == 401
    async with http.get("/chat/events") as answer:
        assert answer.status == 401


async def test_the_same_message_sent_twice_is_one(site: Site, http: aiohttp.ClientSession) -> None:
    await http.post("/chat/session", json=body(start="v1_de"))
    said = body(text="Wohin mit dem Sofa?")
    await http.post("/chat/message", json=said)
    await http.post("/chat/message", json=said)
    rows: list[str] = []
    async with http.get("/chat/events") as stream:
        async for line in stream.content:
            if line.startswith(b"data:"):
                rows.append(line.decode())
                if '"article": "waste.bulky"' in rows[-1]:
                    break
    assert sum('"article": "waste.bulky"' in row for row in rows) == 1


async def test_the_desk_shows_nothing_without_a_session(http: aiohttp.ClientSession) -> None:
    async with http.get("/desk") as answer:
        assert answer.status == 401
    async with http.get("/desk/case/1") as answer:
        assert answer.status == 401
    async with http.post("/desk/case/1/reply", data={"once": "x" * 20, "text": "Hallo"}) as answer:
        assert answer.status == 401
    async with http.post("/desk/enter", json={"token": "A" * 43}) as answer:
        assert answer.status == 410


async def test_health_is_told_and_metrics_name_nobody(http: aiohttp.ClientSession) -> None:
    async with http.get("/healthz") as answer:
        assert await answer.json() == {"live": True, "ready": True}
    async with http.get("/metrics") as answer:
        told = await answer.text()
    for name in ("inbox_open", "outbox_oldest_seconds", "handled_total", "step_seconds_bucket", "search_seconds_sum"):
        assert f"lotse_{name}" in told


def test_a_public_address_needs_privacy_notice_and_imprint(knowledge: Knowledge) -> None:
    settings = Settings(_env_file=None, host="0.0.0.0")  # type: ignore[call-arg]
    with pytest.raises(SettingsError, match=r"privacy.*imprint"):
        refuse_public(settings, knowledge)


@pytest.mark.parametrize(
    ("host", "public_url", "told"),
    [("0.0.0.0", None, True), ("0.0.0.0", "https://lotse.example", False), ("127.0.0.1", None, False)],
)
def test_where_every_visitor_would_be_refused_the_setting_that_mends_it_is_named(
    host: str, public_url: str | None, told: bool
) -> None:
    settings = Settings(_env_file=None, host=host, public_url=public_url)  # type: ignore[call-arg]
    assert ("LOTSE_PUBLIC_URL" in (nameless(settings) or "")) is told


async def test_a_cookie_that_was_not_given_out_opens_nothing(site: Site) -> None:
    async with aiohttp.ClientSession(site.url, headers={"Origin": site.url}) as stranger:
        async with stranger.post(
            "/chat/choice", json=body(choice="menu"), headers={"Cookie": "lotse_chat=x"}
        ) as answer:
            assert answer.status == 401
        async with stranger.post("/chat/session", json=body(), headers={"Cookie": "lotse_chat=x"}) as answer:
            assert "lotse_chat=x;" not in answer.headers["Set-Cookie"]
