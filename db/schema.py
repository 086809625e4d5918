"""The schema of an SQLite file: made at once when it is new, migrated after a copy when it is older.

A new file is made from the tables themselves, because Alembic takes longer to import than a chat may take to start;
a test keeps both ways the same.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from db.store import SchemaError
from db.tables import REVISIONS, metadata

BUSY_SECONDS = 10.0

_VERSION_TABLE = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)


def connect(path: Path, threads: bool = False) -> sqlite3.Connection:
    """A connection that is durable, overwrites what it deletes, and leaves transactions to its caller.

    `threads`: several may use it, one at a time.
    """
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=256, check_same_thread=not threads
    )
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def prepare(path: Path) -> None:
    """Have the file at the program's schema; SchemaError says what to do when that cannot be."""
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    connection = connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        found = _revision(connection, path)
        if found == "new":
            _create(connection)
            found = REVISIONS[-1]
        connection.execute("COMMIT")
    finally:
        connection.close()
    if older(found, str(path)):
        from db.backup import backup
        from db.migrate import upgrade

        copy = path.with_name(f"{path.name}.before-{REVISIONS[-1]}")
        copy.unlink(missing_ok=True)  # of a try that was interrupted: nothing was migrated then
        backup(path, copy)
        upgrade(f"sqlite:///{path}")


def older(found: str | None, where: str) -> bool:
    """Whether a schema needs migrating; SchemaError when it is from a later release."""
    if found == REVISIONS[-1]:
        return False
    if found is None or found in REVISIONS:
        return True
    raise SchemaError(
        f"{where} has the schema {found}, which this release of Lotse does not know: install the release that made "
        "it, or a later one"
    )


def _revision(connection: sqlite3.Connection, path: Path) -> str | None:
    """The file's revision, None before the first, "new" for an empty file."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return "new"
    if "alembic_version" not in tables:
        raise SchemaError(f"{path} is an SQLite file, but not one of Lotse's: name another file, or move it away")
    for (revision,) in connection.execute("SELECT version_num FROM alembic_version"):
        return str(revision)
    return None


def _create(connection: sqlite3.Connection) -> None:
    dialect = SQLiteDialect_pysqlite()
    for table in metadata.sorted_tables:
        connection.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
    connection.execute(_VERSION_TABLE)
    connection.execute("INSERT INTO alembic_version VALUES (?)", (REVISIONS[-1],))
