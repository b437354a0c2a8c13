"""What the server keeps: users, the records of each model, and external ids. It is lost when the server ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.odoo.manufacturing import LOG, WORK_ORDER
from sandbox.odoo.schema import MESSAGE, MODELS

Values = dict[str, object]
"""A record by its fields. A link is the id of the other record, an empty field False, a time aware UTC."""

LOOKED_UP: Final[Mapping[str, tuple[str, ...]]] = {
    LOG: ("workcenter_id",),
    WORK_ORDER: ("workcenter_id", "production_id"),
}
"""The links by which records are looked up so often that all of them cannot be gone through."""
_TICK: Final = timedelta(milliseconds=1)
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class User:
    """A user with an API key.

    Args:
        groups: the groups that the user is in.
    """

    id: int
    login: str
    key: str
    groups: frozenset[str]


@dataclass(frozen=True)
class ExternalId:
    """What an external id names.

    Args:
        fixed: whether a `load` that updates leaves the record as it is.
    """

    model: str
    number: int
    fixed: bool


class Store:
    """One database of Odoo.

    Args:
        now: plant time.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._stamped = datetime.min.replace(tzinfo=UTC)
        self._next: defaultdict[str, int] = defaultdict(lambda: 1)
        self._before: list[Callable[[], object]] | None = None
        self._commits = 0
        self._committed: dict[str, int] = {}
        self._touched: set[str] = set()
        self.records: dict[str, dict[int, Values]] = {model: {} for model in MODELS}
        self.external_ids: dict[str, ExternalId] = {}
        self.users: dict[int, User] = {}
        self._messages: defaultdict[object, list[int]] = defaultdict(list)
        self._linked: defaultdict[tuple[str, str, object], dict[int, None]] = defaultdict(dict)

    def stamp(self) -> datetime:
        """When a transaction begins. Odoo stores and compares parts of seconds and shows none; plant time has none, so
        each transaction of a second gets a later part of it."""
        second = self._now().astimezone(UTC).replace(microsecond=0)
        latest = second + _SECOND - _TICK
        self._stamped = min(latest, max(self._stamped + _TICK, second + _SECOND / 2))
        return self._stamped

    @contextmanager
    def transaction(self) -> Generator[None, None, None]:
        """Undoes what was changed in it if an error leaves it. Ids stay used, as with a sequence of PostgreSQL."""
        self._before, self._touched = [], set()
        try:
            yield
        except BaseException:
            for undo in reversed(self._before):
                undo()
            raise
        else:
            self._commits += 1
            self._committed |= dict.fromkeys(self._touched, self._commits)
        finally:
            self._before = None

    @property
    def snapshot(self) -> int:
        """The number of the last commit: what a transaction that begins now sees."""
        return self._commits

    def touch(self, name: str) -> None:
        """Notes in a transaction that it writes something two transactions cannot write at once."""
        self._touched.add(name)

    def written_since(self, snapshot: int, names: set[str]) -> bool:
        """Whether another transaction wrote one of these after a snapshot."""
        return any(self._committed.get(name, 0) > snapshot for name in names)

    def insert(self, model: str, values: Values) -> int:
        """Keeps a new record under the next id of its model."""
        number = self._next[model]
        self.put(model, number, values)
        if model == MESSAGE:
            self._messages[values["res_id"]].append(number)
        return number

    def messages_on(self, number: object) -> list[int]:
        """The ids of the messages on the records with an id, whichever their model is."""
        return [each for each in self._messages.get(number, ()) if each in self.records[MESSAGE]]

    def linked(self, model: str, name: str, number: object) -> list[int]:
        """The ids of the records that link to a record by one of `LOOKED_UP`, as they were made."""
        table = self.records[model]
        numbers = self._linked.get((model, name, number), {})
        return [each for each in numbers if each in table and table[each][name] == number]

    def at_centre(self, model: str, centre: object) -> list[int]:
        """The ids of the time logs or work orders at a work centre, as they were made."""
        return self.linked(model, "workcenter_id", centre)

    def put(self, model: str, number: int, values: Values) -> None:
        """Keeps a record in the place of what was there."""
        table = self.records[model]
        self._remember(table, number)
        table[number] = {**values, "id": number}
        for name in LOOKED_UP.get(model, ()):
            self._linked[(model, name, values[name])][number] = None
        self._next[model] = max(self._next[model], number + 1)

    def remove(self, model: str, number: int) -> None:
        """Removes a record with its external ids."""
        self._remember(self.records[model], number)
        del self.records[model][number]
        for name in [name for name, of in self.external_ids.items() if (of.model, of.number) == (model, number)]:
            self._remember(self.external_ids, name)
            del self.external_ids[name]

    def name(self, external_id: str, named: ExternalId) -> None:
        """Gives a record an external id."""
        self._remember(self.external_ids, external_id)
        self.external_ids[external_id] = named

    def names_of(self, model: str) -> Mapping[int, str]:
        """The external ids of the records of a model, by their ids."""
        return {of.number: name for name, of in self.external_ids.items() if of.model == model}

    def _remember(self, table: dict, key: object) -> None:  # type: ignore[type-arg]  # either of the two kinds
        if self._before is None:
            return
        if key in table:
            before = table[key]
            self._before.append(lambda: table.__setitem__(key, before))
        else:
            self._before.append(lambda: table.pop(key, None))
