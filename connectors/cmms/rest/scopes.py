"""The names that an expression may use, by where it stands in a description."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

RestVariables = tuple[tuple[str, str], ...]
"""Names with their types, as an expression is compiled with them."""


class RestScope(StrEnum):
    """Where an expression stands."""

    SITE = "site"
    """A request that is about nothing in particular: whether the system answers."""
    ASSET = "asset"
    """The search for an asset."""
    BY_KEY = "by_key"
    """The search for orders by our key."""
    BY_ASSET = "by_asset"
    """The search for orders of an asset."""
    READ = "read"
    """The reading of one order."""
    CREATE = "create"
    """The creation of an order."""
    ACT = "act"
    """A change of an order's state."""
    ESCALATE = "escalate"
    """A change of an order's priority."""
    NOTE = "note"
    """A note on an order."""
    BESIDE = "beside"
    """What is asked beside an order."""
    CHANGES = "changes"
    """The search for changed orders."""
    ANSWER = "answer"
    """The body of an answer."""
    CREATED = "created"
    """The answer to a creation."""
    ROW = "row"
    """One row of a list that has no orders."""
    ORDER = "order"
    """One order."""


NAMES: Final[Mapping[RestScope, Mapping[str, str]]] = {
    RestScope.SITE: {"limit": "INT"},
    RestScope.ASSET: {"wanted.asset": "STRING", "wanted.attributes": "DYN", "limit": "INT"},
    RestScope.BY_KEY: {"wanted.key": "STRING", "limit": "INT"},
    RestScope.BY_ASSET: {
        "wanted.asset": "STRING",
        "wanted.attributes": "DYN",
        "wanted.since": "DYN",
        "asset": "DYN",
        "limit": "INT",
    },
    RestScope.READ: {"order.locator": "STRING"},
    RestScope.CREATE: {
        "draft.key": "STRING",
        "draft.summary": "STRING",
        "draft.title": "STRING",
        "draft.text": "STRING",
        "draft.asset": "STRING",
        "draft.attributes": "DYN",
        "draft.failure_mode": "STRING",
        "draft.priority": "STRING",
        "draft.released": "BOOL",
        "draft.reported_at": "STRING",
        "draft.due_at": "DYN",
        "asset": "DYN",
    },
    RestScope.ACT: {"order.locator": "STRING", "row": "DYN", "memo": "STRING"},
    RestScope.ESCALATE: {"order.locator": "STRING", "row": "DYN", "priority": "STRING"},
    RestScope.NOTE: {"order.locator": "STRING", "row": "DYN", "note": "STRING"},
    RestScope.BESIDE: {"order.locator": "STRING", "row": "DYN", "limit": "INT"},
    RestScope.CHANGES: {"since": "DYN", "limit": "INT"},
    RestScope.ANSWER: {"body": "DYN"},
    RestScope.CREATED: {"body": "DYN", "headers": "DYN"},
    RestScope.ROW: {"row": "DYN"},
    RestScope.ORDER: {"row": "DYN", "us": "STRING"},
}
"""What each place knows, besides `site.…` and, for an order, `beside.…`."""


def variables(scope: RestScope, site: tuple[str, ...], beside: tuple[str, ...]) -> RestVariables:
    """The names of a place.

    Args:
        site: the values that the site gives.
        beside: the lists that are asked beside an order.
    """
    names = dict(NAMES[scope])
    names |= {f"site.{name}": "STRING" for name in site}
    if scope is RestScope.ORDER:
        names |= {f"beside.{name}": "LIST" for name in beside}
    return tuple(sorted(names.items()))
