"""Looks whether the fault of a case has returned to normal: before its work, and after it."""

from datetime import datetime

from activities.progress import Step, accepted, called_off
from activities.wanted_holds import hold_stands
from domain.cases import CaseView, ClosedAs, Phase
from domain.clock import Clock
from domain.outcomes import OutcomeClass
from domain.return_to_normal import NormalClauses, NormalStore, NormalTerms

_NO_WORK_ON_THE_FAULT = frozenset((OutcomeClass.PROCESS_CHANGE, OutcomeClass.DUPLICATE))
"""Outcomes after which the signal is not expected to return to its baseline."""


class ReturnsToNormal:
    """Looks at the faults of cases whose version says when a fault has returned to normal. Other cases are left alone.

    Args:
        store: decides by what was received, and keeps what is proved.
        clauses: what each version says.
        clock: the plant's time.
    """

    def __init__(self, store: NormalStore, clauses: NormalClauses, clock: Clock) -> None:
        self._store = store
        self._clauses = clauses
        self._clock = clock

    async def look(self, attempt: Step) -> None:
        """Looks at the fault of a case whose work is not done; the case is due again for the next look.

        While a machine is held its test run proves the repair. A case at `inspect` is for a person to decide first.
        """
        view = attempt.view
        terms = self._terms(view)
        ended = view.closed_as is not None or (view.order is not None and view.order.status.finished)
        if terms is None or ended or hold_stands(view):
            return
        orders = view.rung.orders or accepted(view)
        if not orders or (called_off(view) is not None and view.normal is None):
            return
        found = await self._store.look(view.id, terms)
        attempt.view = view.model_copy(update={"normal": found.returned, "withdraw": found.withdraw})
        next_at = self._clock.now() + terms.look_every
        attempt.at_latest = next_at if attempt.at_latest is None else min(attempt.at_latest, next_at)

    def first_verification(self, view: CaseView, how: ClosedAs) -> datetime | None:
        """When the effect of the work of a case is looked at first, once the case is closed; None if it is not."""
        terms = self._verified(view, how)
        return None if terms is None else self._clock.now() + terms.look_every

    async def verify(self, view: CaseView) -> datetime | None:
        """Follows the verification of a closed case; gives when it is to be looked at again."""
        how = view.closed_as if view.phase is Phase.CLOSED else None
        terms = None if how is None else self._verified(view, how)
        if terms is None or terms.verify_within is None:
            return None
        return await self._store.verify(view.id, terms, terms.verify_within)

    def _verified(self, view: CaseView, how: ClosedAs) -> NormalTerms | None:
        terms = self._terms(view)
        asks = terms is not None and terms.verify_within is not None
        worked_on = how is ClosedAs.DONE and view.outcome not in _NO_WORK_ON_THE_FAULT
        return terms if asks and worked_on else None

    def _terms(self, view: CaseView) -> NormalTerms | None:
        if view.retired_at is not None:
            return None
        return self._clauses.normal_terms(view.version, view.context.asset_class)
