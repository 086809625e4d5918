"""Requests to a homeserver, each tried once: what fails is raised at once, and trying again is others' business."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError
from nio import AsyncClient, AsyncClientConfig, ErrorResponse
from nio.store import SqliteStore
from peewee import SqliteDatabase

from bot.errors import SendError

REQUEST_SECONDS = 30
UPLOAD_SECONDS = 120

NETWORK = (ClientError, TimeoutError, asyncio.TimeoutError, OSError)
"""What is raised when the homeserver cannot be reached."""


class MatrixError(Exception):
    """The homeserver answered with an error."""

    def __init__(self, code: str, retry_after: float | None = None, session: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after  # seconds
        self.session = session  # to be named when the password is given, which is what it asks for


def answered(response: Any) -> Any:
    """The response, or MatrixError when it is none."""
    if not isinstance(response, ErrorResponse):
        return response
    wait = response.retry_after_ms
    raise MatrixError(str(response.status_code or "M_UNKNOWN"), wait / 1000 if wait else None)


def send_error(error: MatrixError) -> SendError:
    """What the outbox has to know: whether it is worth another try, and when."""
    match error.code:
        case "M_LIMIT_EXCEEDED":
            return SendError(retryable=True, retry_after=error.retry_after or 5.0, reason="flood")
        case "M_FORBIDDEN" | "M_USER_DEACTIVATED":
            return SendError(retryable=False, reason="blocked")
        case "M_NOT_FOUND":
            return SendError(retryable=False, reason="gone")
        case "M_TOO_LARGE" | "M_BAD_JSON" | "M_NOT_JSON" | "M_INVALID_PARAM":
            return SendError(retryable=False, reason="refused")
    return SendError(retryable=True, reason=error.code)


class KeyFile(SqliteStore):  # type: ignore[misc]
    """nio's file of keys, with a write-ahead log."""

    def _create_database(self) -> SqliteDatabase:
        pragmas = {"foreign_keys": 1, "secure_delete": 1, "journal_mode": "wal", "synchronous": "full"}
        return SqliteDatabase(self.database_path, pragmas=pragmas)


class Requests(AsyncClient):  # type: ignore[misc]
    """A login, and requests made with it; without a folder nothing encrypted can be read or written."""

    def __init__(
        self, homeserver: str, user: str = "", device: str = "", *, folder: str = "", file: str = "", key: str = ""
    ) -> None:
        config = AsyncClientConfig(
            max_limit_exceeded=0,
            max_timeouts=0,
            request_timeout=REQUEST_SECONDS,
            store=KeyFile,
            store_sync_tokens=False,
            store_name=file,
            pickle_key=key,
        )
        super().__init__(homeserver, user, device, folder, config)

    @property
    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}

    async def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One request below /_matrix/client; MatrixError when it is refused."""
        data = None if body is None else json.dumps(body)
        headers = {**self._bearer, "Content-Type": "application/json"}
        answer = await self.send(method, f"/_matrix/client{path}", data, headers)
        try:
            found = await answer.json(content_type=None)
        except ValueError:
            found = {}
        found = found if isinstance(found, dict) else {}
        if answer.status < 300:
            return found
        wait = found.get("retry_after_ms")
        code = str(found.get("errcode") or f"HTTP {answer.status}")
        raise MatrixError(code, wait / 1000 if wait else None, found.get("session"))

    async def media(self, server: str, media: str, limit: int) -> bytes:
        """The bytes of an uploaded file; SendError when there are more than `limit`."""
        path = f"/_matrix/client/v1/media/download/{quote(server, safe='')}/{quote(media, safe='')}"
        headers = self._bearer
        answer = await self.send("GET", path, None, headers, None, UPLOAD_SECONDS)
        if answer.status >= 300:
            answer.release()
            codes = {403: "M_FORBIDDEN", 404: "M_NOT_FOUND", 429: "M_LIMIT_EXCEEDED"}
            raise MatrixError(codes.get(answer.status, f"HTTP {answer.status}"))
        data = bytearray()
        async for chunk in answer.content.iter_chunked(1 << 16):
            data += chunk
            if len(data) > limit:
                answer.close()
                raise SendError(retryable=False, reason="too-big")
        return bytes(data)

    async def put_media(self, data: bytes, mime: str) -> str:
        """Upload a file; where it lies."""
        headers = {**self._bearer, "Content-Type": mime}
        answer = await self.send("POST", "/_matrix/media/v3/upload", data, headers, None, UPLOAD_SECONDS)
        found = await answer.json(content_type=None)
        if answer.status >= 300 or "content_uri" not in found:
            raise MatrixError(str(found.get("errcode") or f"HTTP {answer.status}"))
        return str(found["content_uri"])
