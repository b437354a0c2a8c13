"""The rows of a training dataset, and where they come from: what the ledger says up to one of its rows."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from domain.outcomes import Label

LONGEST_SILENCE: Final = timedelta(hours=24)
"""How far two verdicts of a healthy window may be apart. A longer silence ends the window: a source that says nothing
may be broken, so what it watches is not known to be healthy."""


class LedgerPoint(NamedTuple):
    """A row of the ledger: its number, its hash and its time."""

    seq: int
    hash: str
    at: datetime


class MadeLabel(NamedTuple):
    """A label, with the time at which it was made, and the ledger row that has it."""

    label: Label
    made_at: datetime
    ledger_seq: int


class HealthyWindow(NamedTuple):
    """A span in which a fault was watched: all its verdicts are below `inspect`, and it had no case.

    `longest_gap` is the longest time between two of these verdicts.
    """

    asset: str
    failure_mode: str
    window_start: datetime
    window_end: datetime
    policy_digest: str
    verdicts: int
    longest_gap: timedelta


class UnworkedCase(NamedTuple):
    """A case that ended without work: `ended_as` is `rejected`, `withdrawn` or `cancelled`."""

    case: str
    asset: str
    machine: str
    failure_mode: str
    ended_as: str
    window_start: datetime
    closed_at: datetime
    rejected_by: str | None
    reason: str | None
    policy: str
    policy_version: str
    policy_digest: str


class MaskedSpan(NamedTuple):
    """A span in which the verdicts on an asset, and on all below it, did not act. None as failure mode is each."""

    suppression: str
    kind: str
    asset: str
    failure_mode: str | None
    window_start: datetime
    window_end: datetime
    reason: str
    made_by: str


SpanRow = HealthyWindow | UnworkedCase | MaskedSpan
"""A row that is computed from the record, and is no finding."""


class TrainingRows(Protocol):
    """The record, as one moment shows it. Whatever it gives depends on nothing after the ledger row that is named."""

    async def newest(self, as_of: datetime | None) -> LedgerPoint:
        """The last ledger row before the first one after a time; without a time the newest.

        Raises:
            ActRejected: the ledger has no such row.
        """
        ...

    async def hash_of(self, seq: int) -> str | None:
        """The hash of a ledger row; None if there is no such row."""
        ...

    def labels(self, after: int, until: int) -> AsyncIterator[Sequence[MadeLabel]]:
        """The labels of the ledger rows after one and up to another, in the order of the ledger, in pages."""
        ...

    def spans(self, kind: type[SpanRow], after: int, until: int) -> AsyncIterator[Sequence[SpanRow]]:
        """The rows of one kind by the ledger up to the row `until` that it does not give up to the row `after`, in
        pages. `after` may be the later one: then these are the rows that are not said any more."""
        ...
