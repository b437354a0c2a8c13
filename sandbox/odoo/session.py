"""What one user may see and do in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.odoo.declarations import COMPANY, USERS
from sandbox.odoo.errors import Problem, denied
from sandbox.odoo.manufacturing import (
    CALENDAR,
    LEAVE,
    LOG,
    LOSS,
    LOT,
    PRODUCT,
    PRODUCTION,
    RESOURCE,
    WORK_CENTRE,
    WORK_ORDER,
)
from sandbox.odoo.schema import EQUIPMENT, EXTERNAL_IDS, MESSAGE, MODELS, PARAMETERS, REQUEST, STAGE, SUBTYPE
from sandbox.odoo.store import Store, User, Values

EQUIPMENT_MANAGER: Final = "Maintenance/Equipment Manager"
PRODUCTION_USER: Final = "Manufacturing/User"
PRODUCTION_MANAGER: Final = "Manufacturing/Administrator"
STOCK_USER: Final = "Inventory/User"
PRODUCT_MANAGER: Final = "Products/Creation"
SYSTEM: Final = "Role / Administrator"
_EVERYTHING: Final = frozenset({"read", "write", "create", "unlink"})
_READING: Final = frozenset({"read"})
_NOTHING: Final[frozenset[str]] = frozenset()
_OF_ALL: Final[Mapping[str, frozenset[str]]] = {
    REQUEST: _EVERYTHING,
    MESSAGE: _EVERYTHING,
    EQUIPMENT: _READING,
    STAGE: _READING,
    SUBTYPE: _READING,
    USERS: _READING,
    COMPANY: _READING,
    PRODUCT: _READING,
    RESOURCE: _READING,
    CALENDAR: _READING,
    LEAVE: _EVERYTHING,
}
"""What every user may do."""
_OF_GROUPS: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    EQUIPMENT: {EQUIPMENT_MANAGER: _EVERYTHING},
    STAGE: {EQUIPMENT_MANAGER: _EVERYTHING},
    EXTERNAL_IDS: {"Access Rights": _EVERYTHING},
    PARAMETERS: {SYSTEM: _EVERYTHING},
    WORK_CENTRE: {PRODUCTION_USER: _READING, PRODUCTION_MANAGER: _EVERYTHING},
    LOG: {PRODUCTION_USER: _EVERYTHING},
    LOSS: {PRODUCTION_USER: _READING, PRODUCTION_MANAGER: _EVERYTHING},
    WORK_ORDER: {PRODUCTION_USER: _EVERYTHING, PRODUCTION_MANAGER: _EVERYTHING},
    PRODUCTION: {PRODUCTION_USER: _EVERYTHING, PRODUCTION_MANAGER: _READING, STOCK_USER: _READING},
    LOT: {STOCK_USER: _EVERYTHING},
    PRODUCT: {PRODUCT_MANAGER: _EVERYTHING},
    RESOURCE: {PRODUCTION_MANAGER: _EVERYTHING},
    CALENDAR: {SYSTEM: _EVERYTHING},
}
"""What the users of a group may do beside that."""
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
        allowing = [group for group, rights in _OF_GROUPS.get(model, {}).items() if operation in rights]
        if operation in _OF_ALL.get(model, _NOTHING) or self.user.groups & {*allowing}:
            return
        groups = "".join(f"\n\t- {group}" for group in sorted(allowing))
        allowed = (
            f"This operation is allowed for the following groups:{groups}"
            if allowing
            else "No group currently allows this operation."
        )
        raise denied(
            f"You are not allowed to {_VERBS[operation]} '{MODELS[model].title}' ({model}) records.\n\n{allowed}\n\n"
            "Contact your administrator to request access if necessary."
        )

    def sees(self, model: str, row: Values) -> bool:
        """Whether the rules of a model let the user see a record."""
        if EQUIPMENT_MANAGER in self.user.groups or model not in (REQUEST, EQUIPMENT, MESSAGE):
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
