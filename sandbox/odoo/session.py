"""What one user may see and do in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.odoo.errors import Problem, denied
from sandbox.odoo.schema import (
    COMPANY,
    EQUIPMENT,
    EXTERNAL_IDS,
    MESSAGE,
    MODELS,
    PARAMETERS,
    REQUEST,
    STAGE,
    SUBTYPE,
    USERS,
)
from sandbox.odoo.store import Store, User, Values

_MANAGER: Final = "Maintenance/Equipment Manager"
_EVERYTHING: Final = frozenset({"read", "write", "create", "unlink"})
_READING: Final = frozenset({"read"})
_RIGHTS: Final[Mapping[str, frozenset[str]]] = {
    REQUEST: _EVERYTHING,
    MESSAGE: _EVERYTHING,
    EQUIPMENT: _READING,
    STAGE: _READING,
    SUBTYPE: _READING,
    USERS: _READING,
    COMPANY: _READING,
    EXTERNAL_IDS: frozenset(),
    PARAMETERS: frozenset(),
}
"""What every user may do."""
_OF_MANAGERS: Final = (EQUIPMENT, STAGE)
"""The models that an Equipment Manager may change."""
_GROUPS: Final[Mapping[str, str]] = {
    EQUIPMENT: _MANAGER,
    STAGE: _MANAGER,
    EXTERNAL_IDS: "Access Rights",
    PARAMETERS: "Role / Administrator",
}
_VERBS: Final = {"read": "access", "write": "modify", "create": "create", "unlink": "delete"}


@dataclass(frozen=True)
class Session:
    """One call of a user.

    Args:
        context: what the client sent as `context`.
        began: when the transaction began, which stamps its changes.
        snapshot: the commit that it sees.
    """

    store: Store
    user: User
    context: Mapping[str, object]
    began: datetime
    snapshot: int

    def check_right(self, model: str, operation: str) -> None:
        """Refuses what no record of a model allows the user.

        Raises:
            Problem: the user may not do this.
        """
        if operation in _RIGHTS[model] or (self.user.manager and model in _OF_MANAGERS):
            return
        group = _GROUPS.get(model)
        allowed = (
            f"This operation is allowed for the following groups:\n\t- {group}"
            if group
            else "No group currently allows this operation."
        )
        raise denied(
            f"You are not allowed to {_VERBS[operation]} '{MODELS[model].title}' ({model}) records.\n\n{allowed}\n\n"
            "Contact your administrator to request access if necessary."
        )

    def sees(self, model: str, row: Values) -> bool:
        """Whether the rules of a model let the user see a record."""
        if self.user.manager or model not in (REQUEST, EQUIPMENT, MESSAGE):
            return True
        if model == MESSAGE:
            request = self.store.records[REQUEST].get(_number(row["res_id"])) if row["model"] == REQUEST else None
            return row["create_uid"] == self.user.id if request is None else self.sees(REQUEST, request)
        return model == REQUEST and self.user.id in (row["owner_user_id"], row["user_id"])

    def hidden(self, model: str) -> Problem:
        """The refusal of records that the user may not see."""
        return denied(
            "Uh-oh! Looks like you have stumbled upon some top-secret records.\n\nSorry, "
            f"{self.user.login} (id={self.user.id}) doesn't have 'read' access to:\n- {MODELS[model].title} ({model})"
            "\n\nIf you really, really need access, perhaps you can win over your friendly administrator with a batch "
            "of freshly baked cookies."
        )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
