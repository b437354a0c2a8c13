"""Raises a notification of SAP in place."""

from connectors.cmms.sap_pm import long_text as texts
from connectors.cmms.sap_pm.mapping import SapPmWork, touched_by_others
from connectors.cmms.sap_pm.models import LONG_TEXT
from connectors.cmms.sap_pm.settings import SapPmSettings
from domain.canonical import Json
from domain.work_orders import Escalation, Touched


def changes_of(work: SapPmWork, escalation: Escalation, settings: SapPmSettings) -> dict[str, Json]:
    """What is sent for an escalation; empty if the notification is to keep its priority.

    That is so once there is an order: the contract has no change of the fields of one. SAP computes the required dates
    from the priority. The digest in the long text goes with it, if nobody else has changed the notification.
    """
    row = work.notification
    priority = escalation.raised(row.priority, settings.priorities)
    if priority is None or work.order is not None or work.status(settings)[0].finished:
        return {}
    untouched = touched_by_others(work, settings) is Touched.NO
    text = texts.with_state(row.model_copy(update={"priority": priority})) if untouched else None
    changes: dict[str, Json] = {"MaintPriority": priority}
    return changes if text is None else {**changes, LONG_TEXT: text}
