"""What is sent first: a rank for each outbox row, and indexes for long queues"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_COLUMNS = (
    "row, id, event, conversation, lane, recipient, channel, role, ticket, payload, external, state, forget, attempt, "
    "due_at, leased_until, at, expires_at"
)
_PEOPLE = "CASE WHEN ticket IS NULL AND role IN ('reply', 'agent', 'system') THEN 1 ELSE 2 END"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
    else:
        op.add_column("outbox", sa.Column("urgency", sa.BigInteger(), nullable=True))
        op.execute(f"UPDATE outbox SET urgency = {_PEOPLE}")  # noqa: S608 - constants
        op.alter_column("outbox", "urgency", nullable=False)
    for name, table, columns in (
        ("ix_outbox_due", "outbox", ["urgency", "row"]),
        ("ix_inbox_arrival", "inbox", ["seq"]),
    ):
        open_ = sa.text("state = 'open'")
        op.create_index(name, table, columns, sqlite_where=open_, postgresql_where=open_)


def _rebuild() -> None:
    """SQLite adds columns only at the end of what was written; a new file shall look like a migrated one."""
    op.rename_table("outbox", "outbox_before")
    op.create_table(
        "outbox",
        sa.Column("row", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("conversation", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("external", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("forget", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("urgency", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_outbox")),
        sa.UniqueConstraint("id", name=op.f("uq_outbox_id")),
        sqlite_autoincrement=True,
    )
    op.execute(f"INSERT INTO outbox ({_COLUMNS}, urgency) SELECT {_COLUMNS}, {_PEOPLE} FROM outbox_before")  # noqa: S608
    # A browser's cursor is a row's number: none is given twice.
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
    op.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'outbox', seq FROM sqlite_sequence WHERE name = 'outbox_before'"
    )
    op.drop_table("outbox_before")
    op.create_index("ix_outbox_conversation", "outbox", ["conversation"])
    op.create_index("ix_outbox_event", "outbox", ["event"])
    op.create_index("ix_outbox_expires_at", "outbox", ["expires_at"])
    op.create_index("ix_outbox_open", "outbox", ["lane", "row"], sqlite_where=sa.text("state = 'open'"))
    op.create_index("ix_outbox_recipient", "outbox", ["recipient"])
    op.create_index("ix_outbox_ticket", "outbox", ["ticket", "role"])


def downgrade() -> None:
    op.drop_index("ix_inbox_arrival", "inbox")
    op.drop_index("ix_outbox_due", "outbox")
    op.drop_column("outbox", "urgency")
