"""ISA-95 Job Control in the server's words (OPC 10031-4 v2.00), taken from structures that the server itself defines.

The structures are classes made at run time from the server's type definitions; here they become values of ours.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

NAMESPACE: Final = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/"
FIRST_NAMESPACE: Final = "http://opcfoundation.org/UA/ISA95-JOBCONTROL/"
"""Version 1, which has other methods and states."""

_NO_DATE_BEFORE: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""OPC UA writes "no date" as the year 1601."""

_NO_DATE_FROM: Final = datetime(9999, 1, 1, tzinfo=UTC)


class JobOrderRow(BaseModel):
    """One job order of a receiver's JobOrderList: ISA95JobOrderAndStateDataType, as far as we read it."""

    model_config = ConfigDict(frozen=True)

    receiver: str
    id: str
    state: int
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    equipment: frozenset[str] = frozenset()
    work_masters: frozenset[str] = frozenset()


def job_order_row(entry: Any, receiver: str) -> JobOrderRow:
    """An entry of JobOrderList.

    Raises:
        ValueError: it has no id or no state.
    """
    order = entry.JobOrder
    required = (*_items(order, "EquipmentRequirements"), *_items(order, "PhysicalAssetRequirements"))
    if not order.JobOrderID:
        raise ValueError("a job order without JobOrderID")
    return JobOrderRow(
        receiver=receiver,
        id=str(order.JobOrderID),
        state=_main_state(entry.State or (), str(order.JobOrderID)),
        starts_at=_date(getattr(order, "StartTime", None)),
        ends_at=_date(getattr(order, "EndTime", None)),
        equipment=_ids(required),
        work_masters=_ids(_items(order, "WorkMasterID")),
    )


def _main_state(states: Iterable[Any], order: str) -> int:
    """The number of the state itself; entries with a longer browse path are its substates."""
    ranked = sorted(states, key=lambda state: len(_items(getattr(state, "BrowsePath", None), "Elements")))
    if not ranked:
        raise ValueError(f"job order {order} without a state")
    return int(ranked[0].StateNumber)


def _items(owner: Any, name: str) -> tuple[Any, ...]:
    return tuple(getattr(owner, name, None) or ())


def _ids(items: Iterable[Any]) -> frozenset[str]:
    """The ids in a list of structures, or of plain texts: servers differ in how they type WorkMasterID."""
    named = (item if isinstance(item, str) else getattr(item, "ID", None) for item in items)
    return frozenset(str(name) for name in named if name)


def _date(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return moment if _NO_DATE_BEFORE <= moment < _NO_DATE_FROM else None
