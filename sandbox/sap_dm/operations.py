"""The operations of the server: path, name and the form of their errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

from sandbox.sap_dm.errors import Form


@dataclass(frozen=True)
class Operation:
    """One operation; faults name it by `name`."""

    method: str
    path: str
    name: str
    form: Form


OPERATIONS: Final = (
    Operation("POST", "/oauth/token", "token", Form.TOKEN),
    Operation("GET", "/resource/v3/resource", "resource", Form.RESOURCE),
    Operation("GET", "/resource/v3/resources", "resources", Form.RESOURCE),
    Operation("PATCH", "/resource/v3/resources", "update_resource", Form.RESOURCE),
    Operation("POST", "/resource/v2/changestatus", "change_status", Form.RESOURCE_ACT),
    Operation("GET", "/sfc/v1/sfcsInWork", "sfcs_in_work", Form.SFC_READING),
    Operation("GET", "/sfc/v2/sfcdetail", "sfc_detail", Form.SFC_READING),
    Operation("GET", "/sfc/v2/worklist/sfcs", "worklist", Form.SFC_READING),
    Operation("POST", "/sfc/v1/sfcs/hold", "hold", Form.SFC_ACT),
    Operation("POST", "/sfc/v1/sfcs/release", "release", Form.SFC_ACT),
    Operation("POST", "/sfc/v1/sfcs/start", "start", Form.SFC_ACT),
    Operation("POST", "/sfc/v1/sfcs/complete", "complete", Form.SFC_ACT),
)


def operation_of(scope: Scope) -> Operation | None:
    """The operation of a request; None where there is none."""
    asked = (scope["method"], scope["path"])
    return next((each for each in OPERATIONS if (each.method, each.path) == asked), None)
