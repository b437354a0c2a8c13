"""Whether a case asks for a hold, and when its step must look again: pure functions over a case."""

from datetime import datetime, timedelta
from typing import Final

from activities.progress import called_off, overruled
from domain.cases import CaseView, Lane
from domain.verdict import Rung

HOLD_STEP: Final = "ensure-hold"
"""The step that places a case's hold."""

SOON: Final = timedelta(minutes=1)
"""How long a step waits before it looks at a hold again that is not as it should be."""


def hold_wanted(view: CaseView) -> bool:
    """Whether a case asks for a hold that is not placed yet, now or at its due time. None is placed for an asset that
    was retired, also if its order goes on."""
    return view.mes_equipment is not None and asks_for_hold(view)


def asks_for_hold(view: CaseView) -> bool:
    """As `hold_wanted`, also where the MES does not know the machine."""
    if view.closed_as is not None or view.rung < Rung.WORK_ORDER_AND_HOLD or view.retired_at is not None:
        return False
    if overruled(view) or (view.order is None and called_off(view)):
        return False
    if view.order is not None and view.order.status.finished:
        return False
    if view.hold_proposal is not None and view.hold_proposal.refused:
        return False
    return view.hold is None


def next_look(view: CaseView, now: datetime, interval: timedelta) -> datetime | None:
    """When the step for a case's hold must run again; None if the case has no hold and asks for none.

    Args:
        interval: how often the state of a hold is read from the MES.
    """
    if hold_stands(view):
        return now + interval
    if not hold_wanted(view) or view.urgency is None:
        return None
    if view.hold_proposal is None:
        return max(view.urgency.hold_at or now, now + SOON)
    look_at = hold_look_at(view, now)
    return None if look_at is None else max(look_at, now + SOON)


def asked_lane(view: CaseView, now: datetime) -> Lane | None:
    """The lane of a case whose proposed hold is not answered: production, or operations once the time is over and
    nothing is placed. None if nothing waits for an answer."""
    proposal = view.hold_proposal
    if proposal is None or proposal.answer is not None or not hold_wanted(view):
        return None
    return Lane.OPERATIONS if proposal.unanswered_at(now) and proposal.place_at is None else Lane.PRODUCTION


def waits_for_answer(view: CaseView) -> bool:
    """Whether the case says that it waits for production to answer."""
    return view.waiting_step == HOLD_STEP and view.waiting_for is not None and not view.attempts


def hold_stands(view: CaseView) -> bool:
    """Whether the case has a live hold."""
    return view.hold is not None and view.hold.state.live


def hold_look_at(view: CaseView, now: datetime) -> datetime | None:
    """When the hold that a case asks for must be looked at again; None if only an answer of production matters."""
    proposal = view.hold_proposal
    if proposal is None:
        return view.urgency.hold_at if view.urgency is not None else None
    if proposal.place_at is not None:
        return proposal.place_at
    return None if proposal.refused or proposal.unanswered_at(now) else proposal.answer_by
