"""Browsers: which peer of the web chat a browser's token stands for, for as long as it may."""

from __future__ import annotations

import datetime as dt
import secrets

from sqlalchemy import bindparam, delete, exists, literal_column, select, update

from db import retention
from db.codec import Codec
from db.inbox import enqueue
from db.records import address_key
from db.sql import Insert, Statement, Tx, micros
from db.tables import CLOSED, PURGED, conversations, tickets, web_sessions
from db.withdraw import withdrawing
from flows.core.events import Address, PersonLeft

_PEER_BYTES = 16

_FIND = Statement(
    select(web_sessions.c.peer, web_sessions.c.keep).where(
        web_sessions.c.hash == bindparam("token"), web_sessions.c.expires_at > bindparam("now")
    )
)
_WRITE = Insert(
    web_sessions,
    ("hash", "peer", "conversation", "keep", "expires_at"),
    key=("hash",),
    update={name: lambda new, name=name: new[name] for name in ("peer", "conversation", "keep", "expires_at")},
)
_END = Statement(
    delete(web_sessions)
    .where(web_sessions.c.hash == bindparam("token"))
    .returning(web_sessions.c.peer, web_sessions.c.conversation)
)
_IN_CASE = Statement(
    select(conversations.c.id).where(
        conversations.c.id == bindparam("of"),
        exists(
            select(tickets.c.number).where(
                tickets.c.conversation == conversations.c.id, tickets.c.state.not_in([CLOSED, PURGED])
            )
        ),
    )
)
_ENDS = Statement(
    update(conversations).where(conversations.c.id == bindparam("of")).values(expires_at=literal_column("0"))
)


async def session(tx: Tx, codec: Codec, token: str, now: dt.datetime, keep: bool, make: bool) -> str | None:
    """The peer of a browser's token; one that is not known is made with `make`, None without. It lives on with it."""
    key = codec.digest("web session", token)
    peer, kept = "", keep
    for sealed, was_kept in await tx.rows(_FIND, token=key, now=micros(now)):
        peer, kept = codec.open_text(f"web_session:{key}", sealed), keep or bool(was_kept)
    if not peer and not make:
        return None
    if not peer:
        await end_session(tx, codec, token, now)  # one that has expired
        peer = secrets.token_urlsafe(_PEER_BYTES)
    row = {
        "hash": key,
        "peer": codec.seal(f"web_session:{key}", peer),
        "conversation": address_key(codec, Address(channel="web", peer=peer)),
        "keep": kept,
        "expires_at": micros(now + (retention.WEB_SESSION_KEPT if kept else retention.WEB_SESSION)),
    }
    await tx.insert(_WRITE, [row])
    return peer


async def end_session(tx: Tx, codec: Codec, token: str, now: dt.datetime) -> None:
    """End a browser's session and forget its conversation; staff who have its case are told first."""
    key = codec.digest("web session", token)
    for sealed, lane in await tx.rows(_END, token=key):
        peer = codec.open_text(f"web_session:{key}", sealed)
        if await tx.rows(_IN_CASE, of=lane):
            left = PersonLeft(id=f"web:{peer}:left", at=now, source=Address(channel="web", peer=peer))
            await enqueue(tx, codec, [(left, lane)])
            await tx.run(_ENDS, of=lane)
        else:
            await retention.forget(tx, [lane], now, withdrawing(codec, now))
