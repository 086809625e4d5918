"""Whether the program lives and can work, for supervisors and for metrics; no personal data."""

from __future__ import annotations

import ipaddress

from aiohttp import web

from bot.app import App


class Health:
    """The handlers of health and metrics."""

    def __init__(self, app: App) -> None:
        self.app = app

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/healthz", self.healthz), web.get("/metrics", self.metrics)]

    async def healthz(self, request: web.Request) -> web.Response:
        """200 when the store answers, 503 otherwise."""
        try:
            await self.app.store.figures()
        except Exception as error:
            return web.json_response({"live": True, "ready": False, "reason": type(error).__name__}, status=503)
        return web.json_response({"live": True, "ready": True})

    async def metrics(self, request: web.Request) -> web.Response:
        """Queue lengths and ages in Prometheus' text form, to this machine only."""
        try:
            local = ipaddress.ip_address(request.remote or "").is_loopback
        except ValueError:
            local = False
        if not local:
            raise web.HTTPNotFound()
        figures = await self.app.store.figures()
        lines = [f"lotse_{name} {value:g}" for name, value in sorted(figures.items())]
        for channel in self.app.channels.values():
            ignored: dict[str, int] = getattr(channel, "ignored", {})
            lines += [
                f'lotse_ignored{{channel="{channel.name}",why="{why}"}} {n}' for why, n in sorted(ignored.items())
            ]
        return web.Response(text="\n".join(lines) + "\n", content_type="text/plain")
