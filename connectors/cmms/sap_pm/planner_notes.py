"""Why planners rejected work in SAP, and until when they put it off, by the long text of the notification.

SAP does not say who wrote what in it. Required dates are not read: SAP computes them from the priority.
"""

from datetime import datetime

from connectors.cmms.sap_pm.long_text import notes_of_people
from connectors.cmms.sap_pm.models import SapPmNotification
from connectors.cmms.sap_pm.settings import SapPmSettings
from connectors.planner_words import day_in, rejection_in
from domain.work_orders import OrderRejection


def rejection_on(row: SapPmNotification, key: str, settings: SapPmSettings) -> OrderRejection | None:
    """Why the work of a notification is not done; None if nobody wrote it."""
    return rejection_in(settings.planner_words.rejected, ((note, None) for note in notes_of_people(row, key)))


def put_off_on(row: SapPmNotification, key: str, settings: SapPmSettings) -> datetime | None:
    """Until when the work of a notification is put off; None if nobody wrote it."""
    return day_in(settings.planner_words.put_off, notes_of_people(row, key), settings.zone)
