"""Statements written once, compiled once for each database, carried out by its driver itself.

SQLAlchemy Core knows both dialects; the drivers (sqlite3, asyncpg) run the text it makes, because going through
SQLAlchemy's own execution costs more than the statements do. An operation is a coroutine function that takes a `Tx`;
on SQLite its awaits never wait, so that the writer's thread can drive it to its end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Literal, Protocol

import orjson
from sqlalchemy import ARRAY, bindparam, func, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import Table
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

Dialect = Literal["sqlite", "postgresql"]
Row = Sequence[Any]

_DIALECTS = {"sqlite": SQLiteDialect_pysqlite(), "postgresql": PGDialect_asyncpg()}  # type: ignore[no-untyped-call]
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def micros(at: dt.datetime) -> int:
    """A time as it is stored: microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def moment(stored: int) -> dt.datetime:
    """The time that `micros` stored, in UTC."""
    return _EPOCH + stored * _MICROSECOND


def week(at: dt.datetime) -> str:
    """The week that a count belongs to: "2026-W48"."""
    year, number_, _ = at.isocalendar()
    return f"{year}-W{number_:02}"


class among(ColumnElement[Any]):
    """Whether a column's value is in the list handed in under a name: one bound value however long the list is."""

    inherit_cache = False
    type = NullType()  # as a Boolean, SQLite would be given `… = 1`, which no index answers

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.values = bindparam(name, type_=ARRAY(column.type))


@compiles(among, "sqlite")
def _among_sqlite(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return f"{column} IN (SELECT value FROM json_each({compiler.process(element.values, **options)}))"  # noqa: S608 - both parts are compiled


@compiles(among, "postgresql")
def _among_postgresql(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return f"{column} = ANY ({compiler.process(element.values, **options)})"


class Statement:
    """A query or change with named values, for both databases."""

    def __init__(self, clause: ClauseElement) -> None:
        self.clause = clause
        self._compiled: dict[Dialect, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def compiled(self, dialect: Dialect) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        """SQL text, the names of its values in the driver's order, and the values that are constant."""
        found = self._compiled.get(dialect)
        if found is None:
            made = self.clause.compile(dialect=_DIALECTS[dialect])
            assert isinstance(made, SQLCompiler)
            constant = {name: value for name, value in made.params.items() if value is not None}
            found = self._compiled[dialect] = (str(made), tuple(made.positiontup or ()), constant)
        return found

    def arguments(self, dialect: Dialect, values: Mapping[str, Any]) -> list[Any]:
        """The values in the driver's order; KeyError when one is missing."""
        _, names, constant = self.compiled(dialect)
        found = [constant[name] if name in constant else values[name] for name in names]
        if dialect == "sqlite":
            return [orjson.dumps(value).decode() if isinstance(value, list) else value for value in found]
        return found


class _ForRows:
    """A statement for many rows: its text is compiled once for each database."""

    def __init__(self) -> None:
        self._texts: dict[Dialect, str] = {}

    def text(self, dialect: Dialect) -> str:
        """SQL text; its values are one row's on SQLite and one list for each column on PostgreSQL."""
        found = self._texts.get(dialect)
        if found is None:
            found = self._texts[dialect] = self._compile(dialect)
        return found

    def _compile(self, dialect: Dialect) -> str:
        raise NotImplementedError


class Insert(_ForRows):
    """Rows into a table; those whose key is there already are left out, or overwrite the columns of `update`."""

    def __init__(
        self, table: Table, columns: Sequence[str], key: Sequence[str] = (), update: Mapping[str, Any] | None = None
    ) -> None:
        self.table, self.columns, self.key, self.update = table, tuple(columns), tuple(key), update or {}
        super().__init__()

    def _compile(self, dialect: Dialect) -> str:
        statement: Any
        if dialect == "sqlite":
            statement = (sqlite_insert if self.key else plain_insert)(self.table)
            statement = statement.values({name: bindparam(name) for name in self.columns})
        else:
            lists = [
                func.unnest(bindparam(name, type_=ARRAY(self.table.c[name].type))).label(f"v_{name}")
                for name in self.columns
            ]
            statement = postgresql_insert(self.table).from_select(
                list(self.columns), select(*lists), include_defaults=False
            )
        if self.update:
            excluded = {name: value(statement.excluded) for name, value in self.update.items()}
            statement = statement.on_conflict_do_update(index_elements=list(self.key), set_=excluded)
        elif self.key:
            statement = statement.on_conflict_do_nothing(index_elements=list(self.key))
        compiled = statement.compile(dialect=_DIALECTS[dialect])
        assert tuple(compiled.positiontup) == self.columns
        return str(compiled)


class Update(_ForRows):
    """One change for each of many rows found by their key; `change` says what becomes of the columns, from new ones."""

    def __init__(
        self, table: Table, key: str, columns: Sequence[str], change: Callable[[Any], Mapping[str, Any]]
    ) -> None:
        self.table, self.key, self.columns, self.change = table, key, (*columns, key), change
        super().__init__()

    def _compile(self, dialect: Dialect) -> str:
        types = {name: self.table.c[name].type for name in self.columns}
        new: Any
        if dialect == "sqlite":
            new = SimpleNamespace(**{name: bindparam(f"v_{name}", type_=type_) for name, type_ in types.items()})
        else:
            lists = [
                func.unnest(bindparam(f"v_{name}", type_=ARRAY(type_))).label(name) for name, type_ in types.items()
            ]
            new = select(*lists).subquery("new").c
        statement = update(self.table).where(self.table.c[self.key] == getattr(new, self.key))
        compiled: Any = statement.values(self.change(new)).compile(dialect=_DIALECTS[dialect])
        assert tuple(compiled.positiontup) == tuple(f"v_{name}" for name in self.columns)
        return str(compiled)


Change = tuple[Statement, Mapping[str, Any]] | tuple[Insert | Update, Sequence[Mapping[str, Any]]]
"""A change with its values: a statement with named ones, or rows to put in or to change."""


class Tx(Protocol):
    """A transaction under way, on either database."""

    dialect: Dialect

    async def rows(self, statement: Statement, **values: Any) -> Sequence[Row]:
        """The rows a query finds, or that a change returns."""

    async def run(self, statement: Statement, **values: Any) -> int:
        """Carry out a change; returns how many rows it touched."""

    async def run_many(self, statement: Statement, values: Sequence[Mapping[str, Any]]) -> None:
        """Carry out a change once for each set of values."""

    async def together(self, changes: Sequence[Change]) -> list[int]:
        """Carry out changes of different tables, in one round trip; returns how many rows each touched."""

    async def insert(self, insert: Insert, rows: Sequence[Mapping[str, Any]]) -> int:
        """Put rows in; returns how many were new or overwritten."""
