"""What the Matrix channel itself must remember, beside the keys: a small file in the data folder.

It holds no message: an event that could not be read yet stays encrypted as it came. Who a room belongs to is a keyed
hash and a sealed id, as in the database. Each call is one durable transaction.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryptography.fernet import Fernet, InvalidToken

from bot.errors import SettingsError

RoomKind = Literal["direct", "case", "left"]

GONE_DAYS = 400
WAITING_DAYS = 30

_TABLES = """
CREATE TABLE IF NOT EXISTS session (one INTEGER PRIMARY KEY CHECK (one = 1), body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS signing (one INTEGER PRIMARY KEY CHECK (one = 1), body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS rooms (
    room TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, sealed BLOB NOT NULL, used INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS rooms_of ON rooms (owner, used);
CREATE TABLE IF NOT EXISTS invites (room TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS waiting (
    event TEXT PRIMARY KEY, room TEXT NOT NULL, session TEXT NOT NULL, body BLOB NOT NULL, at REAL NOT NULL,
    told INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS gone (thread TEXT PRIMARY KEY, ticket INTEGER, at REAL NOT NULL);
"""


@dataclass(frozen=True, kw_only=True)
class Session:
    """A login: kept so that a restart is the same device."""

    homeserver: str
    user: str
    device: str
    token: str
    before: str = ""  # the device that this one took the place of


@dataclass(frozen=True, kw_only=True)
class KnownRoom:
    """A room the bot has been in."""

    room: str
    kind: RoomKind
    owner: str  # the person's id; of a case room ""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """An encrypted event whose key has not come yet."""

    event: str
    room: str
    session: str
    source: dict[str, Any]  # still encrypted
    at: dt.datetime  # when it came here
    told: bool  # the person knows that it could not be read


class MatrixState:
    """The file; `key` is the secret key that everything stored is sealed with."""

    def __init__(self, folder: Path, key: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "channel.db"
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._key = hmac.new(key, b"lotse matrix state", hashlib.sha256).digest()
        self._seal = Fernet(urlsafe_b64encode(self._key))
        self._rows = sqlite3.connect(path, isolation_level=None, timeout=10)
        self._rows.execute("PRAGMA journal_mode=WAL")
        self._rows.execute("PRAGMA synchronous=FULL")
        self._rows.execute("PRAGMA secure_delete=ON")
        self._rows.executescript(_TABLES)
        self._forms: dict[str, KnownRoom | None] = {}

    def close(self) -> None:
        self._rows.close()

    # ---- the login ----

    def session(self) -> Session | None:
        """The login that is kept; SettingsError when another key sealed it."""
        row = self._rows.execute("SELECT body FROM session").fetchone()
        return Session(**self._open(row[0])) if row else None

    def keep_session(self, session: Session | None) -> None:
        """Keep a login, or forget the one there is."""
        if session is None:
            self._rows.execute("DELETE FROM session")
        else:
            self._rows.execute("INSERT OR REPLACE INTO session VALUES (1, ?)", [self._sealed(vars(session))])

    def signing_keys(self) -> dict[str, str] | None:
        """The account's own signing keys, as hexadecimal seeds by usage."""
        row = self._rows.execute("SELECT body FROM signing").fetchone()
        return self._open(row[0]) if row else None

    def keep_signing_keys(self, keys: dict[str, str]) -> None:
        self._rows.execute("INSERT OR REPLACE INTO signing VALUES (1, ?)", [self._sealed(keys)])

    # ---- rooms ----

    def room(self, room: str) -> KnownRoom | None:
        """What is known about a room."""
        if room not in self._forms:
            row = self._rows.execute("SELECT kind, sealed FROM rooms WHERE room = ?", [room]).fetchone()
            self._forms[room] = KnownRoom(room=room, kind=row[0], owner=self._open(row[1])["id"]) if row else None
        return self._forms[room]

    def keep_room(self, room: str, kind: RoomKind, owner: str = "") -> KnownRoom:
        """Remember what a room is. The one kept last is where its owner is written to."""
        latest = self._rows.execute("SELECT coalesce(max(used), 0) + 1 FROM rooms").fetchone()[0]
        self._rows.execute(
            "INSERT OR REPLACE INTO rooms VALUES (?, ?, ?, ?, ?)",
            [room, kind, self._hash(owner), self._sealed({"id": owner}), latest],
        )
        self._forms[room] = known = KnownRoom(room=room, kind=kind, owner=owner)
        return known

    def used(self, room: str) -> None:
        """A person wrote in this room: answers go there from now on."""
        known = self.room(room)
        if known is not None and known.kind == "direct" and self.direct_room(known.owner) != room:
            self.keep_room(room, "direct", known.owner)

    def direct_room(self, owner: str) -> str | None:
        """Where that person is written to."""
        rows = self._rows.execute(
            "SELECT room FROM rooms WHERE owner = ? AND kind = 'direct' ORDER BY used DESC LIMIT 1", [self._hash(owner)]
        )
        for (room,) in rows:
            return str(room)
        return None

    def has_other_room(self, owner: str, room: str) -> bool:
        """Whether that person can also be reached in another room."""
        rows = self._rows.execute(
            "SELECT 1 FROM rooms WHERE owner = ? AND kind = 'direct' AND room <> ?", [self._hash(owner), room]
        )
        return rows.fetchone() is not None

    def forget_room(self, room: str) -> None:
        """The bot is no longer there, and nothing about it is kept."""
        self._rows.execute("DELETE FROM rooms WHERE room = ?", [room])
        self._rows.execute("DELETE FROM waiting WHERE room = ?", [room])
        self._rows.execute("DELETE FROM invites WHERE room = ?", [room])
        self._rows.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._forms.pop(room, None)

    # ---- invitations not yet answered ----

    def invited(self, room: str) -> None:
        self._rows.execute("INSERT OR IGNORE INTO invites VALUES (?)", [room])

    def invites(self) -> list[str]:
        """Rooms to be joined, oldest invitation first."""
        return [room for (room,) in self._rows.execute("SELECT room FROM invites ORDER BY rowid")]

    def answered(self, room: str) -> None:
        self._rows.execute("DELETE FROM invites WHERE room = ?", [room])

    # ---- events without a key ----

    def wait_for_key(self, event: str, room: str, session: str, source: Mapping[str, Any], at: dt.datetime) -> bool:
        """Keep an event until its key comes; whether it is new here."""
        done = self._rows.execute(
            "INSERT OR IGNORE INTO waiting (event, room, session, body, at) VALUES (?, ?, ?, ?, ?)",
            [event, room, session, self._sealed(dict(source)), at.timestamp()],
        )
        return done.rowcount > 0

    def waiting(self) -> list[Waiting]:
        """Events whose key has not come, oldest first."""
        rows = self._rows.execute("SELECT event, room, session, body, at, told FROM waiting ORDER BY at, rowid")
        return [
            Waiting(
                event=event,
                room=room,
                session=session,
                source=self._open(body),
                at=dt.datetime.fromtimestamp(at, dt.UTC),
                told=bool(told),
            )
            for event, room, session, body, at, told in rows
        ]

    def told(self, session: str) -> None:
        """The person has been told about this session."""
        self._rows.execute("UPDATE waiting SET told = 1 WHERE session = ?", [session])

    def arrived(self, event: str) -> None:
        """No longer waiting: read, withdrawn, or given up."""
        self._rows.execute("DELETE FROM waiting WHERE event = ?", [event])

    # ---- threads somebody deleted ----

    def thread_gone(self, thread: str, at: dt.datetime) -> None:
        """Somebody deleted this message or room; if a case hung on it, it needs another."""
        self._rows.execute("INSERT OR IGNORE INTO gone VALUES (?, NULL, ?)", [thread, at.timestamp()])

    def is_gone(self, thread: str, ticket: int) -> bool:
        """Whether that case's thread was deleted; from then on it counts for the case."""
        done = self._rows.execute("UPDATE gone SET ticket = ? WHERE thread = ?", [ticket, thread])
        return done.rowcount > 0

    def times_gone(self, ticket: int) -> int:
        """How often a thread of this case was deleted, so that the next one is another."""
        count: int = self._rows.execute("SELECT count(*) FROM gone WHERE ticket = ?", [ticket]).fetchone()[0]
        return count

    def tidy(self, now: dt.datetime) -> None:
        """Remove what is of no more use."""
        old = now - dt.timedelta(days=GONE_DAYS)
        self._rows.execute("DELETE FROM gone WHERE at < ?", [old.timestamp()])
        old = now - dt.timedelta(days=WAITING_DAYS)
        self._rows.execute("DELETE FROM waiting WHERE at < ?", [old.timestamp()])

    # ---- sealing ----

    def derived(self, purpose: str) -> str:
        """A secret of this installation for one purpose."""
        return hmac.new(self._key, purpose.encode(), hashlib.sha256).hexdigest()

    def _hash(self, text: str) -> str:
        return self.derived(f"owner {text}") if text else ""

    def _sealed(self, value: dict[str, Any]) -> bytes:
        return self._seal.encrypt(json.dumps(value).encode())

    def _open(self, sealed: bytes) -> dict[str, Any]:
        try:
            value: dict[str, Any] = json.loads(self._seal.decrypt(sealed))
        except InvalidToken:
            raise SettingsError(
                "the Matrix login in the data folder was sealed with another key; put the key back "
                "(LOTSE_SECRET_KEY or secret.key), or remove the folder `matrix` there to log in as a new device"
            ) from None
        return value
