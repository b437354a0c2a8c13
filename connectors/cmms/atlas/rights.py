"""What our user must be allowed to do in Atlas.

A search leaves out what a user may not see, and says nothing. So the rights are read from the user's role before the
first order is made.
"""

from collections.abc import Iterable
from typing import Final

from connectors.cmms.atlas.models import AtlasRole

_REQUESTS, _ORDERS, _ASSETS, _SETTINGS = "REQUESTS", "WORK_ORDERS", "ASSETS", "SETTINGS"
_NAMES: Final = {_REQUESTS: "requests", _ORDERS: "work orders", _ASSETS: "assets"}
_LIMITED_ADMIN: Final = "LIMITED_ADMIN"


def missing_rights(role: AtlasRole) -> tuple[str, ...]:
    """What a role does not allow and we need, in words. A list that Atlas does not tell is not judged."""
    return (
        *_lacking("create", role.createPermissions, (_REQUESTS, _ORDERS)),
        *_lacking("see", role.viewPermissions, (_REQUESTS, _ORDERS, _ASSETS)),
        *_lacking("see others'", role.viewOtherPermissions, (_REQUESTS, _ORDERS, _ASSETS)),
        *_lacking("change others'", role.editOtherPermissions, (_REQUESTS, _ORDERS)),
        *(() if _may_approve(role) else ("approve requests",)),
    )


def _lacking(deed: str, allowed: frozenset[str] | None, needed: Iterable[str]) -> list[str]:
    return [] if allowed is None else [f"{deed} {_NAMES[kind]}" for kind in needed if kind not in allowed]


def _may_approve(role: AtlasRole) -> bool:
    """Atlas lets a user approve who sees its settings, and a limited administrator."""
    return role.viewPermissions is None or _SETTINGS in role.viewPermissions or role.code == _LIMITED_ADMIN
