"""From SAP's system status words to our status.

A status line is a list of words. They are read one by one, because SAP adds others to them, such as `PRC` or `ORAS`.
"""

import logging
from collections.abc import Mapping
from typing import Final

from connectors.cmms.sap_pm.long_text import WITHDRAWN, has_note
from connectors.cmms.sap_pm.models import SapPmNotification, SapPmOrder
from connectors.cmms.sap_pm.settings import SapPmSettings
from domain.work_orders import WorkOrderStatus

logger = logging.getLogger(__name__)

ORDER_STATUSES: Final[Mapping[str, WorkOrderStatus]] = {
    "CLSD": WorkOrderStatus.COMPLETED,
    "TECO": WorkOrderStatus.COMPLETED,
    "CNF": WorkOrderStatus.IN_PROGRESS,
    "PCNF": WorkOrderStatus.IN_PROGRESS,
    "REL": WorkOrderStatus.APPROVED,
    "CRTD": WorkOrderStatus.WAITING_APPROVAL,
}
"""By the word that says most: an order has one of them, or several, of which the first here counts. CNF says that the
work is confirmed; the findings are complete when the order is technically completed."""
NOTIFICATION_STATUSES: Final[Mapping[str, WorkOrderStatus]] = {
    "NOPR": WorkOrderStatus.APPROVED,
    "OSNO": WorkOrderStatus.WAITING_APPROVAL,
}
"""Of a notification without an order that is not completed. NOPR says that it was accepted, not that work began."""
COMPLETED_NOTIFICATION: Final = "NOCO"
_FLAG: Final = "DLFL"
"""The deletion flag. On work that is done it says that the record is to be archived, and cancels nothing."""
_DONE: Final = frozenset({"TECO", "CLSD"})


def tokens_of(*lines: str | None) -> frozenset[str]:
    """The words of status lines."""
    return frozenset(word for line in lines for word in (line or "").upper().split())


def is_cancelled(order: SapPmOrder, settings: SapPmSettings) -> bool:
    """Whether an order is marked not to be done."""
    words = tokens_of(order.statuses, order.user_statuses)
    return not words.isdisjoint(settings.not_executed_statuses) or (_FLAG in words and words.isdisjoint(_DONE))


def status_of(
    row: SapPmNotification | None, order: SapPmOrder | None, settings: SapPmSettings
) -> tuple[WorkOrderStatus, bool]:
    """The status of a notification with its order, and whether it was guessed: no word of it has a known meaning."""
    if order is not None:
        words, known = tokens_of(order.statuses, order.user_statuses), ORDER_STATUSES
    else:
        words, known = tokens_of(row.statuses if row else None), NOTIFICATION_STATUSES
    if order is not None and is_cancelled(order, settings):
        return WorkOrderStatus.CANCELLED, False
    if row is not None and _FLAG in tokens_of(row.statuses) and not _is_done(row, words):
        return WorkOrderStatus.CANCELLED, False
    if row is not None and order is None and COMPLETED_NOTIFICATION in words:
        return _completed_without_order(row), False
    status = next((status for word, status in known.items() if word in words), None)
    if words.intersection(settings.on_hold_statuses) and status is not WorkOrderStatus.COMPLETED:
        return WorkOrderStatus.ON_HOLD, False
    if status is None:
        number = order.number if order else (row.number if row else "")
        logger.warning("%s has the status %s, taken as in progress", number, " ".join(sorted(words)) or "(none)")
    return status or WorkOrderStatus.IN_PROGRESS, status is None


def _is_done(row: SapPmNotification, words: frozenset[str]) -> bool:
    """Whether the work is done: the order says so, or the notification is completed with findings."""
    return not words.isdisjoint(_DONE) or (COMPLETED_NOTIFICATION in words and bool(row.items))


def _completed_without_order(row: SapPmNotification) -> WorkOrderStatus:
    """Completed without an order: by a person with findings, by us when we withdrew it, or by a person without any."""
    if row.items:
        return WorkOrderStatus.COMPLETED
    return WorkOrderStatus.CANCELLED if has_note(row, WITHDRAWN) else WorkOrderStatus.SKIPPED
