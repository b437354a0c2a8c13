"""Finding the CMMS or MES instance that a step must call."""

from collections.abc import Mapping
from typing import TypeVar

from domain.cases import CaseView
from domain.errors import ActionRequired

InstanceT = TypeVar("InstanceT")


def serving(system: str | None, kind: str, view: CaseView, operation: str) -> str:
    """The id of the instance that serves a case's site.

    Args:
        system: that id; None if no instance serves the site.
        kind: `CMMS` or `MES`.

    Raises:
        ActionRequired: no instance serves the site.
    """
    if system is None:
        raise ActionRequired(
            f"no {kind} instance serves site {view.asset.site}; name it in the sites of one",
            system=kind.lower(),
            operation=operation,
            key=view.id,
            field="sites",
        )
    return system


def instance(named: Mapping[str, InstanceT], system: str, kind: str, operation: str) -> InstanceT:
    """The instance with this id. An order or a hold stays in the instance in which it was created.

    Raises:
        ActionRequired: the installation no longer names it.
    """
    found = named.get(system)
    if found is None:
        raise ActionRequired(
            f"this installation names no {kind} instance {system} any more", system=system, operation=operation
        )
    return found
