"""The data that a backtest compares its orders with: the period, the real cases, and the failures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.errors import Rejected
from millwright.backtesting.failures import read_failures
from millwright.storage.reporting.history import CaseRow, History
from policies.evaluation.measures import Outcomes, PastCase
from policies.evaluation.scoring import FailureRegister, Period


@dataclass(frozen=True, slots=True)
class Past:
    """The period, and the known outcomes in it."""

    period: Period
    outcomes: Outcomes
    classes: dict[str, str]
    """The class of each asset that may fail."""

    def known_by(self, moment: datetime) -> "Past":
        """The outcomes that were known at an instant, without later findings and failures."""
        outcomes = self.outcomes
        register = outcomes.register
        if register is not None:
            register = FailureRegister([failure for failure in register.failures if failure.at <= moment], self.period)
        known = [case for case in outcomes.cases if case.until <= moment]
        return Past(self.period, Outcomes(known, self.period, register), self.classes)


async def read_past(history: History, since: datetime | None, until: datetime | None, failures: Path | None) -> Past:
    """The known outcomes of a period; by default of everything that is stored.

    Raises:
        Rejected: nothing is stored, the period is empty, or the failure register cannot be read.
    """
    span = await history.span()
    if span.first is None or span.last is None:
        raise Rejected("no event has been judged yet", field="since", fix="there is no past to test against")
    period = Period(since or span.first, until or span.last)
    if period.last <= period.first:
        raise Rejected("the period is empty", field="until", fix=f"events are stored up to {span.last:%Y-%m-%d %H:%M}")
    components = await history.components()
    register = FailureRegister(read_failures(failures, components), period) if failures is not None else None
    return Past(
        period,
        Outcomes(past_cases(await history.cases()), period, register),
        {component.id: component.asset_class for component in components},
    )


def past_cases(rows: Sequence[CaseRow]) -> list[PastCase]:
    """Stored cases in the form for measures."""
    return [_past_case(row) for row in rows]


def _past_case(row: CaseRow) -> PastCase:
    outcome = row.outcome
    hours = sum(labor.hours for labor in outcome.report.labor) if outcome is not None else 0.0
    return PastCase(
        id=row.id,
        asset=row.asset,
        failure_mode=row.failure_mode,
        begun=row.event_at,
        until=row.last_event_at if outcome is None else max(row.last_event_at, outcome.found_at),
        outcome=None if outcome is None else outcome.outcome,
        cancelled=row.closed_as in ("cancelled", "rejected", "withdrawn")
        or (outcome is not None and outcome.cancelled),
        crew_hours=hours or None,
    )
