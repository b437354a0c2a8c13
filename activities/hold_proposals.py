"""Asks production before a machine is held (F14)."""

from datetime import datetime

from activities.progress import Step
from domain.cases import CaseView, Lane
from domain.casework import CaseStore
from domain.clock import Clock
from domain.hold_proposals import HoldProposal, proposed
from domain.hold_store import HoldStore
from domain.ports import Judge


class HoldProposals:
    """Proposes holds to production, and waits for the answers.

    Args:
        cases: the case store, which keeps questions and answers.
        holds: the hold store.
        judge: says which holds a version lets be placed unasked.
        clock: the plant's time.
    """

    def __init__(self, cases: CaseStore, holds: HoldStore, judge: Judge, clock: Clock) -> None:
        self._cases = cases
        self._holds = holds
        self._judge = judge
        self._clock = clock

    def unasked(self, view: CaseView) -> bool:
        """Whether the case's version lets the hold be placed without asking."""
        return self._judge.hold_terms(view.version, view.context.asset_class).unasked

    async def may_place(self, attempt: Step, system: str) -> bool:
        """Whether the hold of a case may be placed now. If not, the step waits: for the time, or for production.

        A case on a machine that another case holds already shares that hold, so production is not asked again.

        Args:
            system: the MES instance.
        """
        view, now = attempt.view, self._clock.now()
        if view.urgency is None:
            attempt.wait(view.waiting_for)
            return False
        due_at = view.urgency.hold_at or now
        if self.unasked(view) or await self._holds.stands_on(system, view.mes_equipment or ""):
            if due_at > now:
                attempt.wait(view.waiting_for, due_at)
            return due_at <= now
        proposal = view.hold_proposal or await self._propose(view, due_at)
        if proposal.place_at is not None and proposal.place_at <= now:
            return True
        if proposal.answer is None:
            _wait_for_answer(attempt, view.mes_equipment or "", proposal, now)
        else:
            attempt.wait(None, proposal.place_at)
        return False

    async def _propose(self, view: CaseView, due_at: datetime) -> HoldProposal:
        terms = self._judge.hold_terms(view.version, view.context.asset_class)
        return await self._cases.propose_hold(view.id, proposed(terms, due_at, self._clock.now()))


def _wait_for_answer(attempt: Step, equipment: str, proposal: HoldProposal, now: datetime) -> None:
    asked = f"production to accept, time or refuse a hold of {equipment}, due {proposal.hold_at:%Y-%m-%d %H:%M} UTC"
    if proposal.unanswered_at(now) and proposal.place_at is None:
        attempt.lane = Lane.OPERATIONS
        attempt.wait(f"{asked}: no answer since {proposal.asked_at:%Y-%m-%d %H:%M} UTC, and nothing is held")
    else:
        attempt.lane = Lane.PRODUCTION
        attempt.wait(asked, proposal.place_at or proposal.answer_by)
