"""Asks production before a machine is held (F14)."""

from datetime import datetime

from activities.progress import Step
from activities.wanted_holds import HOLD_STEP, asked_lane, waits_for_answer
from domain.cases import CaseView, Lane
from domain.casework import CaseStore
from domain.clock import Clock
from domain.hold_proposals import HoldProposal, HoldTerms, OnSilence, proposed
from domain.hold_store import HoldStore
from domain.ports import Judge
from domain.wording import ENGLISH


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

    async def _terms(self, view: CaseView) -> HoldTerms:
        """How production is asked for a case. The clauses of a version that lacks its approvals do not count: one that
        is in force as an emergency asks, and silence places nothing."""
        terms = self._judge.hold_terms(view.version, view.context.asset_class)
        if not terms.unasked and terms.on_silence is OnSilence.ESCALATE:
            return terms
        if await self._cases.version_approved(view.version):
            return terms
        return HoldTerms(unasked=False, answer_within=terms.answer_within)

    async def placeable(self, attempt: Step, system: str) -> HoldTerms | None:
        """The terms under which the hold of a case may be placed now. None if it may not be: the step waits for the
        time, or for production.

        A case on a machine that another case holds already shares that hold, so production is not asked again.

        Args:
            system: the MES instance.
        """
        view, now = attempt.view, self._clock.now()
        if view.urgency is None:
            attempt.wait(view.waiting_for)
            return None
        due_at, terms = view.urgency.hold_at or now, await self._terms(view)
        answered = view.hold_proposal is not None and view.hold_proposal.answer is not None
        shared = not answered and await self._holds.stands_on(system, view.mes_equipment or "")
        if terms.unasked or shared:
            if due_at <= now:
                return terms
            attempt.wait(view.waiting_for, due_at)
            return None
        proposal = view.hold_proposal or await self._propose(view, terms, due_at)
        if proposal.place_at is not None and proposal.place_at <= now:
            return terms
        if proposal.answer is None:
            _wait_for_answer(attempt, view, proposal, now)
        else:
            # Only the wait for the answer ends. What the order waits for is another step's.
            attempt.wait(None if waits_for_answer(view) else view.waiting_for, proposal.place_at)
        return None

    async def _propose(self, view: CaseView, terms: HoldTerms, due_at: datetime) -> HoldProposal:
        return await self._cases.propose_hold(view.id, proposed(terms, due_at, self._clock.now()))


def _wait_for_answer(attempt: Step, view: CaseView, proposal: HoldProposal, now: datetime) -> None:
    if view.attempts and view.waiting_step != HOLD_STEP:
        # Another system does not answer, or refuses. That wait and its pauses stay.
        attempt.wait(view.waiting_for, view.waiting_until)
        return
    equipment = view.mes_equipment
    asked = f"production to accept, time or refuse a hold of {equipment}, due {proposal.hold_at:%Y-%m-%d %H:%M} UTC"
    attempt.lane = asked_lane(view.model_copy(update={"hold_proposal": proposal}), now)
    if attempt.lane is Lane.OPERATIONS:
        attempt.wait(f"{asked}: no answer since {proposal.asked_at:%Y-%m-%d %H:%M} UTC, and nothing is held")
    else:
        attempt.wait(f"{asked}{_worth(view)}", proposal.place_at or proposal.answer_by)


def _worth(view: CaseView) -> str:
    """What production must know of the hold that it is asked for, where the MES does not enforce it."""
    enforcement = view.production.enforcement if view.production is not None else None
    words = enforcement.words_in(ENGLISH) if enforcement is not None else ""
    return f". {words}" if words else ""
