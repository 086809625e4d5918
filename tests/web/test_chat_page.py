"""The web chat as a person meets it, in a real browser: keyboard, right-to-left, a small phone, axe."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.web.conftest import Site, chromium

PHONE = {"width": 360, "height": 740}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        yield browser
        await browser.close()


async def opened(browser: Browser, url: str, language: str, **options: Any) -> Page:
    context = await browser.new_context(locale=language, viewport=PHONE, **options)
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.errors = errors  # type: ignore[attr-defined]
    await page.goto(url)
    return page


async def axe_is_content(page: Page) -> None:
    results = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    assert results.violations_count == 0, results.generate_report()


async def picture(page: Page, name: str) -> None:
    """Kept only when a folder for pictures is named."""
    folder = os.environ.get("LOTSE_TEST_PICTURES")
    if folder:
        await page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize(
    ("language", "own_name", "question", "direction"),
    [
        ("ar", "العربية", "أين أرمي الأريكة القديمة؟", "rtl"),
        ("de", "Deutsch", "Wohin mit meinem alten Sofa?", "ltr"),
    ],
)
async def test_a_newcomer_asks_on_a_small_phone_and_reads_the_answer(
    site: Site, browser: Browser, language: str, own_name: str, question: str, direction: str
) -> None:
    page = await opened(browser, site.url, language)
    await page.get_by_role("button", name=own_name, exact=True).click()
    await expect(page.locator("html")).to_have_attribute("dir", direction)
    await page.get_by_role("textbox").fill(question)
    await page.keyboard.press("Enter")
    answer = page.get_by_role("log").locator("article", has_text="Sperrmüll").last
    await expect(answer).to_be_visible()
    await expect(answer).to_have_attribute("lang", language)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no sideways scrolling"
    await axe_is_content(page)
    await picture(page, f"web-chat-{language}")
    assert page.errors == []  # type: ignore[attr-defined]


async def test_everything_works_by_keyboard_alone(site: Site, browser: Browser) -> None:
    page = await opened(browser, site.url, "de")
    await expect(page.get_by_role("button", name="Deutsch", exact=True)).to_be_visible()
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.textContent") == "Deutsch":
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Müll und Sperrmüll")).to_be_visible()


async def test_what_a_person_types_is_never_markup(site: Site, browser: Browser) -> None:
    page = await opened(browser, site.url, "de")
    await page.get_by_role("button", name="Deutsch", exact=True).click()
    await page.get_by_role("textbox").fill("<img src=x onerror=document.title='hacked'> **fett**")
    await page.keyboard.press("Enter")
    await expect(page.locator("article.own").last).to_contain_text("<img src=x")
    assert await page.title() != "hacked"


async def test_a_reload_misses_nothing_and_repeats_nothing(site: Site, browser: Browser) -> None:
    page = await opened(browser, site.url, "de")
    await page.get_by_role("button", name="Deutsch", exact=True).click()
    await expect(page.get_by_role("button", name="Müll und Sperrmüll")).to_be_visible()
    before = await page.locator("article:not(.own)").count()
    await page.reload()
    await expect(page.get_by_role("button", name="Müll und Sperrmüll")).to_be_visible()
    assert await page.locator("article:not(.own)").count() == before


async def test_leave_now_clears_the_page_and_the_session(site: Site, browser: Browser) -> None:
    page = await opened(browser, site.url, "de")
    await page.get_by_role("button", name="Deutsch", exact=True).click()
    await expect(page.get_by_role("button", name="Müll und Sperrmüll")).to_be_visible()
    await page.get_by_role("button", name="Jetzt verlassen").click()
    await expect(page.get_by_role("log")).to_be_empty()
    assert "lotse_chat" not in {cookie["name"] for cookie in await page.context.cookies()}


async def test_a_link_opens_language_and_topic_directly(site: Site, browser: Browser) -> None:
    page = await opened(browser, f"{site.url}/?s=v1_uk_waste", "de")
    await expect(page.locator("html")).to_have_attribute("lang", "uk")
    await expect(page.get_by_role("button", name="Позбутися старих меблів")).to_be_visible()


async def test_a_case_goes_to_the_desk_and_the_answer_comes_back(site: Site, browser: Browser) -> None:
    link = await site.member_link()
    person = await opened(browser, f"{site.url}/?s=v1_ar", "ar")
    await person.get_by_role("textbox").fill("وصلتني رسالة من الجوب سنتر ولا أفهمها")
    await person.keyboard.press("Enter")
    await person.get_by_role("button", name="التحدث مع إنسان").last.click()
    await person.get_by_role("button", name="نعم", exact=True).last.click()
    await expect(person.get_by_role("log")).to_contain_text("رقم حالتك")

    desk = await opened(browser, link, "de")
    await desk.set_viewport_size({"width": 1100, "height": 900})
    await desk.get_by_role("button", name="Als Anna anmelden").click()
    await expect(desk.get_by_role("heading", name="Offene Fälle")).to_be_visible()
    await axe_is_content(desk)
    await desk.get_by_role("link", name="Fall 1").click()
    await expect(desk.get_by_role("list", name="Verlauf")).to_contain_text("الجوب سنتر")
    await desk.get_by_role("button", name="Fall übernehmen").click()
    await expect(desk.get_by_role("list", name="Verlauf")).to_contain_text("Anna hat den Fall übernommen")
    await desk.get_by_label("Notiz, nur für das Team").fill("Nur intern: ruft morgen an")
    await desk.get_by_role("button", name="Notieren").click()
    await expect(desk.get_by_role("list", name="Verlauf")).to_contain_text("Nur intern")
    await desk.get_by_label("Antwort an die Person").fill("أهلًا، يمكنك أن تأتي يوم الثلاثاء.")
    await desk.get_by_role("button", name="Senden").click()
    await expect(desk.get_by_role("list", name="Verlauf")).to_contain_text("zugestellt")
    await axe_is_content(desk)
    await picture(desk, "desk-case")

    await expect(person.get_by_role("log")).to_contain_text("يوم الثلاثاء")
    await expect(person.get_by_role("log")).not_to_contain_text("Nur intern")
    await desk.get_by_role("button", name="Fall beenden").click()
    await expect(person.get_by_role("log")).to_contain_text("أغلق الفريق الحالة")
    await person.get_by_role("textbox").fill("أين أرمي الأريكة القديمة؟")
    await person.keyboard.press("Enter")
    await expect(person.get_by_role("log").locator("article").last).to_contain_text("Sperrmüll")


async def test_what_a_member_is_writing_stays_when_the_person_writes_meanwhile(site: Site, browser: Browser) -> None:
    link = await site.member_link()
    person = await opened(browser, f"{site.url}/?s=v1_de", "de")
    await person.get_by_role("button", name="Mit einem Menschen sprechen").last.click()
    await person.get_by_role("button", name="Ja", exact=True).last.click()
    await expect(person.get_by_role("log")).to_contain_text("Nummer 1")
    desk = await opened(browser, link, "de")
    await desk.get_by_role("button", name="Als Anna anmelden").click()
    await desk.get_by_role("link", name="Fall 1").click()
    await desk.get_by_label("Antwort an die Person").fill("halb geschrieben")
    await person.get_by_role("textbox").fill("Noch etwas Wichtiges")
    await person.keyboard.press("Enter")
    await expect(desk.get_by_role("list", name="Verlauf")).to_contain_text("Noch etwas Wichtiges")
    await expect(desk.get_by_label("Antwort an die Person")).to_have_value("halb geschrieben")


async def test_a_desk_link_works_once(site: Site, browser: Browser) -> None:
    link = await site.member_link()
    first = await opened(browser, link, "de")
    await first.get_by_role("button", name="Als Anna anmelden").click()
    await expect(first.get_by_role("heading", name="Offene Fälle")).to_be_visible()
    assert "#" not in first.url
    second = await opened(browser, link, "de")
    await expect(second.get_by_role("status")).to_contain_text("gilt nicht mehr")
