"""What every page and request has to keep to: headers, hosts, origins, sizes and rates."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from bot.settings import Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)

MAX_BODY = 64 * 1024
LARGEST_ROW = 2**63 - 1
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Refuses what does not come from our own pages, and what comes too fast."""

    def __init__(self, settings: Settings) -> None:
        self.public = urlsplit(settings.public_url) if settings.public_url else None
        self.proxies = [ipaddress.ip_network(p.strip()) for p in settings.trusted_proxies.split(",") if p.strip()]
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Host and Origin are checked before, the headers are put on after every handler.

        A handler that fails is logged by place, without the address and the words of who asked (promise 11).
        """
        try:
            self._check(request)
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise
        except ConnectionError:
            raise  # the browser went away
        except Exception as error:
            frame = error.__traceback__
            while frame is not None and frame.tb_next is not None:
                frame = frame.tb_next
            place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "?"
            log.error("a request raised %s at %s", type(error).__name__, place)
            raise web.HTTPInternalServerError(text="Something went wrong here.\n", headers=HEADERS) from None
        if not response.prepared:
            response.headers.update(HEADERS)
            if "Cache-Control" not in response.headers:
                response.headers["Cache-Control"] = "no-store"
        return response

    def _check(self, request: web.Request) -> None:
        if not self.host_is_ours(request) and not request.path.startswith(("/healthz", "/telegram/")):
            raise web.HTTPMisdirectedRequest(text="This address is not served here.\n")
        if request.method == "POST" and not request.path.startswith("/telegram/") and not self.origin_is_ours(request):
            raise web.HTTPForbidden(text="This request does not come from this page.\n")

    def host_is_ours(self, request: web.Request) -> bool:
        """The public host, or a name of this machine: so that a foreign name pointed here opens nothing."""
        try:
            host = (urlsplit(f"//{request.host}").hostname or "").lower()
        except ValueError:
            return False
        if self.public is not None and host == (self.public.hostname or "").lower():
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def origin_is_ours(self, request: web.Request) -> bool:
        """A form or a script of another site carries another origin."""
        origin = request.headers.get("Origin")
        if origin is None:
            return request.headers.get("Sec-Fetch-Site") in ("same-origin", None) and "Referer" not in request.headers
        if self.public is not None and origin == f"{self.public.scheme}://{self.public.netloc}":
            return True
        try:
            return urlsplit(origin).netloc == request.host
        except ValueError:
            return False

    @property
    def secure(self) -> bool:
        """Whether cookies may only travel over https."""
        return self.public is not None and self.public.scheme == "https"

    def client(self, request: web.Request) -> str:
        """Where a request comes from; a proxy's word is taken only when the operator trusts that proxy."""
        peer = request.remote or "?"
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
        try:
            trusted = any(ipaddress.ip_address(peer) in net for net in self.proxies)
        except ValueError:
            trusted = False
        return forwarded if trusted and forwarded else peer

    def allow(self, key: str, times: int, seconds: float = 60.0) -> None:
        """Let through at most `times` in `seconds` for one key; HTTPTooManyRequests otherwise."""
        now = time.monotonic()
        stamps = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while stamps and stamps[0] < now - seconds:
            stamps.popleft()
        if len(stamps) >= times:
            raise web.HTTPTooManyRequests(text="Too many requests; please wait a minute.\n")
        stamps.append(now)
        while len(self._seen) > 10_000:
            self._seen.popitem(last=False)


def row_number(written: str) -> int:
    """The number of a row as a browser sends it back; HTTPBadRequest for anything else."""
    if not written.isascii() or not written.isdecimal() or int(written[:20]) > LARGEST_ROW:
        raise web.HTTPBadRequest(text="This is not the number of anything here.\n")
    return int(written)
