"""Queries of the twin graph.

    SELECT [TOP(n)] * | COUNT() | path [AS name], …
    FROM DIGITALTWINS [alias] | RELATIONSHIPS [alias]
    [JOIN alias RELATED alias.relationship [alias] …] [WHERE condition]

Source: learn.microsoft.com/azure/digital-twins/reference-query-clause-select and its neighbours, with their limits:
8000 characters, five JOINs, no `SELECT *` with a JOIN, and a JOIN only together with a condition on some `$dtId`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sandbox.twins.document import JsonObject, model_of
from sandbox.twins.errors import ServiceError
from sandbox.twins.expression import MISSING, Condition, ConditionParser, Missing, Scope, Value
from sandbox.twins.graph_state import GraphState
from sandbox.twins.lexer import ExpressionError, Path, TokenReader

_CLAUSES: Final = ("JOIN", "WHERE")
_MAX_JOINS: Final = 5
_MAX_LENGTH: Final = 8000
IsA = Callable[[str, str], bool]


@dataclass(frozen=True)
class Join:
    """`JOIN target RELATED source.relationship [alias]`."""

    target: str
    source: str
    relationship: str
    alias: str | None


@dataclass(frozen=True)
class Query:
    """A query that has been read.

    Args:
        columns: the projections and their names; None for `*`, empty for `COUNT()`.
        collection: DIGITALTWINS or RELATIONSHIPS.
        alias: its name in the query; empty where it has none.
    """

    columns: tuple[tuple[Path, str], ...] | None
    top: int | None
    collection: str
    alias: str
    joins: tuple[Join, ...]
    where: Condition | None

    def rows(self, state: GraphState) -> list[JsonObject]:
        """All result rows, in the graph's own order."""
        passing = (row for row in self._joined(state) if self.where is None or self.where(row))
        if self.columns is not None and not self.columns:
            return [{"COUNT": sum(1 for _ in passing)}]
        return [self._projected(row) for row in islice(passing, self.top)]

    def _joined(self, state: GraphState) -> Iterator[_Row]:
        documents = state.twins.values() if self.collection == "DIGITALTWINS" else state.relationships()
        rows: Iterable[_Row] = (_Row({self.alias: document}) for document in documents)
        for join in self.joins:
            rows = [wider for row in rows for wider in _related(row, join, state)]
        yield from rows

    def _projected(self, row: _Row) -> JsonObject:
        if self.columns is None:
            return row.documents[self.alias]
        found = ((name, row.lookup(path)) for path, name in self.columns)
        return {name: value for name, value in found if not isinstance(value, Missing)}


@dataclass(frozen=True, slots=True)
class _Row:
    """One document for each alias."""

    documents: dict[str, JsonObject]

    def lookup(self, path: Path) -> Value:
        found: Value = self.documents.get(path[0], MISSING)
        rest = path[1:]
        if isinstance(found, Missing):
            found, rest = next(iter(self.documents.values())), path
        for name in rest:
            if not isinstance(found, dict) or name not in found:
                return MISSING
            found = found[name]
        return found


def read_query(text: str, is_a: IsA) -> Query:
    """A query from its text; `is_a(model, ancestor)` answers IS_OF_MODEL.

    Raises:
        ServiceError: SqlQueryError.
    """
    if len(text) > _MAX_LENGTH:
        raise ServiceError("SqlQueryError", f"The query is longer than {_MAX_LENGTH} characters.")
    try:
        return _QueryParser(TokenReader(text), is_a).query()
    except ExpressionError as error:
        raise ServiceError("SqlQueryError", f"SQL query parse failed: {error}.") from error


class _QueryParser(ConditionParser):
    def __init__(self, reader: TokenReader, is_a: IsA) -> None:
        super().__init__(reader)
        self._is_a = is_a
        self._aliases: set[str] = set()
        self._only_collection: Path = ("",)

    def query(self) -> Query:
        reader = self.reader
        reader.expect("SELECT")
        top = self._top()
        columns = self._columns()
        reader.expect("FROM")
        collection = reader.name().upper()
        if collection not in {"DIGITALTWINS", "RELATIONSHIPS"}:
            raise ExpressionError(f"there is no collection {collection}")
        alias = self._alias() or ""
        self._only_collection = (alias,)
        self._aliases.add(alias)
        joins = tuple(self._joins())
        if joins and columns is None:
            raise ExpressionError("SELECT * is not valid with JOIN")
        where = self.condition() if reader.accept_keyword("WHERE") else None
        reader.end()
        if joins and not any(path[-1] == "$dtId" for path in self.paths):
            raise ExpressionError("a query with JOIN must have a condition on a $dtId in its WHERE clause")
        for path in (*self.paths, *(path for path, _ in columns or ())):
            if joins and path[0] not in self._aliases:
                raise ExpressionError(f"there is no collection {path[0]}")
        return Query(columns, top, collection, alias, joins, where)

    def function(self, name: str) -> Condition:
        if name != "IS_OF_MODEL":
            return super().function(name)
        path = self._only_collection
        if self.reader.current.kind == "name":
            path = self.reader.path()
            self.paths.append(path)
            self.reader.expect(",")
        if self.reader.current.kind != "string":
            raise self.reader.unexpected("a model id in quotes")
        wanted = self.reader.advance().text[1:-1]
        exact = self.reader.accept(",")
        if exact:
            self.reader.expect("EXACT")
        self.reader.expect(")")

        def of_model(scope: Scope) -> bool:
            document = scope.lookup(path)
            model = model_of(document) if isinstance(document, dict) else ""
            return model == wanted if exact else self._is_a(model, wanted)

        return of_model

    def _top(self) -> int | None:
        if not self.reader.accept_keyword("TOP"):
            return None
        self.reader.expect("(")
        top = self.reader.integer()
        self.reader.expect(")")
        return top

    def _columns(self) -> tuple[tuple[Path, str], ...] | None:
        reader = self.reader
        if reader.accept("*"):
            return None
        if reader.at_keyword("COUNT") and reader.next.text == "(":
            reader.advance()
            reader.expect("(")
            reader.expect(")")
            return ()
        columns = [self._column()]
        while reader.accept(","):
            columns.append(self._column())
        return tuple(columns)

    def _column(self) -> tuple[Path, str]:
        path = self.reader.path()
        return path, self.reader.name() if self.reader.accept_keyword("AS") else path[-1]

    def _joins(self) -> Iterator[Join]:
        count = 0
        while self.reader.accept_keyword("JOIN"):
            count += 1
            if count > _MAX_JOINS:
                raise ExpressionError(f"more than {_MAX_JOINS} JOINs")
            target = self.reader.name()
            self.reader.expect("RELATED")
            path = self.reader.path()
            if len(path) != 2 or path[0] not in self._aliases:
                raise ExpressionError(f"RELATED needs a collection and a relationship, not {'.'.join(path)}")
            alias = self._alias()
            self._aliases.add(target)
            if alias:
                self._aliases.add(alias)
            yield Join(target, path[0], path[1], alias)

    def _alias(self) -> str | None:
        if self.reader.current.kind != "name" or self.reader.at_keyword(*_CLAUSES):
            return None
        return self.reader.name()


def _related(row: _Row, join: Join, state: GraphState) -> Iterator[_Row]:
    source = row.documents[join.source]
    for relationship in state.outgoing(str(source.get("$dtId"))).values():
        target = state.twins.get(str(relationship["$targetId"]))
        if relationship["$relationshipName"] != join.relationship or target is None:
            continue
        documents = {**row.documents, join.target: target}
        if join.alias:
            documents[join.alias] = relationship
        yield _Row(documents)
