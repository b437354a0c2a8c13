"""Proposes the action for a case, and waits for a person's decision on it."""

from collections.abc import Mapping

from temporalio import activity

from activities.progress import REVIEW_STEP, CaseRef, Progress, review_wanted, step
from domain.cases import CaseView, Lane
from domain.casework import CaseStore
from domain.clock import Clock
from domain.counterfactuals import Grounds, VerdictCounterfactuals
from domain.dependents import Dependents
from domain.errors import ConnectorError
from domain.ports import Judge, Mes
from domain.pricing import TimedFault
from domain.production import ProductionContext


class Proposals:
    """Proposes actions, and waits for decisions.

    Args:
        cases: the case store.
        mes: gives the state of production, by the id of each MES instance.
        judge: decides when the work should happen.
        clock: the plant's time.
    """

    def __init__(self, cases: CaseStore, mes: Mapping[str, Mes], judge: Judge, clock: Clock) -> None:
        self._cases = cases
        self._mes = mes
        self._judge = judge
        self._clock = clock

    @activity.defn(name="propose-work")
    async def propose_work(self, ref: CaseRef) -> Progress:
        """Reads the state of production and stores when the work should happen.

        If the MES does not answer, the proposal does not wait: the policy decides without the state of production.
        """
        async with step(self._cases, self._clock, ref.case, "propose-work") as attempt:
            if attempt.view.urgency is None and attempt.view.closed_as is None:
                attempt.view = await self._timed(attempt.view)
        return attempt.progress

    def _explained(self, case: str, grounds: Grounds | None) -> VerdictCounterfactuals | None:
        """What would have changed the verdict. It is computed here because it would make judging too slow."""
        if grounds is None:
            activity.logger.warning("case %s is not explained: the memory before its verdict is missing", case)
            return None
        changes = self._judge.counterfactuals(grounds.version, grounds.memory, grounds.anomaly, grounds.context)
        return VerdictCounterfactuals(verdict=grounds.verdict, changes=changes)

    @activity.defn(name=REVIEW_STEP)
    async def await_review(self, ref: CaseRef) -> Progress:
        """Done when a person decided on a case at `inspect`, or when its rung rose to one that needs no decision."""
        async with step(self._cases, self._clock, ref.case, REVIEW_STEP) as attempt:
            if review_wanted(attempt.view):
                attempt.wait("a person to inspect and decide")
                attempt.lane = Lane.REVIEW
        return attempt.progress

    async def _timed(self, view: CaseView) -> CaseView:
        # Fault and context are those of the verdict as they were recorded, so that the decision can be made again. They
        # are read right after the case, before the MES is asked: the case may be raised meanwhile.
        grounds = await self._cases.grounds(view.id)
        fault, context = TimedFault(failure_mode=view.failure_mode, seen_at=view.event_at), view.context
        if grounds is not None:
            fault, context = TimedFault.of(grounds.anomaly), grounds.context
        production = await self._production(view, view.mes_equipment)
        dependents = await self._dependents(view)
        now = self._clock.now()
        urgency = self._judge.urgency(view.version, view.verdict, fault, context, production, now, dependents)
        if grounds is None:
            # What the verdict was given is not whole any more, so the audit cannot decide this time again.
            urgency = urgency.model_copy(update={"fault": None})
        await self._cases.record_proposal(view.id, urgency, production, self._explained(view.id, grounds))
        return view.model_copy(update={"urgency": urgency})

    async def _production(self, view: CaseView, equipment: str | None) -> ProductionContext | None:
        """The state of a machine, by its name in the MES that serves the case's site; None if it is not known."""
        mes = self._mes.get(view.mes_system or "")
        if not equipment or mes is None:
            return None
        try:
            read = await mes.read_production(equipment)
            return read.model_copy(update={"enforcement": mes.enforcement})
        except ConnectorError as error:
            activity.logger.warning("case %s is scheduled without the state of %s: %s", view.id, equipment, error)
            return None

    async def _dependents(self, view: CaseView) -> Dependents | None:
        """What stops with the case's machine, and the first standby that runs a job; None if the twins say nothing."""
        if not view.stops and not view.standbys:
            return None
        for machine, equipment in view.standbys.items():
            state = await self._production(view, equipment)
            if state is not None and state.doubt is None and state.running:
                return Dependents(standby=machine, stops=view.stops)
        return Dependents(stops=view.stops)
