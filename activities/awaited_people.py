"""Which people a placed order waits for."""

from datetime import datetime

from activities.progress import Step, called_off, overruled
from activities.wanted_holds import HOLD_STEP, asked_lane, hold_look_at, hold_stands, hold_wanted
from domain.cases import CaseView, Lane
from domain.work_orders import WorkOrderRecord, WorkOrderStatus


def put_off(view: CaseView, order: WorkOrderRecord) -> datetime | None:
    """Until when people have put off an order that is still wanted; None if they have not.

    Args:
        order: as it was read last, perhaps later than the order of the case.
    """
    if order.of_a_person or called_off(view) is not None:
        return None
    return order.without_past_day(view.order).put_off_until


def people_awaited(view: CaseView, order: WorkOrderRecord, until: datetime | None, now: datetime) -> str:
    """Who has to do something with an order, and what.

    Args:
        until: until when it is put off.
    """
    number = order.ref.id
    if view.decision is not None and overruled(view):
        return f"the planner to cancel {number}, which others have in hand: {view.decision.by} said no"
    if order.of_a_person:
        return f"the people who have {number} in hand, which they made for the same fault"
    if until is not None:
        when = f"{until:%Y-%m-%d %H:%M} UTC"
        if now < until:
            return f"the technician to do {number}, which the planner put off until {when}"
        return f"the planner to take up {number} again: it was put off until {when}, and is still on hold"
    if order.status is WorkOrderStatus.WAITING_APPROVAL:
        return f"the planner to approve or cancel {number}"
    return f"the technician to do {number}"


def already_done(view: CaseView, order: WorkOrderRecord, now: datetime) -> str | None:
    """The question to the planner where an order is open beyond its time, and its fault has returned to normal; None if
    it is not asked."""
    if view.normal is None or view.due_at is None or now <= view.due_at:
        return None
    number, system, due = order.ref.id, order.ref.system, f"{view.due_at:%Y-%m-%d %H:%M}"
    return (
        f"the planner to say whether {number} is already done: it was due by {due} UTC, and its signal was "
        f"{view.normal.words}. If it was done, complete it in {system} with what was found; if its codes do not say "
        "that, state it with `millwright case outcome`. If it was not, do it, or cancel it there"
    )


def wait_for_people(attempt: Step, order: WorkOrderRecord, now: datetime) -> None:
    """Has the step of a placed order wait for people, or be due at once where something else comes first."""
    view = attempt.view
    until = put_off(view, order)
    asked = None if until is not None else already_done(view, order, now)
    reason = asked or people_awaited(view, order, until, now)
    if until is not None and now < until:
        attempt.at_latest = min(attempt.at_latest or until, until)
    if view.urgency is None:
        # It has risen and is timed again in this very pass: until then it is not at rest.
        attempt.wait(reason, now)
    elif view.waiting_step == HOLD_STEP and view.waiting_for and (hold_stands(view) or hold_wanted(view)):
        # Once the time it named is past, the hold is looked at again at its next look, not at once and for ever.
        look = view.waiting_until
        attempt.wait(view.waiting_for, look if look and look > now else None)
    elif view.attempts and asked_lane(view, now) is not None:
        # The question was hidden by a failure that has ended. The next pass tells it again.
        attempt.wait(reason, now)
    elif not hold_wanted(view):
        attempt.wait(reason)
    else:
        attempt.wait(reason, hold_look_at(view, now))
    ended = until is not None and until <= now
    if (ended or asked is not None) and attempt.waiting_for == reason:
        attempt.lane = Lane.PLANNER
