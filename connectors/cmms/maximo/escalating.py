"""Raises an order of Maximo in place: `wopriority`, and `targcompdate` where the site's object structure has it."""

from connectors.cmms.maximo.cursor import instant
from connectors.cmms.maximo.models import WorkOrderRow
from connectors.cmms.maximo.settings import MaximoSettings
from domain.canonical import Json
from domain.work_orders import Escalation


def changes_of(row: WorkOrderRow, escalation: Escalation, settings: MaximoSettings) -> dict[str, Json]:
    """The fields of an order that an escalation changes, with their new values."""
    priority = escalation.raised(row.wopriority, settings.priorities)
    current = None if row.targcompdate is None else instant(row.targcompdate, settings.zone)
    due = escalation.brought_forward(current)
    changes: dict[str, Json] = {} if priority is None else {"wopriority": priority}
    if due is not None:
        changes["targcompdate"] = due.astimezone(settings.zone).isoformat(timespec="seconds")
    return changes
