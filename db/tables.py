"""The tables, the same on SQLite and PostgreSQL.

Two house rules: a column of bytes is sealed by the codec, and a column named `id`, `conversation`, `recipient`,
`lane`, `event` or `hash` is a keyed hash. What stands in plain is what staff or the program sort by: channel,
role, state, language, topic, case number, times. Times are microseconds since 1970 (UTC), so that both databases
compare them alike. `expires_at` is when the row may go; NULL means not yet.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    literal_column,
)

REVISIONS = ("0001", "0002", "0003")
"""The schema's history, oldest first; the last is what this program works with."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER counts up by itself on SQLite

# Constants of queries and partial indexes: as bound values SQLite could not use those indexes.
OPEN = literal_column("'open'", Text)
CLOSED = literal_column("'closed'", Text)
PURGED = literal_column("'purged'", Text)


def _count(name: str) -> Column[Any]:
    return Column(name, Number, primary_key=True, autoincrement=True)


def _key(name: str) -> Column[Any]:
    return Column(name, Text, primary_key=True)


def _text(name: str, null: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=null)


def _sealed(name: str, null: bool = False) -> Column[Any]:
    return Column(name, LargeBinary, nullable=null)


def _number(name: str, null: bool = False) -> Column[Any]:
    return Column(name, BigInteger, nullable=null)


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False)


def _expires(null: bool = True) -> Column[Any]:
    return Column("expires_at", BigInteger, nullable=null, index=True)


conversations = Table(
    "conversations",
    metadata,
    _key("id"),  # of channel and peer
    _sealed("address"),
    _sealed("state", null=True),  # NULL: something was accepted, nothing handled yet
    _number("version"),
    _number("ticket", null=True),  # the open or last case
    _expires(null=False),  # moves on with every event; 0: ended, goes as soon as nothing is open
)

inbox = Table(
    "inbox",
    metadata,
    _count("seq"),  # the order of arrival
    Column("id", Text, nullable=False, unique=True),  # stays after handling, so that a late duplicate is known
    _text("conversation"),  # the lane; empty once handled
    _text("origin"),  # person | desk | machine
    _number("ticket", null=True),  # of a desk event, found when it was accepted
    _sealed("payload", null=True),  # removed once handled
    _number("at"),
    _text("state"),  # open | done | failed
    _text("error", null=True),  # class of the exception of a failed step
    _expires(),  # NULL while open: nothing is lost
    sqlite_autoincrement=True,
)
Index(
    "ix_inbox_waiting",
    inbox.c.conversation,
    inbox.c.seq,
    sqlite_where=inbox.c.state != literal_column("'done'"),
    postgresql_where=inbox.c.state != literal_column("'done'"),
)
Index(
    "ix_inbox_open",
    inbox.c.conversation,
    inbox.c.seq,
    sqlite_where=inbox.c.state == OPEN,
    postgresql_where=inbox.c.state == OPEN,
)

Index(
    "ix_inbox_arrival",
    inbox.c.seq,
    sqlite_where=inbox.c.state == OPEN,
    postgresql_where=inbox.c.state == OPEN,
)

outbox = Table(
    "outbox",
    metadata,
    _count("row"),  # the order of sending, and a web browser's cursor
    Column("id", Text, nullable=False, unique=True),
    Column("event", Text, nullable=False, index=True),  # whose effect it is
    Column(
        "conversation", Text, nullable=False, index=True
    ),  # which hears of failure, and takes it along when forgotten
    _text("lane"),  # recipient and case or thread: in order within
    Column("recipient", Text, nullable=False, index=True),
    _text("channel"),
    _text("role"),
    _number("ticket", null=True),
    _sealed("payload", null=True),  # removed once sent, but kept for a browser's cursor and for a brief
    _sealed("external", null=True),  # the vendor's ids of what was sent, to correct or withdraw it
    _text("state"),  # open | sent | failed
    _flag("forget"),  # remove the row as soon as it is sent
    _number("attempt"),
    _number("due_at"),  # 0: at once
    _number("leased_until", null=True),  # another process is sending it
    _number("at"),
    _expires(),  # NULL while open
    _number("urgency"),  # 0 crisis, 1 to a person, 2 to staff
    sqlite_autoincrement=True,
)
Index(
    "ix_outbox_due",
    outbox.c.urgency,
    outbox.c.row,
    sqlite_where=outbox.c.state == OPEN,
    postgresql_where=outbox.c.state == OPEN,
)
Index(
    "ix_outbox_open",
    outbox.c.lane,
    outbox.c.row,
    sqlite_where=outbox.c.state == OPEN,
    postgresql_where=outbox.c.state == OPEN,
)
Index("ix_outbox_ticket", outbox.c.ticket, outbox.c.role)

