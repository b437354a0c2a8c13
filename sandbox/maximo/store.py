"""The working set of the CMMS in memory, changed only by transactions that are journalled first."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sandbox.clock import Clock
from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.journal import Journal
from sandbox.maximo.mbo import Mbo

WORK_ORDERS = "workorder"
ASSETS = "asset"
FAILURE_LIST = "failurelist"
LABOR = "labor"
ITEMS = "item"
LAST_CHANGE = "lastchange"
_TRANSACTION_IDS = "oslctxn"
_TRANSACTION_LIFE = timedelta(minutes=5)


class Store:
    """Records by object name and key; readers see what is committed."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._records: dict[str, dict[str, Mbo]] = {}
        self._counters = journal.counters()
        for name, key, mbo in journal.records():
            self._records.setdefault(name, {})[key] = mbo

    def get(self, name: str, key: str) -> Mbo | None:
        return self._records.get(name, {}).get(key)

    def all(self, name: str) -> Iterable[Mbo]:
        return self._records.get(name, {}).values()

    def counter(self, name: str) -> int:
        return self._counters.get(name, 0)

    @contextmanager
    def transaction(self) -> "Iterator[Transaction]":
        """A unit of work: journalled and then visible when the block ends, forgotten when it raises."""
        transaction = Transaction(self, self._clock, self._counters)
        yield transaction
        self._journal.commit(
            ((name, key, mbo) for (name, key), mbo in transaction.changes.items()), transaction.counters
        )
        self._counters.update(transaction.counters)
        for (name, key), mbo in transaction.changes.items():
            if mbo is None:
                self._records.get(name, {}).pop(key, None)
            else:
                self._records.setdefault(name, {})[key] = mbo

    def check_new(self, transaction_id: str | None) -> None:
        """Refuse a request whose `transactionid` was committed less than five minutes of plant time ago: 409."""
        held = self.get(_TRANSACTION_IDS, transaction_id or "")
        if held is not None and _lives(held, self._clock.now()):
            raise MaximoError(UNSTATED, f"The transaction {transaction_id} was processed already.", status=409)

    def close(self) -> None:
        self._journal.close()


class Transaction:
    """The changes of one unit of work, on top of what is committed; it reads its own writes."""

    def __init__(self, store: Store, clock: Clock, counters: dict[str, int]) -> None:
        self._store = store
        self._clock = clock
        self._committed = counters
        self.changes: dict[tuple[str, str], Mbo | None] = {}
        self.counters: dict[str, int] = {}

    def get(self, name: str, key: str) -> Mbo | None:
        if (name, key) in self.changes:
            return self.changes[(name, key)]
        return self._store.get(name, key)

    def put(self, name: str, key: str, mbo: Mbo) -> None:
        self.changes[(name, key)] = mbo

    def delete(self, name: str, key: str) -> None:
        self.changes[(name, key)] = None

    def draw(self, counter: str, first: int = 1) -> int:
        """The next number of a sequence."""
        number = self.counters.get(counter, self._committed.get(counter, first - 1)) + 1
        self.counters[counter] = number
        return number

    def stamp(self, rowstamp: int) -> datetime:
        """Plant time as the database stores it: with the fraction of a second that no answer shows."""
        return self._clock.now().replace(microsecond=0) + timedelta(microseconds=1 + rowstamp % 999_998)

    def now(self) -> datetime:
        return self._clock.now()

    def remember(self, transaction_id: str | None) -> None:
        """Keep a request's `transactionid` together with the changes it makes; forget those that are too old."""
        now = self._clock.now()
        for mbo in self._store.all(_TRANSACTION_IDS):
            if not _lives(mbo, now):
                self.delete(_TRANSACTION_IDS, mbo.text("transactionid"))
        if transaction_id:
            self.put(_TRANSACTION_IDS, transaction_id, Mbo({"transactionid": transaction_id, "at": now}))


def _lives(mbo: Mbo, now: datetime) -> bool:
    at = mbo.attributes["at"]
    return isinstance(at, datetime) and now - at < _TRANSACTION_LIFE
