"""Whether an order may go out without a planner, and what its finding means for the next ones."""

from domain.autonomy import AutonomyKey, AutonomyState, AutonomyStore
from domain.cases import CaseView
from domain.ports import Judge
from domain.verdict import Rung

_TRIES = 5


class Autonomy:
    """Says what is released, and learns.

    Args:
        judge: what versions say of autonomy.
        store: where it is kept.
    """

    def __init__(self, judge: Judge, store: AutonomyStore) -> None:
        self._judge = judge
        self._store = store

    async def released(self, view: CaseView) -> bool:
        """Whether a case's order goes out released, and not as a draft for the planner."""
        if view.decision is not None and view.decision.approved:
            return True
        if view.rung < Rung.WORK_ORDER:
            return False
        terms = self._judge.autonomy(view.version)
        if not terms.enforce:
            return True
        return (await self._store.record(AutonomyKey.of(view), terms)).state is AutonomyState.AUTOMATIC

    async def learn(self, view: CaseView) -> None:
        """Weighs what is now known of a case's class and failure mode; called whenever an outcome was kept.

        Doing it again changes nothing: what is weighed is the whole record.
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
