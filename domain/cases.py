"""A case: one episode of one fault, from the first anomaly to the outcome."""

from datetime import timedelta
from enum import StrEnum

from domain.assets import Asset
from domain.holds import HoldView
from domain.model import Model, Moment
from domain.outcomes import OutcomeClass, OutcomeStatement
from domain.production import ProductionContext
from domain.verdict import Context, Rung, UrgencyDecision, Verdict
from domain.work_orders import WorkOrderDraft, WorkOrderRecord


class Phase(StrEnum):
    """How far a case has come; what it waits for stands beside it."""

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
    """A person said no before there was an order."""
    WITHDRAWN = "withdrawn"
    """The evidence was revised away while nobody had touched the draft."""


class Lane(StrEnum):
    """Who must act before a case goes on."""

    REVIEW = "review"
    PLANNER = "planner"
    PRODUCTION = "production"
    OPERATIONS = "operations"


class Decision(Model):
    """A person's yes or no to a proposed action."""

    approved: bool
    by: str
    reason: str
    at: Moment


class Evidence(Model):
    """One notable event of a case, for its story and the order's text."""

    at: Moment
    detector: str
    signal: str | None
    value: float | None
    score: float | None
    baseline: float | None
    unit: str | None
    code: str | None
    rung: Rung
    traceparent: str | None = None
    """Of the message that brought it (W3C Trace Context)."""


class CaseView(Model):
    """All of a case that a step needs, read in one go. `GET /cases/{case}` answers it too: each field is published.

    Args:
        fed: how many events opened, raised or revised the case or were noted on it.
        evidence: the first six of them.
        withdraw: why its order is to be withdrawn: the evidence was revised away.
        order_read_at: when the CMMS last told us the state of the order: just before it was asked, or when a poll was
            stored. None before the first time.
        stated: who stated the outcome; None where the failure codes say it.
    """

    id: str
    phase: Phase
    asset: Asset
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
    """The CMMS instance that has the case's order, or serves its site; None where none does."""
    cmms_asset: str | None
    cmms_attributes: dict[str, str]
    mes_system: str | None
    """The MES instance that serves the case's site; None where none does."""
    mes_equipment: str | None
    twin: str | None
    twin_declares: frozenset[str] | None = None
    """What the model of the asset's twin declares; None where that was not imported."""
    machine_twin: str | None
    urgency: UrgencyDecision | None
    production: ProductionContext | None
    decision: Decision | None
    withdraw: str | None
    draft: WorkOrderDraft | None
    order: WorkOrderRecord | None
    order_read_at: Moment | None = None
    hold: HoldView | None
    outcome: OutcomeClass | None
    stated: OutcomeStatement | None = None
    twin_told: bool
    labelled: bool
    waiting_for: str | None
    waiting_step: str | None
    waiting_until: Moment | None
    lane: Lane | None
    attempts: int
    closed_as: ClosedAs | None

    @property
    def due_at(self) -> Moment | None:
        """When the policy wants the work done."""
        within: timedelta | None = self.verdict.due_within
        return self.opened_at + within if within else None
