"""Stores what completed work found, writes it to the twin, and keeps it as a training label."""

from collections.abc import Mapping
from datetime import datetime

from temporalio import activity

from activities.attached_orders import AttachedOrders
from activities.autonomy import Autonomy
from activities.outcome_reminders import next_reminder, reminders_in_vain
from activities.progress import CaseRef, Progress, called_off, step
from activities.returns_to_normal import ReturnsToNormal
from domain.canonical import Json, timestamp
from domain.cases import CaseView, ClosedAs, Lane, Phase
from domain.casework import LEARNING_STEP, CaseStore, Waits
from domain.clock import Clock
from domain.keys import order_twin_id
from domain.order_terms import OrderTerms
from domain.outcomes import EFFECTS, Label, LabelSources, Outcome, OutcomeClass, told_outcome
from domain.site_codes import ReadCodes, SiteCodes
from domain.stops import StoppableAction
from domain.twin_writes import OutcomeWriter, ToldOutcome
from domain.work_orders import CompletionReport, FindingRole, WorkOrderRecord


class Outcomes:
    """Records the outcome of finished work and closes the case.

    Args:
        cases: the case store.
        twins: writes outcomes to the twin graph.
        codes: the tables of codes of each CMMS instance.
        autonomy: counts the findings.
        clock: the plant's time.
        terms: whether each CMMS instance gets reminders of an outcome that is missing.
        normals: verifies completed work.
    """

    def __init__(
        self,
        cases: CaseStore,
        twins: OutcomeWriter,
        codes: Mapping[str, SiteCodes],
        autonomy: Autonomy,
        clock: Clock,
        terms: Mapping[str, OrderTerms],
        normals: ReturnsToNormal,
    ) -> None:
        self._cases = cases
        self._twins = twins
        self._codes = codes
        self._autonomy = autonomy
        self._clock = clock
        self._terms = terms
        self._normals = normals
        self._attached = AttachedOrders(cases, codes, clock)

    @activity.defn(name="record-outcome")
    async def record_outcome(self, ref: CaseRef) -> Progress:
        """Stores what the finished order found. A cancelled order has no finding and gives no label.

        Not done if people have opened the order again meanwhile. An order of a person that turns out to be other work
        is detached, and the case has no outcome. An outcome that was UNKNOWN is classified again,
        because its codes may have been added to the crosswalk since.
        """
        async with step(self._cases, self._clock, ref.case, "record-outcome") as attempt:
            view = attempt.view
            if view.order is None or await self._attached.detach(attempt, view.order):
                return attempt.progress
            if view.outcome is not None:
                meaning = self._meaning(view)
                if meaning is not None:
                    await self._cases.reclassify_outcome(meaning)
                # An earlier attempt may have stored it and ended before it was counted, its codes are known only now,
                # or a person stated it.
                await self._autonomy.learn(view)
            elif not view.order.status.finished:
                attempt.wait(f"{view.order.ref.id} to be finished: it was opened again")
            else:
                await self._cases.record_outcome(self._outcome(view, view.order))
                await self._autonomy.learn(view)
        return attempt.progress

    @activity.defn(name="tell-twin")
    async def tell_twin(self, ref: CaseRef) -> Progress:
        """Writes to the asset's twin what its model takes of the outcome, with a mark that we made the change.

        What the model does not take is recorded and logged, and the case continues. So it does if the twin is gone. The
        twin of a retired asset is not written to: its asset is no longer in the graph.
        """
        async with step(self._cases, self._clock, ref.case, "tell-twin") as attempt:
            view = attempt.view
            if view.retired_at is not None:
                return attempt.progress
            if view.outcome is not None and not view.twin_done and view.twin is not None and view.order is not None:
                stopped = await self._cases.stop_reason(view.id, StoppableAction.TWIN_WRITE)
                if stopped is not None:
                    attempt.wait(stopped)
                    return attempt.progress
                await self._cases.check_names(view)
                work = _told(view.id, view.outcome, view.order, cancelled=_cancelled(view))
                write = await self._twins.tell_outcome(view.twin, work)
                if write.gone or write.not_taken or (write.order is not None and write.order.why is not None):
                    activity.logger.warning("case %s: %s", view.id, ". ".join(write.words))
                await self._cases.record_twin_update(view.id, write, view.outcome)
        return attempt.progress

    @activity.defn(name="keep-label")
    async def keep_label(self, ref: CaseRef) -> Progress:
        """Stores a training label if completed work had a finding.

        The label is the last thing that is learnt: a case with a finding and no label is learnt from again. A person
        may state the outcome at any time, also after the steps before this one. If the case has a label and its order
        says another finding by now, that is the next revision of the label.
        """
        async with step(self._cases, self._clock, ref.case, "keep-label") as attempt:
            view = attempt.view
            told = view.twin_done or view.twin is None or view.retired_at is not None
            if view.order is not None and view.outcome is not None and _teaches(view) and told:
                if view.stated is not None and not view.labelled:
                    await self._autonomy.learn(view)
                sources = await self._cases.label_sources(view.id, view.order.work_ended_at)
                await self._cases.keep_label(_label(view, view.order, view.outcome, sources))
        return attempt.progress

    @activity.defn(name="close-case")
    async def close_case(self, ref: CaseRef) -> Progress:
        """Ends the case's work. A case whose machine is held first waits for the release, and is closed afterwards.

        A case whose outcome is UNKNOWN ends too, so that the next failure opens a separate case. It stays in the
        planner's lane until the crosswalk has the codes, or a person states the outcome. It is due again when its order
        is to get a reminder.

        A closed case whose version has its work verified is due again, and this step looks at it.

        A case that is needed again meanwhile stays open: new evidence arrived after it was called off, or its order was
        opened again. Its workflow ends, and the wake of that change starts another.
        """
        async with step(self._cases, self._clock, ref.case, "close-case") as attempt:
            view = attempt.view
            how, meaning = _closed_as(view), self._meaning(view)
            unread = how is ClosedAs.DONE and view.outcome is OutcomeClass.UNKNOWN and meaning is None
            words = self._unread(view, view.order) if unread and view.order is not None else None
            again_at = next_reminder(view, self._codes, self._terms, self._clock.now())
            if view.phase is not Phase.CLOSED and how is not None:
                again_at = _earliest(again_at, self._normals.first_verification(view, how))
                await self._cases.close(view.id, how, words, again_at)
            elif words is not None and (view.lane, view.waiting_for) != (Lane.PLANNER, words):
                # The order has other codes now, its reminders have ended, or a reminder had to wait for the CMMS. An
                # earlier build closed the case in a transaction before that of the lane, and may have been interrupted.
                await self._cases.wait(view.id, Waits(LEARNING_STEP, words, lane=Lane.PLANNER))
            # Woken to learn its outcome, the case rests now, unless the outcome became known during this pass.
            if view.phase is Phase.CLOSED and meaning is None and (view.labelled or not _teaches(view)):
                again_at = _earliest(again_at, await self._normals.verify(view))
                await self._cases.rest(view.id, attempt.seen, again_at)
        return attempt.progress

    def _meaning(self, view: CaseView) -> Outcome | None:
        """The present meaning of an outcome that was UNKNOWN."""
        if view.outcome is not OutcomeClass.UNKNOWN or view.order is None or not view.order.status.finished:
            return None
        outcome = self._outcome(view, view.order)
        return None if outcome.cancelled or outcome.outcome is OutcomeClass.UNKNOWN else outcome

    def _unread(self, view: CaseView, order: WorkOrderRecord) -> str:
        """What a person is asked for where nobody can read what the work found."""
        report, tables = order.report or CompletionReport(), self._codes.get(order.ref.system)
        codes = [chosen.code for chosen in report.codes] or [report.disposition or ""]
        unexplained = codes if tables is None else tables.unexplained(report)
        if not any(codes):
            asked = f"what {order.ref.id} found: it was completed without a failure code"
        elif unexplained:
            asked = f"in the crosswalk of outcomes what {', '.join(unexplained)} of {order.ref.id} means"
        else:
            told = f"{', '.join(codes)} contradicts itself, or the suspected {view.failure_mode}"
            asked = f"what {order.ref.id} found: {told}"
        return f"a person to say {asked}{reminders_in_vain(view, self._clock.now())}"

    def _outcome(self, view: CaseView, order: WorkOrderRecord) -> Outcome:
        cancelled = order.status.not_done
        report, codes = order.report or CompletionReport(), self._codes.get(order.ref.system)
        read = ReadCodes(OutcomeClass.UNKNOWN, None) if codes is None else codes.read(report, view.failure_mode)
        return Outcome(
            case=view.id,
            outcome=OutcomeClass.DEFERRED if cancelled else read.outcome,
            cancelled=cancelled,
            found_at=order.work_ended_at,
            report=report,
            iso14224=None if cancelled else read.iso14224,
        )


