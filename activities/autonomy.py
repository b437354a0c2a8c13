"""Whether an order is released without a planner's review, and how its finding changes that for later orders."""

from domain.autonomy import AutonomyKey, AutonomyState, AutonomyStore
from domain.cases import CaseView
from domain.ports import Judge
from domain.verdict import Rung

_TRIES = 5


class Autonomy:
    """Decides which orders are released without a review, and counts the findings.

    Args:
        judge: gives the autonomy settings of policy versions.
        store: the autonomy store.
    """

    def __init__(self, judge: Judge, store: AutonomyStore) -> None:
        self._judge = judge
        self._store = store

    async def released(self, view: CaseView) -> bool:
        """Whether a case's order is placed as released, and not as a draft for the planner."""
        if view.decision is not None and view.decision.approved:
            return True
        if view.rung < Rung.WORK_ORDER:
            return False
        terms = self._judge.autonomy(view.version)
        if not terms.enforce:
            return True
        return (await self._store.record(AutonomyKey.of(view), terms)).state is AutonomyState.AUTOMATIC

    async def learn(self, view: CaseView) -> None:
        """Updates the measured precision of a case's class and failure mode; called after an outcome was stored.

        A repeated call changes nothing, because all findings are counted again each time.
        """
        terms = self._judge.autonomy(view.version)
        if not terms.enforce:
            return
        key = AutonomyKey.of(view)
        for _ in range(_TRIES):
            record = await self._store.record(key, terms)
            advice = self._judge.weigh_autonomy(view.version, record)
            if advice is None or await self._store.advised(key, record, advice):
                return
