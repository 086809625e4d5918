"""What the pages share: templates, the page's own words, legal texts from the town's folder."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from markdown_it import MarkdownIt

from bot.app import App
from bot.languages import LANGUAGES
from bot.settings import Settings
from flows.core.phrases import Phrase, phrase

CHAT_WORDS = {
    "title": phrase("web.title"),
    "log": phrase("web.log"),
    "write": phrase("web.write"),
    "send": phrase("web.send"),
    "leave": phrase("web.leave"),
    "left": phrase("web.left"),
    "keep": phrase("web.keep"),
    "you": phrase("web.you"),
    "bot": phrase("web.bot"),
    "team": phrase("web.team"),
    "choices": phrase("web.choices"),
    "offline": phrase("web.offline"),
    "too_fast": phrase("web.too-fast"),
    "not_sent": phrase("web.not-sent"),
    "privacy": phrase("web.privacy"),
    "imprint": phrase("web.imprint"),
    "accessibility": phrase("web.accessibility"),
    "no_script": phrase("web.no-script"),
    "skip": phrase("web.skip"),
    "menu": phrase("button.menu"),
    "again": phrase("web.again"),
}
LEGAL = {
    "privacy": phrase("web.privacy"),
    "imprint": phrase("web.imprint"),
    "accessibility": phrase("web.accessibility"),
}


class Pages:
    """Renders templates in the reader's language."""

    def __init__(self, app: App, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        folder = Path(str(files("bot.web"))) / "templates"
        self.templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined
        )

    def routes(self) -> list[web.RouteDef]:
        return [web.get(f"/{name}", self.legal) for name in LEGAL]

    def word(self, language: str, key: Phrase) -> str:
        """One of the page's own sentences."""
        return self.app.voice.catalogs.text(language, key)

    def language(self, request: web.Request) -> str:
        """The reader's: asked for in the address, else the browser's, else the town's first."""
        spoken = self.app.knowledge.town.languages
        wanted = [request.query.get("lang", "")]
        wanted += [p.split(";")[0].strip() for p in request.headers.get("Accept-Language", "").split(",")]
        for tag in wanted:
            code = tag.split("-")[0].lower()
            if code in spoken:
                return code
        return spoken[0]

    def chat_strings(self) -> dict[str, Any]:
        """The chat's words by language, with the direction of writing."""
        return {
            code: {
                "direction": LANGUAGES[code].direction,
                **{name: self.word(code, key) for name, key in CHAT_WORDS.items()},
            }
            for code in self.app.knowledge.town.languages
        }

    def html(self, request: web.Request, template: str, status: int = 200, **values: Any) -> web.Response:
        """A page from a template."""
        language = values.pop("language", None) or self.language(request)
        text = self.templates.get_template(template).render(
            language=language,
            direction=LANGUAGES[language].direction,
            words={name: self.word(language, key) for name, key in CHAT_WORDS.items()},
            town=self.app.knowledge.town,
            **values,
        )
        return web.Response(text=text, content_type="text/html", status=status)

    async def legal(self, request: web.Request) -> web.Response:
        """Privacy, imprint, accessibility: the operator's text in the reader's language, else German."""
        name = request.path.strip("/")
        language = self.language(request)
        folder = self.settings.knowledge / "towns" / self.settings.town / "legal"
        paths = [folder / f"{name}.{code}.md" for code in (language, "de")]
        path = next((p for p in paths if p.is_file()), None)
        body = MarkdownIt("commonmark", {"html": False}).render(path.read_text(encoding="utf-8")) if path else None
        written = "de" if path is not None and path == paths[1] else language
        notice = None
        if written != language:
            notice = self.word(language, phrase("render.notice.fallback", language=LANGUAGES[written].name))
        return self.html(
            request,
            "legal.html",
            heading=self.word(language, LEGAL[name]),
            body=body,
            written=written,
            written_direction=LANGUAGES[written].direction,
            notice=notice,
            missing=self.word(language, phrase("web.not-written")),
        )
