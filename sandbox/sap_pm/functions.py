"""The function imports of both services: what each may be called with, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sandbox.sap_pm.errors import business, malformed
from sandbox.sap_pm.store import Entity, Store

Act = Callable[[Store, Entity, Mapping[str, str], str], None]

NOT_EXECUTED: Final = "ZNEX"
"""The status word of an order that is not to be executed. SAP's own is not published, so this one is made up."""


def _is_true(params: Mapping[str, str], name: str) -> bool:
    return params.get(name, "false") == "true"


def _refuse(order: Entity, what: str) -> None:
    words = " ".join(order.statuses)
    raise business("IW/080", f"Order {order.number} with status {words} cannot be {what}")


def _complete(store: Store, made: Entity, params: Mapping[str, str], _by: str) -> None:
    if not any(name in params for name in ("MaintNotifReferenceDateTime", "NotificationReferenceDate")):
        raise malformed("Function import parameter 'MaintNotifReferenceDateTime' is missing")
    store.complete_notification(made)


def _process(store: Store, made: Entity, _params: Mapping[str, str], _by: str) -> None:
    store.process_notification(made)


def _release(store: Store, order: Entity, _params: Mapping[str, str], by: str) -> None:
    if not order.has("CRTD") or order.has("DLFL", NOT_EXECUTED):
        _refuse(order, "released")
    order.put("REL", "CRTD")
    store.settle_order(order, by)
    notification = store.notification_of(order)
    if notification is not None:
        notification.put("NOPR", "OSNO")
        store.settle_notification(notification)


def _technically_complete(store: Store, order: Entity, params: Mapping[str, str], by: str) -> None:
    if not order.has("REL", "PCNF", "CNF") or order.has("DLFL", "TECO", NOT_EXECUTED):
        _refuse(order, "technically completed")
    order.put("TECO", "REL")
    store.settle_order(order, by)
    notification = store.notification_of(order)
    if notification is not None and _is_true(params, "AssignedMaintNotifIsToBeClosed"):
        store.complete_notification(notification)


def _reset_completion(store: Store, order: Entity, params: Mapping[str, str], by: str) -> None:
    if not order.has("TECO") or order.has("CLSD"):
        _refuse(order, "put in process again")
    order.put("REL", "TECO")
    store.settle_order(order, by)
    notification = store.notification_of(order)
    if notification is not None and _is_true(params, "AssgdMaintNotifIsToBePutInProc"):
        notification.put("NOPR", "NOCO")
        store.settle_notification(notification)


def _close(store: Store, order: Entity, _params: Mapping[str, str], by: str) -> None:
    if not order.has("TECO"):
        _refuse(order, "closed")
    order.put("CLSD")
    store.settle_order(order, by)


def _flag(store: Store, order: Entity, params: Mapping[str, str], by: str) -> None:
    if order.has("DLFL", "PCNF", "CNF"):
        _refuse(order, "flagged for deletion")
    order.put("DLFL")
    store.settle_order(order, by)
    notification = store.notification_of(order)
    if notification is not None and _is_true(params, "AssgdMaintNotifIsToBeSetDel"):
        notification.put("DLFL")
        store.settle_notification(notification)


def _do_not_execute(store: Store, order: Entity, _params: Mapping[str, str], by: str) -> None:
    if order.has("DLFL", "PCNF", "CNF", "TECO", "CLSD"):
        _refuse(order, "set to do not execute")
    order.put(NOT_EXECUTED)
    store.settle_order(order, by)


NOTIFICATION_FUNCTIONS: Final[Mapping[str, Act]] = {
    "CompleteMaintNotification": _complete,
    "SetMaintNotifToInProcess": _process,
}
ORDER_FUNCTIONS: Final[Mapping[str, Act]] = {
    "ReleaseMaintenanceOrder": _release,
    "SetMaintOrdToTechCompleted": _technically_complete,
    "ResetMaintOrdStsTechCompleted": _reset_completion,
    "SetMaintOrderStatusToClosed": _close,
    "SetMaintOrdStsToMrkdForDeltn": _flag,
    "SetMaintOrderToDoNotExecute": _do_not_execute,
}
