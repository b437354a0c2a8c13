"""Why planners rejected an order of Maximo, and until when they put it off."""

from datetime import datetime

from connectors.cmms.maximo.models import WorkOrderRow
from connectors.cmms.maximo.settings import MaximoSettings
from connectors.planner_words import day_in, rejection_in, rejection_of
from connectors.text import is_marked, without_markup
from domain.work_orders import OrderRejection


def rejection_on(row: WorkOrderRow, settings: MaximoSettings) -> OrderRejection | None:
    """The memo with which another user than ours gave an order the status that it has, else what a worklog of a person
    says; None if we gave it, or there is neither."""
    changes = [change for change in row.wostatus if change.status == row.status]
    by = changes[-1].changeby if changes else None
    if by is None or by.upper() == settings.user.upper():
        return None
    return rejection_of(changes[-1].memo, by) or rejection_in(settings.planner_words.rejected, _notes(row))


def put_off_on(row: WorkOrderRow, settings: MaximoSettings) -> datetime | None:
    """Until when an order is put off, by the worklog; None if it does not say."""
    notes = (note for note, _ in _notes(row))
    return day_in(settings.planner_words.put_off, notes, settings.zone)


def _notes(row: WorkOrderRow) -> list[tuple[str, str | None]]:
    """What people wrote in the worklog, with its author: of each entry the summary and the details, which the editor of
    Maximo makes HTML."""
    theirs = (entry for entry in row.worklog if not is_marked(entry.description))
    return [
        (without_markup(f"{entry.description or ''}\n{entry.description_longdescription or ''}"), entry.createby)
        for entry in theirs
    ]
