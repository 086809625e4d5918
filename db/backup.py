"""Copies of the embedded database, made while it is in use, and putting one back."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from db.store import SchemaError


def backup(path: Path, target: Path) -> None:
    """Copy the database to `target`, whole and at one moment, also while it is written to.

    FileNotFoundError when there is no database; FileExistsError when the target exists; SchemaError when the copy
    is damaged.
    """
    _copy(path, target)


def restore(source: Path, path: Path) -> None:
    """Put a copy in the place of the database; the one before stays beside it as `….replaced`.

    FileNotFoundError when there is no such copy; SchemaError when it is damaged or not one of Lotse's: then nothing
    has changed. The caller holds the lock of the data directory.
    """
    arriving = path.with_name(f"{path.name}.arriving")
    arriving.unlink(missing_ok=True)
    _copy(source, arriving)
    if path.exists():
        replaced = path.with_name(f"{path.name}.replaced")
        replaced.unlink(missing_ok=True)
        _copy(path, replaced)
    # The log belongs to the file that goes; the copy is complete without one.
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.replace(arriving, path)


def _copy(source: Path, target: Path) -> None:
    if not Path(source).is_file():
        raise FileNotFoundError(f"{source} does not exist")
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        reading = sqlite3.connect(f"file:{Path(source).resolve()}?mode=ro", uri=True)
        writing = sqlite3.connect(target)
        try:
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode=DELETE")
            _check(writing, source)
        finally:
            writing.close()
            reading.close()
    except sqlite3.DatabaseError:
        Path(target).unlink(missing_ok=True)
        raise SchemaError(f"{source} is damaged or no SQLite file; nothing was changed") from None
    except BaseException:
        Path(target).unlink(missing_ok=True)
        raise


def _check(connection: sqlite3.Connection, source: Path) -> None:
    problems = [text for (text,) in connection.execute("PRAGMA integrity_check")]
    if problems != ["ok"]:
        raise SchemaError(f"{source} is damaged ({len(problems)} problems); nothing was changed")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if "alembic_version" not in tables:
        raise SchemaError(f"{source} is not a database of Lotse; nothing was changed")