sent_messages = Table(  # which of our messages a reply in a staff room points at; goes with its case
    "sent_messages",
    metadata,
    _key("recipient"),
    _key("hash"),  # of the vendor's message id
    Column("ticket", BigInteger, nullable=False, index=True),
    _text("role"),
)

cursors = Table(  # no expires_at: one row for each account the bot reads with, nobody's data
    "cursors",
    metadata,
    _key("name"),
    _text("value"),
)

timers = Table(  # no expires_at: goes with its conversation, or when it fires
    "timers",
    metadata,
    _key("conversation"),
    _key("name"),
    Column("at", BigInteger, nullable=False, index=True),
)

ticket_numbers = Table(  # no expires_at: a number is never given twice, and says nothing
    "ticket_numbers",
    metadata,
    _count("number"),
    Column("effect", Text, nullable=False, unique=True),
    sqlite_autoincrement=True,
)

tickets = Table(
    "tickets",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("conversation", Text, nullable=True, index=True),  # NULL once purged
    _text("state"),  # open | claimed | waiting-person | waiting-staff | closed | purged
    _text("language"),
    _text("topic", null=True),
    _flag("urgent"),
    _flag("discreet"),
    _number("member", null=True),
    _text("outcome", null=True),
    _text("origin"),  # the person's channel
    _number("opened_at"),
    _number("changed_at"),
    _expires(),  # set when closed; a purged case keeps its number and nothing else
)

ticket_steps = Table(  # each state of a case with time and who; goes with its case
    "ticket_steps",
    metadata,
    _count("row"),
    Column("ticket", BigInteger, nullable=False, index=True),
    _text("state"),
    _number("at"),
    _number("member", null=True),
    sqlite_autoincrement=True,
)

entries = Table(  # what staff read; goes with its case
    "entries",
    metadata,
    _count("row"),
    Column("id", Text, nullable=False, unique=True),
    Column("ticket", BigInteger, nullable=False, index=True),
    _text("event"),
    _text("role"),
    _sealed("payload"),
    _number("at"),
    sqlite_autoincrement=True,
)

threads = Table(  # which thread of a staff room belongs to a case; goes with its case
    "threads",
    metadata,
    Column("ticket", BigInteger, primary_key=True, autoincrement=False),
    _key("recipient"),
    _sealed("thread"),
    Column("hash", Text, nullable=False, index=True),  # of the thread
)

members = Table(  # no expires_at: somebody is on staff until they are removed
    "members",
    metadata,
    _count("number"),
    Column("hash", Text, nullable=False, unique=True),  # of the name
    _sealed("name"),
    _text("role"),  # coordinator | member | mediator
    _text("languages"),  # with spaces between
    _flag("wake"),
    sqlite_autoincrement=True,
)

member_addresses = Table(  # no expires_at: goes with the member
    "member_addresses",
    metadata,
    _key("id"),  # of channel and peer
    Column("member", BigInteger, nullable=False, index=True),
    _sealed("address"),
)

join_codes = Table(
    "join_codes",
    metadata,
    _key("hash"),
    Column("member", BigInteger, nullable=False, index=True),
    _flag("spent"),
    _expires(null=False),
)

links = Table(
    "links",
    metadata,
    _key("hash"),
    Column("member", BigInteger, nullable=False, index=True),
    _expires(null=False),
)

desk_sessions = Table(
    "desk_sessions",
    metadata,
    _key("hash"),
    Column("member", BigInteger, nullable=False, index=True),
    _expires(null=False),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    _key("hash"),
    _sealed("peer"),
    _text("conversation"),
    _flag("keep"),
    _expires(null=False),
)

tallies = Table(  # no expires_at: weekly counts, nobody is in them
    "tallies",
    metadata,
    _key("week"),  # "2026-W48"
    _key("what"),
    _key("language"),
    _key("topic"),
    _number("count"),
)

questions = Table(  # kept with the asker's consent; nothing says whose they were
    "questions",
    metadata,
    _key("id"),
    _text("week"),
    _text("language"),
    _text("topic"),
    _text("district"),
    _sealed("payload"),
    _expires(null=False),
)

counters = Table(  # no expires_at: "desk" grows whenever a case changes
    "counters",
    metadata,
    _key("name"),
    _number("value"),
)