def _earliest(*times: datetime | None) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _teaches(view: CaseView) -> bool:
    """Whether work that is completed has a finding."""
    return view.order_completed and view.outcome is not None and view.outcome.finding


def _told(case: str, outcome: OutcomeClass, order: WorkOrderRecord, *, cancelled: bool) -> ToldOutcome:
    """What the twins of an asset and of its work order are told."""
    ended_at = timestamp(order.changed_at)
    # An outcome that says nothing of the asset's health leaves it as the plant has it.
    health = EFFECTS[outcome].health
    known: dict[str, Json] = {} if health is None else {"healthState": health}
    return ToldOutcome(
        properties={**told_outcome(case, outcome, cancelled=cancelled), "lastOutcomeAt": ended_at, **known},
        order_twin=order_twin_id(case, order.ref.system, order.ref.id),
        order={
            "number": order.ref.id,
            "system": order.ref.system,
            "status": order.status.value,
            "caseId": case,
            "outcome": outcome.value,
            "endedAt": ended_at,
        },
    )


def _cancelled(view: CaseView) -> bool:
    return view.order is not None and view.order.status.not_done


def _closed_as(view: CaseView) -> ClosedAs | None:
    withdrawn = view.decision is None and view.withdraw is not None
    if view.order is None:
        if called_off(view) is None:
            return None
        return ClosedAs.WITHDRAWN if withdrawn else ClosedAs.REJECTED
    if view.outcome is None or not view.order.status.finished:
        return None
    if _cancelled(view):
        return ClosedAs.WITHDRAWN if withdrawn else ClosedAs.CANCELLED
    return ClosedAs.DONE


def _label(view: CaseView, order: WorkOrderRecord, outcome: OutcomeClass, sources: LabelSources) -> Label:
    report = order.report or CompletionReport()
    return Label(
        case=view.id,
        asset=view.asset.id,
        machine=view.machine.id,
        failure_mode=view.failure_mode,
        outcome=outcome,
        window_start=sources.first_at or view.event_at,
        window_end=sources.last_at or view.event_at,
        found_at=order.work_ended_at,
        work_order=order.ref.id,
        policy=view.verdict.policy,
        policy_version=view.verdict.version,
        policy_digest=view.version,
        detectors=sources.detectors,
        model_versions=sources.model_versions,
        failure_class=report.group,
        problem=report.code_of(FindingRole.PROBLEM),
        cause=report.code_of(FindingRole.CAUSE),
        remedy=report.code_of(FindingRole.REMEDY),
        downtime=report.downtime,
        stated_by=view.stated.by if view.stated else None,
        iso14224=view.iso14224,
        evidence=sources.events,
        evidence_count=sources.count,
    )
