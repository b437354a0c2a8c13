"""Which people a placed order waits for, in words."""

from datetime import datetime

from activities.progress import called_off, overruled
from domain.cases import CaseView
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
