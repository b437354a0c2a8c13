"""What the steps of a case write; see `domain.casework.CaseStore`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import case as case_
from sqlalchemy import func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.attaching import OrderAttachment
from domain.cases import CaseView, ClosedAs, Decision, Lane, Phase
from domain.casework import LEARNING_STEP, Waits
from domain.clock import Clock
from domain.cmms import OrderLease
from domain.corrections import DraftCorrection
from domain.counterfactuals import Grounds, VerdictCounterfactuals
from domain.draft_findings import DraftCheck
from domain.hold_proposals import HoldAnswer, HoldProposal
from domain.instances import PlantInstances
from domain.keys import case_workflow_id
from domain.open_work import OpenWorkSeen
from domain.outcomes import Label, LabelSources, Outcome, OutcomeClass, OutcomeStatement
from domain.production import ProductionContext
from domain.stops import StoppableAction
from domain.twin_writes import TwinWrite
from domain.verdict import UrgencyDecision
from domain.work_orders import Escalation, WorkOrderDraft, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from millwright.storage.cases.admissions import wake_waiting
from millwright.storage.cases.attached_orders import attach_order, detach_order
from millwright.storage.cases.case_views import read_case
from millwright.storage.cases.closing import closing_rows
from millwright.storage.cases.corrections import Correcting, correct_draft
from millwright.storage.cases.decisions import decide_case
from millwright.storage.cases.explanations import keep_explanation, read_grounds
from millwright.storage.cases.hold_proposals import answer_hold, propose_hold
from millwright.storage.cases.hold_take_over import take_over
from millwright.storage.cases.labels import keep_label, label_sources
from millwright.storage.cases.order_grounds import check_move
from millwright.storage.cases.order_intents import intend_order
from millwright.storage.cases.order_records import record_order
from millwright.storage.cases.outcome_records import reclassify_outcome, record_outcome
from millwright.storage.cases.register_grounds import check_names
from millwright.storage.cases.stated_outcomes import UnknownOutcome, state_outcome, unknown_outcomes
from millwright.storage.cases.twin_writes import keep_twin_write
from millwright.storage.cases.unattended_releases import is_approved
from millwright.storage.database.case_tables import cases, work_orders
from millwright.storage.database.engine import raw, transaction, unbound
from millwright.storage.ledger import ledger
from millwright.storage.policies.assignments import VersionTerms
from millwright.storage.policies.stops import standing_stop
from millwright.storage.policies.versions import learn_version
from millwright.storage.scheduling import due

_ACTOR = "millwright"


class _Writing:
    """A transaction over one case, its acts collected for the ledger."""

    def __init__(self, connection: AsyncConnection, case: str, now: datetime) -> None:
        self.connection = connection
        self.case = case
        self.now = now
        self.entry = ledger.Entry(now)

    def act(self, kind: str, actor: str = _ACTOR, **detail: object) -> None:
        self.entry.add(ledger.act(kind, case_workflow_id(self.case), actor, self.now, detail))

    async def set(self, **values: object) -> None:
        await self.connection.execute(update(cases).where(cases.c.id == self.case).values(**values))

    async def wait(self, waits: Waits) -> None:
        await self.set(
            waiting_for=waits.reason,
            waiting_step=waits.step,
            waiting_until=waits.until,
            lane=waits.lane.value if waits.lane else None,
            attempts=cases.c.attempts + 1 if waits.failed else 0,
        )
        told = {"draft_refused": True} if waits.draft_refused else {}
        self.act("case-waits", _ACTOR, reason=waits.reason, until=waits.until, lane=waits.lane, step=waits.step, **told)


class CaseStore:
    """The cases in PostgreSQL.

    Args:
        engine: the database.
        clock: the plant's time.
        terms: the versions compiled in this process; a case's own is made sure of before any step of it.
        work_window: how long work in progress keeps a machine's other faults quiet at most; None for not at all.
        instances: which CMMS and MES serve which site.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        terms: VersionTerms,
        work_window: timedelta | None = None,
        instances: PlantInstances | None = None,
    ) -> None:
        self._engine = engine
        self._instances = instances or PlantInstances()
        self._clock = clock
        self._terms = terms
        self._work_window = work_window

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        async with transaction(self._engine) as connection:
            yield connection

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[AsyncConnection]:
        """For those who only look: a transaction around it would wait for the database twice more."""
        async with unbound(self._engine) as connection:
            yield connection

    @asynccontextmanager
    async def _writing(self, case: str) -> AsyncIterator[_Writing]:
        async with self._transaction() as connection:
            writing = _Writing(connection, case, self._clock.now())
            yield writing
            await ledger.append(connection, writing.entry)

    async def view(self, case: str) -> tuple[CaseView, int]:
        async with self._looking() as connection:
            view, seen = await read_case(connection, case, self._instances)
            if not self._terms.knows(view.version):
                driver = await raw(connection)
                async with driver.cursor() as cursor:
                    await learn_version(cursor, view.version, self._terms)
            return view, seen

    async def rest(self, case: str, seen: int, next_at: datetime | None, waits: Waits | None = None) -> None:
        async with self._writing(case) as writing:
            # The case before its due row, as judging has them.
            if waits is not None:
                await writing.wait(waits)
            await due.settle(writing.connection, case_workflow_id(case), seen, next_at)

    async def wait(self, case: str, waits: Waits) -> None:
        async with self._writing(case) as writing:
            await writing.wait(waits)

    async def resume(self, case: str) -> None:
        async with self._writing(case) as writing:
            await writing.set(waiting_for=None, waiting_step=None, waiting_until=None, lane=None, attempts=0)
            writing.act("case-resumed")

    async def grounds(self, case: str) -> Grounds | None:
        async with self._looking() as connection:
            return await read_grounds(connection, case)

    async def record_proposal(
        self,
        case: str,
        urgency: UrgencyDecision,
        production: ProductionContext | None,
        explanation: VerdictCounterfactuals | None = None,
    ) -> None:
        async with self._writing(case) as writing:
            if explanation is not None:
                digest = await keep_explanation(writing.connection, case, explanation)
                if digest is not None:
                    writing.act("verdict-explained", verdict=explanation.verdict, digest=digest)
            await writing.set(
                urgency=urgency.model_dump(mode="json"),
                production=production.model_dump(mode="json") if production else None,
                phase=case_((cases.c.phase == Phase.PROPOSE.value, literal(Phase.REVIEW.value)), else_=cases.c.phase),
            )
            writing.act("work-proposed", urgency=urgency, production=production)
            await take_over(writing.connection, case, writing.now, writing.entry)

    async def record_decision(self, case: str, decision: Decision) -> Decision:
        """See `millwright.storage.cases.decisions`."""
        async with self._writing(case) as writing:
            return await decide_case(writing.connection, case, decision, writing.entry)

    async def version_approved(self, version: str) -> bool:
        async with self._looking() as connection:
            return await is_approved(connection, version)

    async def propose_hold(self, case: str, proposal: HoldProposal) -> HoldProposal:
        """See `millwright.storage.cases.hold_proposals`."""
        async with self._writing(case) as writing:
            return await propose_hold(writing.connection, case, proposal, writing.entry)

    async def answer_hold(self, case: str, answer: HoldAnswer) -> HoldAnswer:
        """See `millwright.storage.cases.hold_proposals`."""
        async with self._writing(case) as writing:
            return await answer_hold(writing.connection, case, answer, writing.entry)

    async def intend_order(
        self,
        case: str,
        system: str,
        draft: WorkOrderDraft,
        open_work: OpenWorkSeen | None,
        check: DraftCheck | None,
    ) -> WorkOrderDraft:
        """See `millwright.storage.cases.order_intents`."""
        async with self._writing(case) as writing:
            return await intend_order(writing.connection, case, system, draft, open_work, check, writing.entry)

    async def attach_order(
        self,
        case: str,
        system: str,
        draft: WorkOrderDraft,
        open_work: OpenWorkSeen,
        check: DraftCheck | None,
        attachment: OrderAttachment,
    ) -> bool:
        """See `millwright.storage.cases.attached_orders`."""
        async with self._writing(case) as writing:
            longest, entry = self._work_window, writing.entry
            return await attach_order(
                writing.connection, case, system, draft, open_work, check, attachment, longest, entry
            )

    async def detach_order(self, case: str, record: WorkOrderRecord, because: str) -> None:
        """See `millwright.storage.cases.attached_orders`."""
        async with self._writing(case) as writing:
            await detach_order(writing.connection, case, record, because, writing.entry)

    async def check_move(self, case: str, order: WorkOrderRef, to: WorkOrderStatus | Escalation) -> None:
        """See `millwright.storage.cases.order_grounds`."""
        async with self._looking() as connection:
            await check_move(connection, case, order, to)

    async def record_order(
        self, case: str, record: WorkOrderRecord, read_at: datetime, lease: OrderLease | None = None
    ) -> None:
        """See `millwright.storage.cases.order_records`."""
        async with self._writing(case) as writing:
            longest, entry = self._work_window, writing.entry
            await record_order(writing.connection, case, record, read_at, lease, longest, entry)

    async def record_order_note(self, case: str, key: str, words: str) -> None:
        async with self._writing(case) as writing:
            added = await writing.connection.execute(
                update(work_orders)
                .where(work_orders.c.case_id == case, func.array_position(work_orders.c.notes, key).is_(None))
                .values(notes=func.array_append(work_orders.c.notes, key))
            )
            if added.rowcount:
                writing.act("order-noted", key=key, text=words)

    async def record_outcome(self, outcome: Outcome) -> None:
        """See `millwright.storage.cases.outcome_records`."""
        async with self._writing(outcome.case) as writing:
            await record_outcome(writing.connection, outcome, writing.entry)

    async def reclassify_outcome(self, outcome: Outcome) -> None:
        """See `millwright.storage.cases.outcome_records`."""
        async with self._writing(outcome.case) as writing:
            await reclassify_outcome(writing.connection, outcome, writing.entry)

    async def state_outcome(
        self, case: str, outcome: OutcomeClass, statement: OutcomeStatement, suggestion: str | None = None
    ) -> OutcomeStatement:
        """See `millwright.storage.cases.stated_outcomes`."""
        async with self._writing(case) as writing:
            return await state_outcome(writing.connection, case, outcome, statement, suggestion, writing.entry)

    async def unknown_outcomes(self) -> Sequence[UnknownOutcome]:
        """The outcomes of closed cases whose codes nobody could read yet.

        Raises:
            StorageUnavailable: the database is away.
        """
        async with self._transaction() as connection:
            return await unknown_outcomes(connection)

    async def correct_draft(self, case: str, asked: Correcting) -> DraftCorrection:
        """See `millwright.storage.cases.corrections`."""
        async with self._writing(case) as writing:
            return await correct_draft(writing.connection, case, asked, writing.entry)

    async def wake(self, some: Sequence[str]) -> None:
        """Makes cases due again, closed ones too: their workflows pass what is done and do what is not."""
        async with self._transaction() as connection:
            await due.wake(connection, [case_workflow_id(case) for case in some], self._clock.now())

    async def record_twin_update(self, case: str, write: TwinWrite, told: OutcomeClass) -> None:
        async with self._writing(case) as writing:
            await keep_twin_write(writing.connection, case, write, told, writing.entry)

    async def keep_label(self, label: Label) -> None:
        """See `millwright.storage.cases.labels`."""
        async with self._writing(label.case) as writing:
            await keep_label(writing.connection, label, writing.entry)

    async def close(
        self, case: str, how: ClosedAs, unread: str | None = None, again_at: datetime | None = None
    ) -> None:
        async with self._writing(case) as writing:
            row = (
                await writing.connection.execute(
                    select(cases.c.withdraw, cases.c.closed_as, cases.c.closed_at)
                    .where(cases.c.id == case)
                    .with_for_update()
                )
            ).one()
            # Evidence that came since the case was read keeps it open.
            if row.closed_at is not None or (
                row.closed_as is None and how is ClosedAs.WITHDRAWN and row.withdraw is None
            ):
                return
            how = how if row.closed_as is None else ClosedAs(row.closed_as)
            known = await closing_rows(writing.connection, case, how)
            if known.held and row.closed_as is not None:
                return
            await writing.set(
                phase=(Phase.AWAITING_RELEASE if known.held else Phase.CLOSED).value,
                closed_at=None if known.held else writing.now,
                closed_as=how.value,
                waiting_for=None,
                waiting_until=None,
                lane=None,
            )
            if row.closed_as is None and how is not ClosedAs.DONE:
                await wake_waiting(writing.connection, case, writing.now)
            if known.held:
                writing.act("case-awaits-release", how=how)
                return
            words = unread if known.unknown else None
            if how is ClosedAs.DONE and known.unlearnt and words is None:
                # The outcome became known after the steps that learn from it: they run once more.
                await due.wake(writing.connection, [case_workflow_id(case)], writing.now)
            else:
                seen = await due.generation(writing.connection, case_workflow_id(case))
                await due.settle(writing.connection, case_workflow_id(case), seen, again_at)
            writing.act("case-closed", how=how)
            if words is not None:
                # In one with the closing: nobody may see the case closed and in no lane.
                await writing.wait(Waits(LEARNING_STEP, words, lane=Lane.PLANNER))

    async def check_names(self, view: CaseView) -> None:
        async with self._looking() as connection:
            await check_names(connection, view, self._instances)

    async def stop_reason(self, case: str, action: StoppableAction) -> str | None:
        async with self._looking() as connection:
            found = await standing_stop(connection, case, action)
        return None if found is None else found.words

    async def label_sources(self, case: str, until: datetime) -> LabelSources:
        """See `millwright.storage.cases.labels`."""
        async with self._looking() as connection:
            return await label_sources(connection, case, until)
