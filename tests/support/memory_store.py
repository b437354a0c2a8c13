"""Cases in memory, with their holds, with the behaviour of `millwright.storage`. Each method is one call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.anomaly import Anomaly, AnomalyKind
from domain.attaching import OrderAttachment
from domain.cases import CaseView, ClosedAs, Decision, Lane, Phase
from domain.casework import LEARNING_STEP, Waits
from domain.clock import Clock
from domain.cmms import OrderLease
from domain.corrections import corrected
from domain.counterfactuals import Counterfactuals, Grounds, VerdictCounterfactuals
from domain.draft_findings import DraftCheck
from domain.errors import ActRejected, Unavailable
from domain.hold_proposals import HoldAnswer, HoldProposal, check_answer
from domain.holds import HoldView
from domain.open_work import OpenWorkSeen
from domain.outcomes import Label, LabelSources, Outcome, OutcomeClass, OutcomeStatement
from domain.production import ProductionContext
from domain.stops import StoppableAction
from domain.suspect_lots import SuspectLots
from domain.twin_writes import TwinWrite
from domain.unreadable import UnreadableRecord
from domain.verdict import Memory, Rung, UrgencyDecision
from domain.work_orders import Escalation, WorkOrderDraft, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from tests.support.fault_injection import store_call
from tests.support.memory_attached_orders import MemoryAttachedOrders, of_another
from tests.support.memory_holds import MemoryHolds
from tests.support.memory_leases import MemoryLeases
from tests.support.memory_outcomes import MemoryOutcomes


@dataclass(slots=True)
class _Due:
    at: datetime | None
    generation: int = 1


class MemoryStore:
    """See `domain.casework.CaseStore` and `ChangeStore`, and `domain.suspect_lots.SuspectLotStore`.

    `holds` is the `HoldStore` beside them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.cases: dict[str, CaseView] = {}
        self.holds = MemoryHolds(clock, self.cases, self._wake, self.open)
        self.leases = MemoryLeases(clock)
        self.outcomes = MemoryOutcomes(self.cases, self._wake)
        self.due: dict[str, _Due] = {}
        self.stopped: dict[StoppableAction, str] = {}
        """What is not to be done now, and why."""
        self.attached = MemoryAttachedOrders(clock, self.cases, self._wake)
        self._cursor: str | None = None
        self.unreadable: list[UnreadableRecord] = []
        self.explanations: dict[tuple[str, int], Counterfactuals] = {}

    def open(self, view: CaseView) -> None:
        """Opens a case, as judging does for the first verdict on a fault."""
        self.cases[view.id] = view
        self.due[view.id] = _Due(self._clock.now())

    def raised(self, case: str, rung: Rung) -> None:
        """Raises the rung of a case, as judging does for further evidence."""
        view = self.cases[case]
        if view.closed_as is None:
            # A higher rung may be more urgent.
            urgency = None if rung > view.rung else view.urgency
            self._set(case, rung=max(rung, view.rung), urgency=urgency, withdraw=None)
            self._wake(case)

    def doubted(self, case: str) -> None:
        """Marks a case for withdrawal, as judging does when no evidence of it is left."""
        if self.cases[case].closed_as is None:
            self._set(case, withdraw="judged again as watch")
            self._wake(case)

    def retired(self, case: str) -> None:
        """Calls off the work of a case whose asset has left the plant."""
        self._set(case, withdraw="it was retired", retired_at=self._clock.now())
        self._wake(case)

    def live_holds(self) -> list[HoldView]:
        """The holds that are, or may be, in force."""
        return self.holds.live()

    def now(self, case: str) -> CaseView:
        """A case as it is, without a call."""
        return self.cases[case].model_copy(update={"hold": self.holds.of(case)})

    async def view(self, case: str) -> tuple[CaseView, int]:
        return await store_call(lambda: (self.now(case), self.due[case].generation))

    async def rest(self, case: str, seen: int, next_at: datetime | None, waits: Waits | None = None) -> None:
        await store_call(lambda: self._settle(case, seen, next_at, waits))

    async def wait(self, case: str, waits: Waits) -> None:
        await store_call(lambda: self._wait(case, waits))

    async def resume(self, case: str) -> None:
        await store_call(
            lambda: self._set(case, waiting_for=None, waiting_step=None, waiting_until=None, lane=None, attempts=0)
        )

    async def grounds(self, case: str) -> Grounds | None:
        return await store_call(lambda: self._grounds(self.cases[case]))

    async def record_proposal(
        self,
        case: str,
        urgency: UrgencyDecision,
        production: ProductionContext | None,
        explanation: VerdictCounterfactuals | None = None,
    ) -> None:
        await store_call(lambda: self._propose(case, urgency, production, explanation))

    async def record_decision(self, case: str, decision: Decision) -> None:
        await store_call(lambda: self._decide(case, decision))

    async def intend_order(
        self,
        case: str,
        system: str,
        draft: WorkOrderDraft,
        open_work: OpenWorkSeen | None,
        check: DraftCheck | None,
    ) -> WorkOrderDraft:
        return await store_call(lambda: self._intend(case, draft, open_work, check))

    async def attach_order(
        self,
        case: str,
        system: str,
        draft: WorkOrderDraft,
        open_work: OpenWorkSeen,
        check: DraftCheck | None,
        attachment: OrderAttachment,
    ) -> bool:
        del system
        return await store_call(lambda: self.attached.attach(case, draft, open_work, check, attachment))

    async def detach_order(self, case: str, record: WorkOrderRecord, because: str) -> None:
        await store_call(lambda: self.attached.detach(case, record, because))

    async def check_move(self, case: str, order: WorkOrderRef, to: WorkOrderStatus | Escalation) -> None:
        del case, order, to
        await store_call(lambda: None)

    async def record_order(
        self, case: str, record: WorkOrderRecord, read_at: datetime, lease: OrderLease | None = None
    ) -> None:
        await store_call(lambda: self._see(case, record, read_at, lease))

    async def record_outcome(self, outcome: Outcome) -> None:
        await store_call(lambda: self.outcomes.record(outcome))

    async def wake(self, some: Sequence[str]) -> None:
        raise NotImplementedError(some)

    def woken(self, case: str) -> None:
        """Makes a case due, as storage does for a closed case too whose codes may be known by now."""
        self._wake(case)

    async def record_order_note(self, case: str, key: str, words: str) -> None:
        del words
        await store_call(lambda: self._noted(case, key))

    async def reclassify_outcome(self, outcome: Outcome) -> None:
        await store_call(lambda: self.outcomes.reclassify(outcome))

    async def version_approved(self, version: str) -> bool:
        del version
        return await store_call(lambda: True)

    async def keep(self, case: str, lots: SuspectLots) -> None:
        """See `domain.suspect_lots.SuspectLotStore`."""
        await store_call(lambda: self._keep_lots(case, lots))

    def _keep_lots(self, case: str, lots: SuspectLots) -> None:
        if self.cases[case].suspect_lots is None:
            self._set(case, suspect_lots=lots)

    async def propose_hold(self, case: str, proposal: HoldProposal) -> HoldProposal:
        return await store_call(lambda: self._propose_hold(case, proposal))

    async def answer_hold(self, case: str, answer: HoldAnswer) -> HoldAnswer:
        return await store_call(lambda: self._answer_hold(case, answer))

    async def state_outcome(self, case: str, outcome: OutcomeClass, statement: OutcomeStatement) -> OutcomeStatement:
        return await store_call(lambda: self.outcomes.state(case, outcome, statement))

    async def record_twin_update(self, case: str, write: TwinWrite, told: OutcomeClass) -> None:
        await store_call(lambda: self.outcomes.tell(case, write, told))

    async def keep_label(self, label: Label) -> None:
        await store_call(lambda: self.outcomes.keep_label(label))

    async def close(
        self, case: str, how: ClosedAs, unread: str | None = None, again_at: datetime | None = None
    ) -> None:
        await store_call(lambda: self._close(case, how, unread, again_at))

    async def check_names(self, view: CaseView) -> None:
        """There is no register that could differ."""

    async def stop_reason(self, case: str, action: StoppableAction) -> str | None:
        return self.stopped.get(action)

    async def label_sources(self, case: str, until: datetime) -> LabelSources:
        return await store_call(lambda: LabelSources(detectors=("adx:volt",)))

    async def cursor(self, system: str) -> str | None:
        return await store_call(lambda: self._cursor)

    async def store_page(
        self,
        system: str,
        records: Sequence[WorkOrderRecord],
        cursor: str,
        unreadable: Sequence[UnreadableRecord] = (),
    ) -> Sequence[str]:
        self.unreadable += unreadable
        return await store_call(lambda: self._take(records, cursor))

    async def finish_poll(self, system: str, seen: int, next_at: datetime) -> None:
        await store_call(lambda: None)

    async def poll_generation(self, system: str) -> int:
        return await store_call(lambda: 0)

    def _set(self, case: str, **values: object) -> None:
        self.cases[case] = self.cases[case].model_copy(update=values)

    def _grounds(self, view: CaseView) -> Grounds:
        seen = Anomaly(
            kind=AnomalyKind.MANUAL,
            asset=view.asset.id,
            failure_mode=view.failure_mode,
            at=view.event_at,
            detector="tests",
        )
        return Grounds(verdict=1, version=view.version, memory=Memory(), anomaly=seen, context=view.context)

    def _propose(
        self,
        case: str,
        urgency: UrgencyDecision,
        production: ProductionContext | None,
        explanation: VerdictCounterfactuals | None,
    ) -> None:
        phase = self.cases[case].phase
        if explanation is not None:
            self.explanations.setdefault((case, explanation.verdict), explanation.changes)
        self._set(
            case,
            urgency=urgency,
            production=production,
            phase=Phase.REVIEW if phase is Phase.PROPOSE else phase,
        )
        self.holds.take_over(case)

    def _propose_hold(self, case: str, proposal: HoldProposal) -> HoldProposal:
        view = self.cases[case]
        if view.hold_proposal is None:
            self._set(case, hold_proposal=proposal)
        return view.hold_proposal or proposal

    def _answer_hold(self, case: str, answer: HoldAnswer) -> HoldAnswer:
        view = self.cases[case]
        if view.hold_proposal is None or view.closed_as is not None or self.holds.claim_of(case) is not None:
            raise ActRejected("nothing to answer")
        check_answer(answer, view.hold_proposal.hold_at, self._clock.now())
        self._set(case, hold_proposal=view.hold_proposal.model_copy(update={"answer": answer}))
        self._wake(case)
        return answer

    def _wake(self, case: str) -> None:
        due = self.due[case]
        now = self._clock.now()
        due.at = min(due.at or now, now)
        due.generation += 1

    def _settle(self, case: str, seen: int, next_at: datetime | None, waits: Waits | None) -> None:
        if self.due[case].generation == seen:
            self.due[case].at = next_at
        if waits is not None:
            self._wait(case, waits)

    def _wait(self, case: str, waits: Waits) -> None:
        waited = {"waiting_for": waits.reason, "waiting_step": waits.step, "waiting_until": waits.until}
        attempts = self.cases[case].attempts + 1 if waits.failed else 0
        self._set(case, lane=waits.lane, attempts=attempts, **waited)

    def _decide(self, case: str, decision: Decision) -> None:
        view = self.cases[case]
        if view.decision is not None:
            if view.decision.approved == decision.approved:
                return
            raise ActRejected("decided the other way")
        if view.closed_as is not None:
            raise ActRejected("closed")
        self._set(case, decision=decision, lane=None)
        self._wake(case)

    def _intend(
        self, case: str, draft: WorkOrderDraft, open_work: OpenWorkSeen | None, check: DraftCheck | None
    ) -> WorkOrderDraft:
        first, order = self.cases[case].draft, self.cases[case].order
        if order is not None and order.of_a_person:
            raise Unavailable("it has an order of a person", system="record", operation="create-work-order")
        if first is None:
            self._set(case, draft=draft, open_work=open_work, draft_check=check, phase=Phase.PLACE)
        return draft if first is None else corrected(first, self.cases[case].corrections)

    def _see(self, case: str, record: WorkOrderRecord, read_at: datetime, lease: OrderLease | None) -> None:
        if lease is not None:
            self.leases.check(lease)
        known, known_at = self.cases[case].order, self.cases[case].order_read_at
        if of_another(known, record):
            return
        overtaken = known_at is None or known_at >= read_at
        if known is not None and overtaken and record.older_than(known):
            return
        phase = Phase.WORK if known is None and self.cases[case].closed_as is None else self.cases[case].phase
        self._set(case, order=record.without_past_day(known), order_read_at=read_at, phase=phase)

    def _noted(self, case: str, key: str) -> None:
        if key not in (notes := self.cases[case].order_notes):
            self._set(case, order_notes=(*notes, key))

    def _close(self, case: str, how: ClosedAs, unread: str | None, again_at: datetime | None) -> None:
        known = (view := self.cases[case]).closed_as
        if view.phase is Phase.CLOSED or (known is None and how is ClosedAs.WITHDRAWN and view.withdraw is None):
            return
        held = self.holds.claim_of(case) is not None
        if held and known is not None:
            return
        none = {"waiting_for": None, "waiting_until": None, "lane": None}
        self._set(case, closed_as=known or how, phase=Phase.AWAITING_RELEASE if held else Phase.CLOSED, **none)
        if held:
            return
        found = self.outcomes.of_case.get(case)
        words = unread if found is not None and found.outcome is OutcomeClass.UNKNOWN else None
        self._set(case, closed_at=self._clock.now())
        self.due[case].at = again_at
        learns = found is not None and not found.cancelled and found.outcome is not OutcomeClass.NOT_INSPECTED
        if (known or how) is ClosedAs.DONE and learns and not view.labelled and words is None:
            self._wake(case)
        if words is not None:
            self._set(case, waiting_for=words, waiting_step=LEARNING_STEP, lane=Lane.PLANNER)

    def _take(self, records: Sequence[WorkOrderRecord], cursor: str) -> Sequence[str]:
        woken = []
        for told in records:
            known = self.cases.get(told.ref.key)
            record = told.without_past_day(known.order if known else None)
            if known is None or known.draft is None or known.order == record:
                continue
            if known.order is not None and (known.order.of_a_person or record.stamped_before(known.order)):
                continue
            self._set(known.id, order=record, order_read_at=self._clock.now())
            if known.phase is not Phase.CLOSED or known.outcome is OutcomeClass.UNKNOWN:
                woken.append(known.id)
                self._wake(known.id)
        self._cursor = cursor
        return woken
