"""The operations of the server: method, path and the name by which faults name them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

BASE: Final = "/v1"


@dataclass(frozen=True)
class Operation:
    """One operation; its path is below `BASE`."""

    method: str
    path: str
    name: str

    def matches(self, method: str, path: str) -> bool:
        """Whether a request asks for it."""
        return method == self.method and re.fullmatch(BASE + self.path.replace("{id:int}", r"\d+"), path) is not None


OPERATIONS: Final = (
    Operation("POST", "/workorders", "create_order"),
    Operation("GET", "/workorders", "list_orders"),
    Operation("GET", "/workorders/{id:int}", "order"),
    Operation("PATCH", "/workorders/{id:int}", "change_order"),
    Operation("PATCH", "/workorders/{id:int}/status", "change_status"),
    Operation("POST", "/workorders/{id:int}/comments", "comment"),
    Operation("GET", "/assets", "list_assets"),
    Operation("GET", "/assets/{id:int}", "asset"),
    Operation("POST", "/subscriptions", "subscribe"),
    Operation("GET", "/subscriptions", "list_subscriptions"),
    Operation("GET", "/subscriptions/{id:int}/secret", "secret"),
    Operation("DELETE", "/subscriptions/{id:int}", "unsubscribe"),
)


def operation_of(scope: Scope) -> Operation | None:
    """The operation of a request; None if there is none."""
    return next((each for each in OPERATIONS if each.matches(scope["method"], scope["path"])), None)
