"""Every single alteration of a database: each column of each table, and each kind of row change."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from psycopg import Connection, sql
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, BigInteger, Boolean, Column, DateTime, Double, Integer, LargeBinary, SmallInteger, Table
from sqlalchemy.dialects.postgresql import JSONB

from millwright.storage.database.all_tables import metadata

LATER = datetime(2031, 5, 17, 3, 4, 5, tzinfo=UTC)
_OTHER_WORDS: Mapping[tuple[str, str], str] = {
    ("action_stops", "action"): "order hold",
    ("admissions", "exempt"): "hold person",
    ("evidence", "how"): "raised noted",
    ("hold_placements", "state"): "ended void",
    ("holds", "state"): "void overruled",
    ("policy_assignment_ends", "cause"): "withdrawn rolled_back",
    ("policy_assignments", "role"): "shadow canary",
    ("policy_evidence", "kind"): "check proof",
    ("policy_evidence", "result"): "failed passed",
    ("autonomy_moves", "move"): "refused withdrawn",
    ("studies", "kind"): "backtest suggestions",
    ("suppressed", "how"): "let_in held_back",
    ("suppressions", "kind"): "window shelf",
    ("walk_downs", "state"): "failed withdrawn",
}
"""Columns that hold one of a few words, and two of them."""


class Alteration(NamedTuple):
    """One change: a statement and its values."""

    table: str
    column: str
    what: str
    statement: sql.Composed
    values: tuple[object, ...]

    @property
    def of(self) -> str:
        """The column that is altered; with a row that is deleted or inserted, what is done to which table."""
        return f"{self.table}.{self.column}" if self.column else f"{self.table} {self.what}"


def alterations(connection: Connection) -> Iterator[Alteration]:
    """Every alteration that what is stored allows, table by table.

    Args:
        connection: on the record; it is only looked at.
    """
    for table in metadata.sorted_tables:
        for column in (column for column in table.columns if column.computed is None):
            yield from _of_column(connection, table, column)
        yield from _of_rows(connection, table)


def _of_column(connection: Connection, table: Table, column: Column[object]) -> Iterator[Alteration]:
    own, name = sql.Identifier(table.name), sql.Identifier(column.name)
    filled = _place(connection, table, sql.SQL("{} IS NOT NULL").format(name))
    known = None if filled is None else _value(connection, table, column, filled)
    # JSON's null and SQL's mean the same.
    if filled is not None and known is not None:
        statement = sql.SQL("UPDATE {} SET {} = %s WHERE {}").format(own, name, filled)
        yield Alteration(table.name, column.name, "altered", statement, (_other(table, column, known),))
        if column.nullable:
            yield Alteration(table.name, column.name, "removed", statement, (None,))
    empty = _place(connection, table, sql.SQL("{} IS NULL").format(name))
    if empty is not None:
        statement = sql.SQL("UPDATE {} SET {} = %s WHERE {}").format(own, name, empty)
        yield Alteration(table.name, column.name, "made up", statement, (_other_value(table, column),))


def _of_rows(connection: Connection, table: Table) -> Iterator[Alteration]:
    own = sql.Identifier(table.name)
    place = _place(connection, table, sql.SQL("true"))
    if place is None:
        return
    yield Alteration(table.name, "", "row deleted", sql.SQL("DELETE FROM {} WHERE {}").format(own, place), ())
    keys = {column.name for column in table.primary_key if column.computed is None} or {table.columns.keys()[0]}
    columns = [column for column in table.columns if column.computed is None]
    known = {column.name: _value(connection, table, column, place) for column in columns}
    told = {
        column.name: _other(table, column, known[column.name])
        if column.name in keys | _UNIQUE.get(table.name, frozenset())
        else _bound(column, known[column.name])
        for column in columns
    }
    # A number below all others: one above them is that of a row which came now, and is recorded in a minute.
    told |= {name: -1 - value for name, value in told.items() if name == "id" and isinstance(value, int)}
    insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        own, sql.SQL(", ").join(map(sql.Identifier, told)), sql.SQL(", ").join([sql.Placeholder()] * len(told))
    )
    yield Alteration(table.name, "", "row inserted", insert, tuple(told.values()))
    if any(column.identity is not None for column in table.primary_key):
        return  # Rows with a number of their own, swapped, are the same rows with other numbers.
    other = _place(connection, table, sql.SQL("NOT {}").format(place))
    swapped = [column.name for column in columns if column.name not in keys | _UNIQUE.get(table.name, frozenset())]
    if other is not None and swapped:
        names = sql.SQL(", ").join(map(sql.Identifier, swapped))
        swap = sql.SQL(
            "UPDATE {0} a SET ({1}) = (SELECT {1} FROM {0} b WHERE CASE WHEN a.{2} THEN b.{3} ELSE b.{2} END) "
            "WHERE a.{2} OR a.{3}"
        ).format(own, names, place, other)
        yield Alteration(table.name, "", "rows swapped", swap, ())


_UNIQUE: Mapping[str, frozenset[str]] = {
    "people": frozenset({"api_key_hash"}),
    "policy_versions": frozenset({"version"}),
    "policy_signatures": frozenset({"signature"}),
    "duplicates": frozenset({"id"}),
    "events": frozenset({"external_id", "natural_key"}),
    "verdicts": frozenset({"event_id"}),
    "evidence": frozenset({"event_id"}),
    "cases": frozenset({"failure_mode"}),
    "work_orders": frozenset({"external_id"}),
    "holds": frozenset({"equipment"}),
    "hold_placements": frozenset({"job"}),
    "suppressed": frozenset({"event_id"}),
}
"""What must differ in a second row beside the primary key."""


def _place(connection: Connection, table: Table, where: sql.SQL | sql.Composed) -> sql.Composed | None:
    """A condition that names the middle row of those that fit, whatever their places in the table."""
    own = sql.Identifier(table.name)
    query = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(own, where)
    found = connection.execute(query).fetchone()
    if found is None or not found[0]:
        return None
    order = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.primary_key or table.columns)
    return sql.SQL("ctid = (SELECT ctid FROM {} WHERE {} ORDER BY {} OFFSET {} LIMIT 1)").format(
        own, where, order, sql.Literal(found[0] // 2)
    )


def _value(connection: Connection, table: Table, column: Column[object], place: sql.Composed) -> object:
    query = sql.SQL("SELECT {} FROM {} WHERE {}").format(sql.Identifier(column.name), sql.Identifier(table.name), place)
    found = connection.execute(query).fetchone()
    assert found is not None
    return found[0]


def _other(table: Table, column: Column[object], known: object) -> object:
    """Another value of the same shape."""
    words = _OTHER_WORDS.get((table.name, column.name))
    if words is not None:
        return next(word for word in words.split() if word != known)
    match known:
        case None:
            return _other_value(table, column)
        case bool():
            return not known
        case int() | float():
            return known + 7001
        case datetime():
            return known.replace(microsecond=(known.microsecond + 1) % 1_000_000)
        case date():
            return known + timedelta(days=1)
        case bytes():
            return known + b" "
        case str():
            return known + "x" if not known or known[-1] != "x" else known[:-1] + "y"
        case _ if isinstance(column.type, ARRAY):
            return [*known, "x"] if isinstance(known, list) else known
        case dict() | list():
            return _json(column, _altered(known))
        case _:
            raise TypeError(f"{column} holds {type(known).__name__}")


def _other_value(table: Table, column: Column[object]) -> object:
    words = _OTHER_WORDS.get((table.name, column.name))
    if words is not None:
        return words.split()[0]
    match column.type:
        case BigInteger() | Integer() | SmallInteger() | Double():
            return 1
        case Boolean():
            return True
        case DateTime():
            return LATER
        case LargeBinary():
            return b"{}"
        case ARRAY():
            return ["x"]
        case JSONB():
            return Jsonb({"made": "up"})
        case _ if "JSON" in type(column.type).__name__:
            return '{"made": "up"}'
        case _:
            return "x"


def _bound(column: Column[object], known: object) -> object:
    return _json(column, known) if isinstance(known, dict | list) and not isinstance(column.type, ARRAY) else known


def _json(column: Column[object], value: object) -> object:
    return Jsonb(value)


def _altered(value: object) -> object:
    """The same with its first leaf altered."""
    match value:
        case dict():
            if not value:
                return {"made": "up"}
            first = next(iter(value))
            return {**value, first: _altered(value[first])}
        case list():
            return [_altered(value[0]), *value[1:]] if value else ["made up"]
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "x"
        case _:
            return "made up"
