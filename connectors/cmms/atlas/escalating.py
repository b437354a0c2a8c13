"""Raises a record of Atlas in place: its priority, and its due date."""

from datetime import datetime

from connectors.cmms.atlas.rows import AtlasRecord
from connectors.cmms.atlas.settings import AtlasSettings
from connectors.text import moment_text
from domain.canonical import Json
from domain.work_orders import Escalation


def changes_of(row: AtlasRecord, escalation: Escalation, settings: AtlasSettings) -> dict[str, Json]:
    """The fields of a record that an escalation changes, with their new values."""
    priority = escalation.raised(row.priority, settings.priorities)
    changes: dict[str, Json] = {} if priority is None else {"priority": priority}
    try:
        current = datetime.fromisoformat(str(row.dueDate))
    except ValueError:
        return changes
    due = escalation.brought_forward(current) if current.tzinfo else None
    return changes if due is None else {**changes, "dueDate": moment_text(due)}
