"""A case: one episode of one fault, from the first anomaly to the outcome."""

from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from domain.assets import Asset
from domain.attaching import DetachedOrder, OrderAttachment
from domain.corrections import DraftCorrection, corrected
from domain.draft_findings import DraftCheck
from domain.hold_proposals import HoldProposal
from domain.holds import HoldView
from domain.iso14224 import Iso14224Finding
from domain.model import Model, Moment
from domain.open_work import OpenWorkSeen
from domain.outcomes import OutcomeClass, OutcomeStatement
from domain.production import ProductionContext
from domain.return_to_normal import ReturnToNormal, Verification
from domain.suspect_lots import SuspectLots
from domain.twin_writes import TwinWrite
from domain.verdict import Context, Rung, UrgencyDecision, Verdict
from domain.work_orders import WorkOrderDraft, WorkOrderRecord, WorkOrderStatus


class Phase(StrEnum):
    """The progress of a case. `CaseView.waiting_for` says what it waits for."""

    PROPOSE = "propose"
    REVIEW = "review"
    PLACE = "place"
    WORK = "work"
    LEARN = "learn"
    AWAITING_RELEASE = "awaiting_release"
    """The work is done. The machine is held until production releases it; further evidence opens another case."""
    CLOSED = "closed"


class ClosedAs(StrEnum):
    """Why a case ended. It is known once its work is done, before the machine is released."""

    DONE = "done"
    """The work was completed and its outcome recorded."""
    CANCELLED = "cancelled"
    """The order was cancelled, skipped or deleted in the CMMS."""
    REJECTED = "rejected"
    """A person rejected the proposal before there was an order."""
    WITHDRAWN = "withdrawn"
    """Revised verdicts removed the evidence, or the asset was retired, and nobody had touched the order."""


class Lane(StrEnum):
    """The people who must act before the case continues."""

    REVIEW = "review"
    PLANNER = "planner"
    PRODUCTION = "production"
    OPERATIONS = "operations"


class Decision(Model):
    """A person's approval or rejection of a proposed action."""

    approved: bool
    by: str
    reason: str
    at: Moment


def why_called_off(decision: Decision | None, withdraw: str | None) -> str | None:
    """Why the work of a case is no longer needed; None if it is: a person rejected it, or its evidence was revised or
    its asset retired and no person approved it.

    Args:
        decision: what a person decided.
        withdraw: why it was called off without a person's decision.
    """
    if decision is not None:
        return None if decision.approved else decision.reason
    return withdraw


class Rework(Model):
    """Why a case was opened again for a fault whose work did not help.

    Args:
        case: the case whose work did not help.
        order: its order in the CMMS; None if it had none.
        by: the person of production who had the machine held again; None if the verification of the work showed it.
        reason: what that person said.
        found: what the test run, or the verification, showed.
    """

    case: str
    order: str | None
    by: str | None
    reason: str | None
    found: str
    at: Moment


class DecidedTime(NamedTuple):
    """A decision on when the work of a case was to be done, with what it was decided from.

    `production` is None where the MES did not answer.
    """

    verdict: Verdict
    context: Context
    production: ProductionContext | None
    decision: UrgencyDecision


class Observation(Model):
    """One observation of a fault: of a signal, or of an error code."""

    at: Moment
    detector: str
    signal: str | None
    value: float | None
    score: float | None
    baseline: float | None
    unit: str | None
    code: str | None


class Evidence(Observation):
    """One event of a case, for the case's history and the order's text."""

    rung: Rung
    traceparent: str | None = None
    """The trace parent of the event's message (W3C Trace Context)."""


