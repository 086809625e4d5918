"""Bringing a database to the program's schema; Alembic is imported here and nowhere else."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from db.store import SchemaError
from db.tables import REVISIONS

MIGRATIONS = Path(__file__).parent / "migrations"


def config(url: str) -> Config:
    """Alembic's configuration for a database URL."""
    made = Config()
    # The path may hold a percent sign, which a configuration would read as the start of a variable.
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.attributes["url"] = url
    return made


def upgrade(url: str) -> str:
    """Migrate to the latest schema; a sentence that says so. Starts an event loop: call it from a thread without one.

    SchemaError when the database is from a later release.
    """
    try:
        command.upgrade(config(url), "head")
    except CommandError as error:
        raise SchemaError(
            "the database has a schema that this release of Lotse does not know: install the release that made it, "
            "or a later one"
        ) from error
    return f"the database has schema {REVISIONS[-1]}"
