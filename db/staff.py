"""Staff: members, the codes with which they join, and the links and sessions with which they enter the web desk."""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select

from db import retention
from db.codec import Codec
from db.sql import Insert, Row, Statement, Tx, among, micros
from db.store import Member, Role
from db.tables import desk_sessions, join_codes, links, member_addresses, members
from flows.core.events import Address

TOKEN_BYTES = 32
_CODE_BYTES = 10  # 80 bits, sixteen letters

_COLUMNS = select(members.c.number, members.c.hash, members.c.name, members.c.role, members.c.languages, members.c.wake)
_ALL = Statement(_COLUMNS)
_BY_NAME = Statement(_COLUMNS.where(members.c.hash == bindparam("called")))
_BY_NUMBER = Statement(_COLUMNS.where(members.c.number == bindparam("number")))
_ADDRESSES = Statement(
    select(member_addresses.c.member, member_addresses.c.id, member_addresses.c.address)
    .where(among(member_addresses.c.member, "of"))
    .order_by(member_addresses.c.id)
)
_ADD = Insert(members, ("hash", "name", "role", "languages", "wake"), key=("hash",))
_REMOVE = Statement(delete(members).where(members.c.number == bindparam("number")))
_REMOVE_WITH = [
    Statement(delete(table).where(table.c.member == bindparam("number")))
    for table in (member_addresses, join_codes, links, desk_sessions)
]
_NEW_CODE = Insert(join_codes, ("hash", "member", "spent", "expires_at"))
_NEW_LINK = Insert(links, ("hash", "member", "expires_at"))
_NEW_SESSION = Insert(desk_sessions, ("hash", "member", "expires_at"))
_LINK = Statement(
    select(links.c.member).where(links.c.hash == bindparam("token"), links.c.expires_at > bindparam("now"))
)
_SPEND_LINK = Statement(
    delete(links)
    .where(links.c.hash == bindparam("token"), links.c.expires_at > bindparam("now"))
    .returning(links.c.member)
)
_SESSION = Statement(
    select(desk_sessions.c.member).where(
        desk_sessions.c.hash == bindparam("token"), desk_sessions.c.expires_at > bindparam("now")
    )
)
_END_SESSION = Statement(delete(desk_sessions).where(desk_sessions.c.hash == bindparam("token")))


def join_key(codec: Codec, code: str) -> str:
    """The hash by which a join code is found, however it was typed."""
    return codec.digest("join", code.strip().upper())


def _name_key(codec: Codec, name: str) -> str:
    return codec.digest("member", name)


async def _members(tx: Tx, codec: Codec, rows: Sequence[Row]) -> list[Member]:
    addresses: dict[int, list[Address]] = {}
    if rows:
        for member, key, sealed in await tx.rows(_ADDRESSES, of=sorted(row[0] for row in rows)):
            address = Address(**codec.open_json(f"member_address:{key}", sealed))
            addresses.setdefault(member, []).append(address)
    return [
        Member(
            id=number,
            name=codec.open_text(f"member:{key}", name),
            role=role,
            languages=tuple(languages.split()),
            wake=bool(wake),
            addresses=tuple(addresses.get(number, ())),
        )
        for number, key, name, role, languages, wake in rows
    ]


async def add_member(tx: Tx, codec: Codec, name: str, role: Role, languages: Sequence[str], wake: bool) -> Member:
    """A new member; ValueError when the name is taken."""
    key = _name_key(codec, name)
    row = {
        "hash": key,
        "name": codec.seal(f"member:{key}", name),
        "role": role,
        "languages": " ".join(languages),
        "wake": wake,
    }
    if not await tx.insert(_ADD, [row]):
        raise ValueError("a member of that name exists")
    return (await _members(tx, codec, await tx.rows(_BY_NAME, called=key)))[0]


async def all_members(tx: Tx, codec: Codec) -> list[Member]:
    """All members, by name."""
    return sorted(await _members(tx, codec, await tx.rows(_ALL)), key=lambda member: member.name)


async def remove_member(tx: Tx, codec: Codec, name: str) -> bool:
    """Take somebody off staff, with all that lets them in."""
    for number, *_ in await tx.rows(_BY_NAME, called=_name_key(codec, name)):
        for statement in (*_REMOVE_WITH, _REMOVE):
            await tx.run(statement, number=number)
        return True
    return False


async def _number(tx: Tx, codec: Codec, name: str) -> int:
    for number, *_ in await tx.rows(_BY_NAME, called=_name_key(codec, name)):
        return int(number)
    raise KeyError(name)


async def join_code(tx: Tx, codec: Codec, name: str, now: dt.datetime) -> str:
    """A code of 80 random bits, kept as a hash; KeyError when there is no such member."""
    code = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode()
    row = {
        "hash": join_key(codec, code),
        "member": await _number(tx, codec, name),
        "spent": False,
        "expires_at": micros(now + retention.JOIN_CODE),
    }
    await tx.insert(_NEW_CODE, [row])
    return code


async def desk_link(tx: Tx, codec: Codec, name: str, now: dt.datetime) -> str:
    """A one-time token of 256 bits, kept as a hash; KeyError when there is no such member."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = {
        "hash": codec.digest("link", token),
        "member": await _number(tx, codec, name),
        "expires_at": micros(now + retention.DESK_LINK),
    }
    await tx.insert(_NEW_LINK, [row])
    return token


async def _member(tx: Tx, codec: Codec, found: Sequence[Row]) -> Member | None:
    for (number,) in found:
        for member in await _members(tx, codec, await tx.rows(_BY_NUMBER, number=number)):
            return member
    return None


async def link_owner(tx: Tx, codec: Codec, token: str, now: dt.datetime) -> Member | None:
    """Whose link this is, without spending it."""
    return await _member(tx, codec, await tx.rows(_LINK, token=codec.digest("link", token), now=micros(now)))


async def spend_link(tx: Tx, codec: Codec, token: str, now: dt.datetime) -> tuple[Member, str] | None:
    """Spend a link: the member and a new desk session."""
    spent = await tx.rows(_SPEND_LINK, token=codec.digest("link", token), now=micros(now))
    member = await _member(tx, codec, spent)
    if member is None:
        return None
    session = secrets.token_urlsafe(TOKEN_BYTES)
    row = {
        "hash": codec.digest("desk session", session),
        "member": member.id,
        "expires_at": micros(now + retention.DESK_SESSION),
    }
    await tx.insert(_NEW_SESSION, [row])
    return member, session


async def desk_member(tx: Tx, codec: Codec, session: str, now: dt.datetime) -> Member | None:
    """The member whose desk session this is."""
    key = codec.digest("desk session", session)
    return await _member(tx, codec, await tx.rows(_SESSION, token=key, now=micros(now)))


async def end_desk_session(tx: Tx, codec: Codec, session: str) -> None:
    """Log out."""
    await tx.run(_END_SESSION, token=codec.digest("desk session", session))
