"""The operations of the server: method, path and the name by which faults name them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from starlette.types import Scope

ROOT: Final = "/api/v4"
_ISSUES: Final = "/projects/{project}/issues"


@dataclass(frozen=True)
class Operation:
    """One operation."""

    method: str
    path: str
    name: str

    def values(self, method: str, path: str) -> dict[str, str] | None:
        """The values in the path of a request; None if it asks for something else."""
        if method != self.method:
            return None
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", ROOT + self.path)
        found = re.fullmatch(pattern, path)
        return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


OPERATIONS: Final = (
    Operation("GET", "/user", "user"),
    Operation("GET", "/projects/{project}", "project"),
    Operation("GET", "/projects/{project}/labels/{label}", "label"),
    Operation("GET", _ISSUES, "list"),
    Operation("POST", _ISSUES, "create"),
    Operation("GET", _ISSUES + "/{issue}", "issue"),
    Operation("PUT", _ISSUES + "/{issue}", "change"),
    Operation("DELETE", _ISSUES + "/{issue}", "delete"),
    Operation("GET", _ISSUES + "/{issue}/notes", "notes"),
    Operation("POST", _ISSUES + "/{issue}/notes", "add_note"),
    Operation("DELETE", _ISSUES + "/{issue}/notes/{note}", "delete_note"),
    Operation("GET", _ISSUES + "/{issue}/resource_label_events", "label_events"),
    Operation("GET", _ISSUES + "/{issue}/resource_state_events", "state_events"),
)


def asked_for(scope: Scope) -> tuple[Operation, dict[str, str]] | None:
    """The operation of a request, with the values in its path; None if there is none.

    An encoded slash in a project's path or a label is part of it.
    """
    path = scope["raw_path"].decode("ascii", errors="replace").partition("?")[0]
    for operation in OPERATIONS:
        values = operation.values(scope["method"], path)
        if values is not None:
            return operation, values
    return None
