"""A record in memory for tests of training datasets: what each row of its ledger adds and takes back."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.canonical import digest
from domain.errors import ActRejected
from domain.outcomes import Label, OutcomeClass
from domain.training import HealthyWindow, LedgerPoint, MadeLabel, MaskedSpan, SpanRow, UnworkedCase

BEGIN = datetime(2026, 1, 31, 22, tzinfo=UTC)
PAGE = 3


def a_label(case: object = "MWAAAAAAAA", **changed: object) -> Label:
    """A label of a fault that was confirmed a day after its first evidence."""
    given: dict[str, object] = {
        "case": case,
        "asset": "machine-001-comp1",
        "machine": "machine-001",
        "failure_mode": "PDE",
        "outcome": OutcomeClass.CONFIRMED,
        "window_start": BEGIN - timedelta(hours=24),
        "window_end": BEGIN - timedelta(hours=2),
        "found_at": BEGIN,
        "work_order": "1001",
        "policy": "rotating-equipment",
        "policy_version": "1.1.0",
        "policy_digest": "d" * 64,
        "detectors": ("DetectAnomalies",),
        "model_versions": ("7",),
        "failure_class": "ELEC",
        "problem": "OVERVOLT",
        "cause": "REGULATR",
        "remedy": "REPLACE",
        "downtime": timedelta(hours=3),
        "evidence": ("adx|1", "adx|2"),
        "evidence_count": 2,
    }
    return Label.model_validate(given | changed)


def a_window(number: int, hours: int = 5) -> HealthyWindow:
    start = BEGIN + timedelta(days=number)
    return HealthyWindow(f"m{number}", "PDE", start, start + timedelta(hours=hours), "d" * 64, 4, timedelta(hours=2))


def an_unworked_case(number: int) -> UnworkedCase:
    at = BEGIN + timedelta(days=number)
    return UnworkedCase(
        f"MW{number}", "m1", "m1", "PDE", "rejected", BEGIN, at, "pat", "a false alarm", "p", "1.0.0", "d" * 64
    )


def a_mask(number: int) -> MaskedSpan:
    at = BEGIN + timedelta(days=number)
    return MaskedSpan(f"SH{number}", "shelf", "m1", None, at, at + timedelta(hours=8), "being moved", "pat")


@dataclass(frozen=True)
class LedgerRow:
    """What one transaction added: labels, spans, and spans that it takes back."""

    after: timedelta
    labels: tuple[Label, ...] = ()
    spans: tuple[SpanRow, ...] = ()
    gone: tuple[SpanRow, ...] = ()


class MemoryRecord:
    """See `domain.training.TrainingRows`. Each row of the ledger is some time after the one before it."""

    def __init__(self, *rows: LedgerRow, name: str = "a") -> None:
        self.rows = list(rows)
        self._name = name

    def at(self, seq: int) -> datetime:
        return BEGIN + sum((row.after for row in self.rows[:seq]), timedelta())

    async def newest(self, as_of: datetime | None) -> LedgerPoint:
        later = [seq for seq in range(1, len(self.rows) + 1) if as_of is not None and self.at(seq) > as_of]
        seq = min(later) - 1 if later else len(self.rows)
        if not seq:
            raise ActRejected("the ledger has no row")
        return LedgerPoint(seq, digest([self._name, seq]), self.at(seq))

    async def hash_of(self, seq: int) -> str | None:
        return digest([self._name, seq]) if 0 < seq <= len(self.rows) else None

    async def labels(self, after: int, until: int) -> AsyncIterator[Sequence[MadeLabel]]:
        numbered = enumerate(self.rows, start=1)
        made = [
            MadeLabel(label, self.at(seq), seq) for seq, row in numbered if after < seq <= until for label in row.labels
        ]
        for first in range(0, len(made), PAGE):
            yield made[first : first + PAGE]

    async def spans(self, kind: type[SpanRow], after: int, until: int) -> AsyncIterator[Sequence[SpanRow]]:
        known = self.said(kind, after)
        yield [row for row in self.said(kind, until) if row not in known]

    def said(self, kind: type[SpanRow] | None, seq: int) -> list[SpanRow]:
        """The rows of one kind by the ledger up to a row."""
        standing: dict[SpanRow, None] = {}
        for row in self.rows[:seq]:
            for gone in row.gone:
                standing.pop(gone, None)
            standing.update(dict.fromkeys(row.spans))
        return [row for row in standing if kind is not None and isinstance(row, kind)]
