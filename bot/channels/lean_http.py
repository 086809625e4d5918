"""POST requests over connections that are kept: the little of HTTP that a Bot API needs, at a fifth of the cost.

A general client builds a dozen objects for each request; here it is one write and one answer, read by llhttp. What is
more than that (files, redirects, cookies, proxies) stays with aiohttp.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohappyeyeballs
import httptools

KEEP_SECONDS = 15.0
"""A connection that has rested longer is not used again: the other side may be about to close it."""

LATE_SECONDS = 1.0
"""A time-out heard so late says that this program was held up, not the other side: what came meanwhile is read."""

RACE_SECONDS = 0.25
"""After so long the next address of a host is tried beside the first."""


class BrokenError(Exception):
    """The connection ended before the answer was there, or what came is no HTTP."""


class TooLongError(Exception):
    """The answer is longer than allowed."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    date: str | None  # the header


@dataclass(frozen=True)
class Patience:
    """How many seconds to wait for a free connection, for a new one, and for the next bytes of the answer."""

    pool: float | None
    connect: float | None
    read: float | None


class LeanClient:
    """At most `connections` requests at once, `longest` bytes in an answer."""

    def __init__(self, connections: int, longest: int) -> None:
        self._longest = longest
        self._free = asyncio.Semaphore(connections)
        self._resting: dict[str, list[_Connection]] = {}  # by origin, who came back last at the end
        self._open: set[_Connection] = set()
        self._heads: dict[str, tuple[str, bytes]] = {}
        self._tls: ssl.SSLContext | None = None
        self._closed = False

    async def post(self, url: str, body: bytes, patience: Patience) -> Answer:
        """The answer; TimeoutError, OSError, BrokenError or TooLongError when there is none."""
        origin, head = self._head(url)
        if self._free.locked():
            async with asyncio.timeout(patience.pool):
                await self._free.acquire()
        else:
            await self._free.acquire()
        try:
            connection = self._rested(origin) or await self._connected(origin, patience)
            try:
                answer = await connection.ask(b"%b%d\r\n\r\n%b" % (head, len(body), body), patience.read)
            except BaseException:  # whoever waits no longer must not leave the answer to the next one
                connection.close()
                raise
            if connection.usable and not self._closed:
                self._resting.setdefault(origin, []).append(connection)
            else:
                connection.close()
            return answer
        finally:
            self._free.release()

    def close(self) -> None:
        """End all connections."""
        self._closed = True
        for connection in tuple(self._open):
            connection.close()
        self._resting.clear()

    def _head(self, url: str) -> tuple[str, bytes]:
        """The origin and all of the request that comes before the length."""
        found = self._heads.get(url)
        if found is None:
            parts = urlsplit(url)
            origin = f"{parts.scheme}://{parts.netloc}"
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            head = (
                f"POST {path} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nAccept: application/json\r\n"
                "User-Agent: Lotse\r\nContent-Type: application/json\r\nContent-Length: "
            )
            found = self._heads[url] = origin, head.encode("ascii")
        return found

    def _rested(self, origin: str) -> _Connection | None:
        resting = self._resting.get(origin)
        now = asyncio.get_running_loop().time()
        while resting:
            connection = resting.pop()
            if connection.usable and now - connection.since < KEEP_SECONDS:
                return connection
            connection.close()
        return None

    async def _connected(self, origin: str, patience: Patience) -> _Connection:
        if self._closed:
            raise BrokenError
        parts = urlsplit(origin)
        secure = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        if secure and self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        loop = asyncio.get_running_loop()
        for _ in range(2):
            due = loop.time() + (patience.connect or 0.0)
            try:
                return await self._connect(loop, host, port, secure, patience)
            except TimeoutError:
                if loop.time() < due + LATE_SECONDS:
                    raise
        raise TimeoutError

    async def _connect(
        self, loop: asyncio.AbstractEventLoop, host: str, port: int, secure: bool, patience: Patience
    ) -> _Connection:
        async with asyncio.timeout(patience.connect):
            addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            sock = await aiohappyeyeballs.start_connection(
                addresses, happy_eyeballs_delay=RACE_SECONDS, interleave=1, loop=loop
            )
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _, connection = await loop.create_connection(
                    lambda: _Connection(self._open, self._longest),
                    sock=sock,
                    ssl=self._tls if secure else None,
                    server_hostname=host if secure else None,
                )
            except BaseException:
                sock.close()
                raise
        return connection


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, among: set[_Connection], longest: int) -> None:
        self._among, self._longest = among, longest
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: asyncio.Future[Answer] | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._patience: float | None = None
        self._body: list[bytes] = []
        self._length = 0
        self._date: str | None = None
        self._ends: bool | None = None  # whether the answer itself says where it ends; None before its headers
        self.usable = True
        self.since = 0.0  # when it came to rest

    async def ask(self, request: bytes, patience: float | None) -> Answer:
        """Send a request and wait for its answer, `patience` seconds at most without any byte of it."""
        loop = asyncio.get_running_loop()
        assert self._transport is not None
        self._waiting, self._patience = loop.create_future(), patience
        self._body, self._length, self._date, self._ends = [], 0, None, None
        self._transport.write(request)
        self._listen(loop)
        try:
            return await self._waiting
        finally:
            self._waiting = None
            if self._silence is not None:
                self._silence.cancel()
            self.since = loop.time()

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._silence is not None:
            self._silence.cancel()
        if self._patience is None:
            self._silence = None
        else:
            self._silence = loop.call_later(self._patience, self._silent, loop, loop.time() + self._patience)

    def _silent(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        if loop.time() < due + LATE_SECONDS:
            self._fail(TimeoutError())
        else:
            self._silence = loop.call_later(LATE_SECONDS, self._fail, TimeoutError())

    def _fail(self, error: Exception) -> None:
        self.usable = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    # ---- what the event loop tells ----

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._among.add(self)

    def data_received(self, data: bytes) -> None:
        if self._waiting is None or self._waiting.done():  # nobody has asked
            self.close()
            return
        self._length += len(data)
        if self._length > self._longest:
            self._fail(TooLongError())
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(BrokenError())
            return
        if not self._waiting.done():
            self._listen(asyncio.get_running_loop())

    def connection_lost(self, error: Exception | None) -> None:
        self.usable = False
        self._among.discard(self)
        if error is None and self._ends is False:  # the end of the connection is the end of the answer
            self.on_message_complete()
        self._fail(BrokenError())

    # ---- what llhttp tells ----

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"date":
            self._date = value.decode("latin-1")
        elif name in (b"content-length", b"transfer-encoding"):
            self._ends = True

    def on_headers_complete(self) -> None:
        self._ends = bool(self._ends)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # only a hint: the answer comes after it
            self._ends = None
            return
        self.usable = self.usable and self._parser.should_keep_alive()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Answer(status=status, body=b"".join(self._body), date=self._date))
