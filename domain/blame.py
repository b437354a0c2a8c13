"""Which stage caused a false alert. Pure: it reads what the record holds, and guesses nothing.

An alert is false if its work found nothing, a sensor fault, a process change or a duplicate, or if a person rejected
it. Each gets exactly one stage, with the evidence, or `undetermined`. The stages are asked in a fixed order, and the
first one with evidence has it: an alert on a wrong asset says nothing of the detector.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from domain.cases import ClosedAs
from domain.model import Model, Moment
from domain.outcomes import OutcomeClass


class Stage(StrEnum):
    """The stages from the signal to the order."""

    DETECTOR = "detector"
    SENSOR = "sensor"
    GATEWAY = "gateway"
    MAPPING = "mapping"
    POLICY = "policy"
    REVIEW = "review"
    WORKFLOW = "workflow"
    CMMS = "cmms"
    UNDETERMINED = "undetermined"


class MovedName(Model):
    """A name of the asset, or of its machine, that was given to another asset after the alert."""

    system: str
    name: str
    to: str
    at: Moment


class BlameFacts(Model):
    """What the record holds of a false alert. Ids are those of events (`source|external id`), of acts (`act 17`) and of
    cases.

    Args:
        finding_acts: the acts that say what the work found.
        decision_acts: the acts by which people decided.
        approved: whether a person approved the proposal.
        asked_inspection: whether the rung asked for an inspection only.
        bad_events: its events whose source itself said that the value is not good.
        suspected_events: its events of a sensor that was suspected at their time.
        revised_events: its events that gave no reason any more once late events were judged at their place.
        moved_names: names of its asset that were wrong.
        drafted_for: the asset's name in the CMMS for which the order was drafted.
        ordered_for: the name on the order that the CMMS tells of; None if it tells none.
        order_acts: the acts on its order.
        twins: other cases of the same fault that had an order at the same time.
        siblings: other cases on the same asset, of other failure modes, that had an order at the same time.
        open_orders: orders of others that were open when the order was drafted; None if nobody could look.
        normal_before_order: the act that the fault had returned to normal, if that was before the order was placed.
        state_then: what the machine did at the time of the opening event, by its MES; None if that is not known.
        milder_versions: verdicts of other versions on the opening event that asked for less than an inspection.
        verified_acts: the acts that the signal was back at its baseline after work that repaired nothing.
    """

    case: str
    outcome: OutcomeClass | None
    closed_as: ClosedAs | None
    finding_acts: tuple[str, ...] = ()
    decision_acts: tuple[str, ...] = ()
    approved: bool = False
    asked_inspection: bool = False
    bad_events: tuple[str, ...] = ()
    suspected_events: tuple[str, ...] = ()
    revised_events: tuple[str, ...] = ()
    moved_names: tuple[MovedName, ...] = ()
    drafted_for: str | None = None
    ordered_for: str | None = None
    order_acts: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()
    open_orders: tuple[str, ...] | None = None
    normal_before_order: str | None = None
    state_then: str | None = None
    milder_versions: tuple[str, ...] = ()
    verified_acts: tuple[str, ...] = ()


class Blame(Model):
    """The stage that caused a false alert, why, and the ids of the evidence; none if it is undetermined."""

    case: str
    stage: Stage
    why: str
    evidence: tuple[str, ...]


class _Ground(NamedTuple):
    why: str
    evidence: tuple[str, ...]


_PRODUCES: Final = frozenset({"running", "unknown"})


def blame(facts: BlameFacts) -> Blame:
    """The stage of a false alert."""
    for stage, asked in _ORDER:
        ground = asked(facts)
        if ground is not None:
            return Blame(case=facts.case, stage=stage, why=ground.why, evidence=ground.evidence)
    return Blame(case=facts.case, stage=Stage.UNDETERMINED, why="the record shows no cause", evidence=())


def _sensor(facts: BlameFacts) -> _Ground | None:
    if facts.outcome is OutcomeClass.SENSOR_FAULT:
        return _Ground("the work found that the sensor was wrong", facts.finding_acts)
    if facts.suspected_events:
        return _Ground("the sensor was suspected when these events came", facts.suspected_events)
    if facts.bad_events:
        return _Ground("the source itself said that the values were not good", facts.bad_events)
    return None


def _mapping(facts: BlameFacts) -> _Ground | None:
    if not facts.moved_names:
        return None
    told = ", ".join(f"{moved.name} of {moved.system} is {moved.to}" for moved in facts.moved_names)
    names = tuple(f"crosswalk {moved.system}/{moved.name}" for moved in facts.moved_names)
    return _Ground(f"a name of the asset was corrected after the alert: {told}", names)


def _cmms(facts: BlameFacts) -> _Ground | None:
    if facts.drafted_for is None or facts.ordered_for in (None, facts.drafted_for):
        return None
    return _Ground(f"the order was drafted for {facts.drafted_for}, and is for {facts.ordered_for}", facts.order_acts)


def _workflow(facts: BlameFacts) -> _Ground | None:
    if facts.twins:
        return _Ground("two cases of one fault had orders at the same time", facts.twins)
    if facts.normal_before_order is not None:
        why = "the fault had returned to normal before the order was placed"
        return _Ground(why, (facts.normal_before_order, *facts.order_acts))
    return None


def _gateway(facts: BlameFacts) -> _Ground | None:
    if not facts.revised_events:
        return None
    why = "events came so late that their order made the alert; judged in the order of event time they give no reason"
    return _Ground(why, facts.revised_events)


def _review(facts: BlameFacts) -> _Ground | None:
    if not facts.approved:
        return None
    if facts.asked_inspection:
        return _Ground("the policy asked for an inspection only, and a person had it ordered", facts.decision_acts)
    if facts.outcome is OutcomeClass.DUPLICATE and facts.open_orders:
        return _Ground("a person approved it although other work was open", facts.open_orders)
    return None


def _policy(facts: BlameFacts) -> _Ground | None:
    if facts.outcome is OutcomeClass.DUPLICATE and (facts.siblings or facts.open_orders):
        why = "the policy asked for an order although other work was open on the asset"
        return _Ground(why, facts.siblings or facts.open_orders or ())
    if facts.outcome is OutcomeClass.PROCESS_CHANGE and facts.state_then not in (None, *_PRODUCES):
        why = f"the process had changed, and the policy acted although the machine was in {facts.state_then}"
        return _Ground(why, facts.finding_acts)
    if facts.milder_versions:
        return _Ground("another version asked for nothing on the same event", facts.milder_versions)
    return None


def _cmms_untold(facts: BlameFacts) -> _Ground | None:
    if facts.outcome is OutcomeClass.DUPLICATE and facts.open_orders == ():
        return _Ground("the CMMS told of no other open work when the order was drafted", facts.order_acts)
    return None


def _detector(facts: BlameFacts) -> _Ground | None:
    if facts.outcome is OutcomeClass.PROCESS_CHANGE:
        return _Ground("the process had changed, and the detector took that for a fault", facts.finding_acts)
    if facts.outcome is OutcomeClass.NOTHING_FOUND and facts.verified_acts:
        why = "nothing was repaired, and the signal went back to its baseline by itself"
        return _Ground(why, (*facts.finding_acts, *facts.verified_acts))
    return None


_ORDER: Final[tuple[tuple[Stage, Callable[[BlameFacts], _Ground | None]], ...]] = (
    (Stage.SENSOR, _sensor),
    (Stage.MAPPING, _mapping),
    (Stage.CMMS, _cmms),
    (Stage.WORKFLOW, _workflow),
    (Stage.GATEWAY, _gateway),
    (Stage.REVIEW, _review),
    (Stage.POLICY, _policy),
    (Stage.CMMS, _cmms_untold),
    (Stage.DETECTOR, _detector),
)
"""In which order the stages are asked: what makes the others meaningless goes first."""
