"""The operations of the server: method, path and the name by which faults name them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope


@dataclass(frozen=True)
class Operation:
    """One operation.

    Args:
        old: whether version 1.3 has it.
    """

    method: str
    path: str
    name: str
    old: bool = True

    def matches(self, method: str, path: str) -> bool:
        """Whether a request asks for it."""
        return method == self.method and re.fullmatch(self.path.replace("{id:int}", r"\d+"), path) is not None


OPERATIONS: Final = (
    Operation("POST", "/auth/signin", "signin"),
    Operation("POST", "/auth/refresh", "refresh", old=False),
    Operation("GET", "/auth/me", "me"),
    Operation("POST", "/assets/search", "search_assets"),
    Operation("GET", "/assets/{id:int}", "asset"),
    Operation("POST", "/requests/search", "search_requests"),
    Operation("GET", "/requests/{id:int}", "request"),
    Operation("POST", "/requests", "create_request"),
    Operation("PATCH", "/requests/{id:int}", "change_request"),
    Operation("PATCH", "/requests/{id:int}/approve", "approve"),
    Operation("PATCH", "/requests/{id:int}/cancel", "cancel"),
    Operation("DELETE", "/requests/{id:int}", "delete_request"),
    Operation("POST", "/work-orders/search", "search_orders"),
    Operation("GET", "/work-orders/{id:int}", "order"),
    Operation("POST", "/work-orders", "create_order"),
    Operation("PATCH", "/work-orders/{id:int}", "change_order"),
    Operation("PATCH", "/work-orders/{id:int}/change-status", "change_status"),
    Operation("DELETE", "/work-orders/{id:int}", "delete_order"),
    Operation("POST", "/comments/search/{id:int}", "comments", old=False),
    Operation("POST", "/comments", "comment", old=False),
    Operation("GET", "/labors/work-order/{id:int}", "labor"),
    Operation("POST", "/labors", "log_labor"),
    Operation("GET", "/part-quantities/work-order/{id:int}", "parts"),
)


def operation_of(scope: Scope, *, old: bool) -> Operation | None:
    """The operation of a request; None if this version has none."""
    asked = (scope["method"], scope["path"])
    return next((each for each in OPERATIONS if (each.old or not old) and each.matches(*asked)), None)
