"""Raises an order of Maximo in place: `wopriority`, and `targcompdate` where the site's object structure has it."""

from connectors.cmms.maximo.cursor import instant
from connectors.cmms.maximo.mapping import has_note, note_body, touched_by_others
from connectors.cmms.maximo.models import WorkOrderRow
from connectors.cmms.maximo.settings import MaximoSettings
from connectors.text import TOUCHED_NOTE, TOUCHED_WORDS
from domain.canonical import Json
from domain.work_orders import Escalation, Touched


def note_of_others(row: WorkOrderRow, user: str) -> dict[str, Json]:
    """The note that others may have changed an order, before a change of ours hides who changed it last; empty if it
    is not needed."""
    if touched_by_others(row, user) is Touched.NO or has_note(row, TOUCHED_NOTE):
        return {}
    return note_body(TOUCHED_NOTE, TOUCHED_WORDS)


def changes_of(row: WorkOrderRow, escalation: Escalation, settings: MaximoSettings) -> dict[str, Json]:
    """The fields of an order that an escalation changes, with their new values."""
    priority = escalation.raised(row.wopriority, settings.priorities)
    current = None if row.targcompdate is None else instant(row.targcompdate, settings.zone)
    due = escalation.brought_forward(current)
    changes: dict[str, Json] = {} if priority is None else {"wopriority": priority}
    if due is not None:
        changes["targcompdate"] = due.astimezone(settings.zone).isoformat(timespec="seconds")
    return changes
