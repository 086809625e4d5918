"""The web server: chat, desk, legal pages, health, and the door for Telegram's webhook."""

from __future__ import annotations

import logging
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from bot.app import App
from bot.settings import Settings
from bot.web import chat, desk, health, pages
from bot.web.channel import WebChannel
from bot.web.security import MAX_BODY, Guard

APP: web.AppKey[App] = web.AppKey("app", App)
STATIC = Path(str(files("bot.web"))) / "static"


class WebServer:
    """Everything that is reached over HTTP, on one port."""

    def __init__(self, app: App, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.channel = WebChannel()
        self.guard = Guard(settings)
        self.pages = pages.Pages(app, settings)
        self.port = settings.port
        self._runner: web.AppRunner | None = None

    def application(self) -> web.Application:
        """The routes, for the server and for tests."""
        application = web.Application(middlewares=[self.guard.middleware], client_max_size=MAX_BODY)
        page = self.pages
        application.add_routes(page.routes())
        application.add_routes(chat.ChatPages(self.app, self.guard, page).routes())
        application.add_routes(desk.DeskPages(self.app, self.guard, page).routes())
        application.add_routes(health.Health(self.app).routes())
        application.router.add_static("/static/", STATIC)
        telegram = self.app.channels.get("telegram")
        path = getattr(telegram, "webhook_path", None)
        if path and self.settings.telegram_mode == "webhook":
            application.router.add_post(path, self._telegram)
        return application

    async def _telegram(self, request: web.Request) -> web.Response:
        """An update by webhook: confirmed only after it is in the inbox."""
        channel = self.app.channels["telegram"]
        status = await channel.handle_webhook(  # type: ignore[attr-defined]
            await request.read(), request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        )
        return web.Response(status=status)

    async def start(self) -> None:
        """Listen; SettingsError when the address is taken."""
        logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it logs addresses; the guard says what failed
        self._runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.settings.host, self.settings.port)
        try:
            await site.start()
        except OSError as error:
            from bot.errors import SettingsError

            raise SettingsError(
                f"cannot listen on {self.settings.host}:{self.settings.port} ({error.strerror}); "
                "stop what uses it, or set LOTSE_PORT"
            ) from error
        addresses = self._runner.addresses
        if addresses:
            self.port = int(addresses[0][1])

    async def stop(self) -> None:
        """Close every connection."""
        self.channel.closing.set()
        async with self.app.changed:
            self.app.changed.notify_all()
        if self._runner is not None:
            await self._runner.cleanup()
