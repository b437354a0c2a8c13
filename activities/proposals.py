"""Proposing what a case should lead to, and a person's say in it."""

from collections.abc import Mapping

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.progress import CaseRef, Progress, step
from domain.cases import CaseView, Decision, Lane
from domain.casework import CaseStore
from domain.clock import Clock
from domain.counterfactuals import VerdictCounterfactuals
from domain.errors import ActRejected, ConnectorError
from domain.model import Model
from domain.ports import Judge, Mes
from domain.production import ProductionContext
from domain.verdict import Rung


class DecideCase(Model):
    """A person's yes or no to what a case proposes."""

    case: str
    approved: bool
    by: str
    reason: str


class Proposals:
    """Proposes, and takes decisions.

    Args:
        cases: where cases are kept.
        mes: what production looks like, by the id of each MES instance.
        judge: says when the work should happen.
        clock: the plant's time.
    """

    def __init__(self, cases: CaseStore, mes: Mapping[str, Mes], judge: Judge, clock: Clock) -> None:
        self._cases = cases
        self._mes = mes
        self._judge = judge
        self._clock = clock

    @activity.defn(name="propose-work")
    async def propose_work(self, ref: CaseRef) -> Progress:
        """Reads production afresh and keeps when the work should happen.

        A silent MES is no reason to wait: the policy says what to do when nothing is known of production.
        """
        async with step(self._cases, self._clock, ref.case, "propose-work") as attempt:
            if attempt.view.urgency is None and attempt.view.closed_as is None:
                attempt.view = await self._timed(attempt.view)
        return attempt.progress

    async def _explained(self, case: str) -> VerdictCounterfactuals | None:
        """What would have changed the verdict: computed here and not in judging, which has no time for it."""
        grounds = await self._cases.grounds(case)
        if grounds is None:
            activity.logger.warning("case %s is not explained: its verdict is not whole any more", case)
            return None
        changes = self._judge.counterfactuals(grounds.version, grounds.memory, grounds.anomaly, grounds.context)
        return VerdictCounterfactuals(verdict=grounds.verdict, changes=changes)

    @activity.defn(name="await-review")
    async def await_review(self, ref: CaseRef) -> Progress:
        """Done when a case at `inspect` was decided by a person, or has risen to a rung that orders by itself."""
        async with step(self._cases, self._clock, ref.case, "await-review") as attempt:
            view = attempt.view
            if view.closed_as is None and view.rung == Rung.INSPECT and view.decision is None and not view.withdraw:
                attempt.wait("a person to inspect and decide")
                attempt.lane = Lane.REVIEW
        return attempt.progress

    @activity.defn(name="record-decision")
    async def record_decision(self, decide: DecideCase) -> None:
        """Keeps a person's decision.

        Raises:
            ApplicationError: not to be tried again: the case is closed, or was decided the other way already.
        """
        decision = Decision(approved=decide.approved, by=decide.by, reason=decide.reason, at=self._clock.now())
        try:
            await self._cases.record_decision(decide.case, decision)
        except ActRejected as error:
            # Tried for ever, it would keep the person waiting and the workflow from ending.
            raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from error

    async def _timed(self, view: CaseView) -> CaseView:
        production: ProductionContext | None = None
        mes = self._mes.get(view.mes_system or "")
        if view.mes_equipment is not None and mes is not None:
            try:
                production = await mes.read_production(view.mes_equipment)
            except ConnectorError as error:
                activity.logger.warning("case %s is timed without production: %s", view.id, error)
        urgency = self._judge.urgency(view.version, view.verdict, view.context, production, self._clock.now())
        await self._cases.record_proposal(view.id, urgency, production, await self._explained(view.id))
        return view.model_copy(update={"urgency": urgency})
