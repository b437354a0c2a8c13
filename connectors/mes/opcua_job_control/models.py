"""ISA-95 Job Control as the server represents it (OPC 10031-4 v2.00), read from structures that the server defines.

The structures are classes that are created at run time from the server's type definitions. This module converts them to
our values.
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


class Served(BaseModel):
    """The ids in a receiver's properties EquipmentID and PhysicalAssetID; empty if it has none."""

    model_config = ConfigDict(frozen=True)

    equipment: frozenset[str] = frozenset()
    assets: frozenset[str] = frozenset()

    @property
    def names_none(self) -> bool:
        return not self.equipment and not self.assets

    def only(self, equipment: str) -> bool:
        """Whether the receiver names only that machine."""
        return {equipment} in (self.equipment, self.assets)

    def lists(self, equipment: str) -> bool:
        return equipment in self.equipment or equipment in self.assets


class JobOrderRow(BaseModel):
    """One job order of a receiver's JobOrderList: ISA95JobOrderAndStateDataType, as far as we read it.

    Args:
        receiver: the receiver's path of browse names; a job id is unique only within it (OPC 10031-4, B.2).
        equipment: the ids of the equipment and physical assets that the job requires. Each may be that of a class.
        served: the ids that the receiver serves.
    """

    model_config = ConfigDict(frozen=True)

    receiver: str
    id: str
    state: int
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    equipment: frozenset[str] = frozenset()
    work_masters: frozenset[str] = frozenset()
    served: Served = Served()


def job_order_row(entry: Any, receiver: str, served: Served) -> JobOrderRow:
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
        served=served,
    )


def actual_equipment(response: Any, job: str) -> frozenset[str]:
    """The ids of the equipment and physical assets that a job actually uses, from its ISA95JobResponseDataType.

    Empty if the response is of another job or names none.
    """
    if response is None or str(getattr(response, "JobOrderID", None) or "") != job:
        return frozenset()
    return _ids((*_items(response, "EquipmentActuals"), *_items(response, "PhysicalAssetActuals")))


def _main_state(states: Iterable[Any], order: str) -> int:
    """The number of the state itself; entries with a longer browse path are its substates."""
    ranked = sorted(states, key=lambda state: len(_items(getattr(state, "BrowsePath", None), "Elements")))
    if not ranked:
        raise ValueError(f"job order {order} without a state")
    return int(ranked[0].StateNumber)


def _items(owner: Any, name: str) -> tuple[Any, ...]:
    return tuple(getattr(owner, name, None) or ())


def _ids(items: Iterable[Any]) -> frozenset[str]:
    """The ids in a list of structures or of plain texts: servers give WorkMasterID different types."""
    named = (item if isinstance(item, str) else getattr(item, "ID", None) for item in items)
    return frozenset(str(name) for name in named if name)


def _date(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return moment if _NO_DATE_BEFORE <= moment < _NO_DATE_FROM else None
