"""Telegram's HTTP requests, nothing of them in any log: words over lean connections, files through aiohttp."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import orjson
from telegram.error import BadRequest, NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

from bot.channels.lean_http import BrokenError, LeanClient, Patience, TooLongError

CONNECTIONS = 48
"""At most so many requests at once, the long poll included."""

READ_SECONDS = 20.0
CONNECT_SECONDS = 10.0
POOL_SECONDS = 30.0
SMALL = 1 << 20
FILE_BYTES = 20 * 1024 * 1024
"""What a bot may fetch; no answer is longer."""


class Flood(TelegramError):
    """Too many requests: Telegram wants `seconds` of silence.

    It stands in for PTB's RetryAfter, whose seconds cannot be read without a deprecation warning.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("Flood control exceeded")
        self.seconds = seconds


def read_json(body: bytes) -> Any:
    """The JSON in what a vendor sent, half surrogate pairs and bytes that are no text included; ValueError for none."""
    try:
        return orjson.loads(body)
    except ValueError:
        return json.loads(body.decode("utf-8", "replace"))


class AiohttpRequest(BaseRequest):
    """PTB's public extension point for HTTP."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._lean = LeanClient(CONNECTIONS, FILE_BYTES)
        self.server_date: str | None = None  # the Date header of the last answer

    @property
    def read_timeout(self) -> float:
        return READ_SECONDS

    async def initialize(self) -> None:
        """Open the pool; done by the first request too."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))

    async def shutdown(self) -> None:
        """Close the pools for good."""
        self._lean.close()
        if self._session is not None:
            await self._session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Status and body; TimedOut, NetworkError, Flood, or BadRequest for a body that is too big.

        Messages of the errors name classes only: an address has the token in it.
        """
        patience = Patience(
            pool=_seconds(pool_timeout, POOL_SECONDS),
            connect=_seconds(connect_timeout, CONNECT_SECONDS),
            read=_seconds(read_timeout, READ_SECONDS),
        )
        try:
            if method == "POST" and request_data is not None and not request_data.contains_files:
                found = await self._lean.post(url, _written(request_data.json_parameters), patience)
                status, answer, self.server_date = found.status, found.body, found.date
            else:
                status, answer = await self._general(url, method, request_data, patience)
        except TimeoutError as error:
            raise TimedOut(type(error).__name__) from None
        except TooLongError:
            raise BadRequest("file is too big") from None
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError, BrokenError, RuntimeError) as error:
            raise NetworkError(type(error).__name__) from None  # RuntimeError: the pool is closed
        if status >= 400 and (seconds := _retry_after(answer)) is not None:
            raise Flood(seconds)
        return status, answer

    async def _general(self, url: str, method: str, data: RequestData | None, patience: Patience) -> tuple[int, bytes]:
        """Files, there and back."""
        await self.initialize()
        assert self._session is not None
        timeout = aiohttp.ClientTimeout(
            total=None, connect=patience.pool, sock_connect=patience.connect, sock_read=patience.read
        )
        async with self._session.request(method, url, data=_form(data), timeout=timeout) as response:
            self.server_date = response.headers.get("Date")
            return response.status, await _answer(response)

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The answer's JSON. PTB's own would log what it cannot read, and people's words with it."""
        try:
            data = read_json(payload)
        except ValueError:
            raise TelegramError("Invalid server response") from None
        if not isinstance(data, dict) or ("result" not in data and data.get("ok") is not False):
            raise TelegramError("Invalid server response")
        return data


def _seconds(value: Any, default: float) -> float | None:
    return default if value is BaseRequest.DEFAULT_NONE else value


def _form(data: RequestData | None) -> aiohttp.FormData | None:
    if data is None:
        return None
    form = aiohttp.FormData(quote_fields=False)  # Telegram shows a file's name as it comes, %C3%BC included
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, mime) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=mime)
    return form


def _written(parameters: dict[str, str]) -> bytes:
    """JSON: percent signs would make an Arabic text three times as long."""
    try:
        return orjson.dumps(parameters)
    except TypeError:  # half a surrogate pair
        return json.dumps(parameters, ensure_ascii=False).encode("utf-8", "replace")


async def _answer(response: aiohttp.ClientResponse) -> bytes:
    if (response.content_length or FILE_BYTES) < SMALL:
        return await response.read()
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > FILE_BYTES:
            raise BadRequest("file is too big")
    return bytes(body)


def _retry_after(body: bytes) -> float | None:
    try:
        return float(orjson.loads(body)["parameters"]["retry_after"])
    except (ValueError, KeyError, TypeError):
        return None