class CaseView(Model):
    """All data of a case that a step needs, from one read. `GET /cases/{case}` returns it too: each field is public.

    Args:
        fed: how many events opened, raised or revised the case or were noted on it.
        evidence: the first six of them.
        retired_at: when its asset was retired; None while it is in the register.
        withdraw: why its order must be withdrawn: revised verdicts removed the evidence, or the asset was retired.
        order_read_at: when the state of the order was last read from the CMMS: the time just before the request, or
            when a poll was stored. None before the first time.
        order_notes: the keys of the notes that we wrote on the order, in their order, and of its files.
        attached: why an order of a person is attached to it; None if it has an order of its own, or none.
        detached: the orders of people that were attached to it before, oldest first.
        stated: who stated the outcome; None where the failure codes say it.
        iso14224: what was found in the terms of ISO 14224; None if no table of the site names any of it.
        rework: of which case it is the rework; None if it is none.
        normal: that its fault returned to normal before its work, and is not back.
        verification: whether its completed work helped; None until that is known, or if its version does not ask.
    """

    id: str
    phase: Phase
    asset: Asset
    retired_at: Moment | None = None
    machine: Asset
    failure_mode: str
    context: Context
    version: str
    verdict: Verdict
    rung: Rung
    opened_at: Moment
    event_at: Moment
    last_event_at: Moment
    fed: int
    evidence: tuple[Evidence, ...]
    codes_seen: tuple[str, ...]
    otherwise: tuple[str, ...] = ()
    """What would have changed the verdict that opened the case or raised it last, in sentences."""
    cmms_system: str | None
    """The CMMS instance that has the case's order, or that serves its site; None if there is none."""
    cmms_asset: str | None
    cmms_attributes: dict[str, str]
    mes_system: str | None
    """The MES instance that serves the case's site; None if there is none."""
    mes_equipment: str | None
    twin: str | None
    machine_twin: str | None
    stops: tuple[str, ...] = ()
    """The machines that stop with its machine, as the twins say."""
    standbys: dict[str, str] = {}
    """The machines that stand in for its machine, with their names in the MES."""
    urgency: UrgencyDecision | None
    production: ProductionContext | None
    decision: Decision | None
    hold_proposal: HoldProposal | None = None
    """What production was asked, and its answer; None where the hold is placed unasked, or is not wanted."""
    suspect_lots: SuspectLots | None = None
    """What the machine made between the onset of the fault and its hold; None until that is listed."""
    withdraw: str | None
    draft: WorkOrderDraft | None
    open_work: OpenWorkSeen | None = None
    """What else was open on the asset when the draft was written; None until then, and if an earlier build wrote it."""
    corrections: tuple[DraftCorrection, ...] = ()
    """What people corrected of the draft, after the CMMS had refused it, oldest first."""
    corrections_sent: int | None = None
    """How many of them the draft had when it was sent last; None if there are none, or an earlier build sent it."""
    draft_check: DraftCheck | None = None
    """What the check of the draft found; None until then, and if an earlier build wrote the draft."""
    order: WorkOrderRecord | None
    order_read_at: Moment | None = None
    order_notes: tuple[str, ...] = ()
    attached: OrderAttachment | None = None
    detached: tuple[DetachedOrder, ...] = ()
    hold: HoldView | None
    outcome: OutcomeClass | None
    stated: OutcomeStatement | None = None
    iso14224: Iso14224Finding | None = None
    rework: Rework | None = None
    normal: ReturnToNormal | None = None
    verification: Verification | None = None
    twin_told: bool
    """Whether the twin says something of the outcome."""
    twin_write: TwinWrite | None = None
    """What was written to the twin, and what its model did not take. None until then, and if an earlier build wrote."""
    labelled: bool
    waiting_for: str | None
    waiting_step: str | None
    waiting_until: Moment | None
    lane: Lane | None
    attempts: int
    closed_as: ClosedAs | None
    closed_at: Moment | None = None

    @property
    def twin_done(self) -> bool:
        """Whether the twin was told of the outcome, or took nothing of it, or is gone."""
        return self.twin_told or self.twin_write is not None

    @property
    def order_completed(self) -> bool:
        """Whether the work of its order is done."""
        return self.order is not None and self.order.status is WorkOrderStatus.COMPLETED

    @property
    def draft_to_send(self) -> WorkOrderDraft | None:
        """The draft with what people corrected; None until it is written."""
        return None if self.draft is None else corrected(self.draft, self.corrections)

    @property
    def correction_words(self) -> tuple[str, ...]:
        """What people corrected of the draft, in sentences without their last stop, and which of it came too late."""
        told = [correction.words for correction in self.corrections]
        late = 0 if self.corrections_sent is None else len(told) - self.corrections_sent
        if self.order is not None and late > 0:
            which, they = ("correction", "it is") if late == 1 else (f"{late} corrections", "they are")
            told.append(
                f"Order {self.order.ref.id} went out without the last {which}, made while {self.order.ref.system} was "
                f"asked. If {they} still wanted, change the order there"
            )
        return tuple(told)

    @property
    def due_at(self) -> Moment | None:
        """By when the policy wants the work done."""
        within: timedelta | None = self.verdict.due_within
        return self.opened_at + within if within else None
