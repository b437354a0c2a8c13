"""ISA-95 Job Control as the server represents it (OPC 10031-4 v2.00), read from structures that the server defines.

The structures are classes that are created at run time from the server's type definitions. This module converts them to
our values.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.vendor_texts import VendorName, storable

NAMESPACE: Final = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/"
FIRST_NAMESPACE: Final = "http://opcfoundation.org/UA/ISA95-JOBCONTROL/"
"""Version 1, which has other methods and states."""

_NO_DATE_BEFORE: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""OPC UA writes "no date" as the year 1601."""

_STATE_NUMBERS: Final = range(1, 7)
_INTERRUPTIONS: Final = "InterruptedSubstates"
"""The state machine of the substates of Interrupted (OPC 10031-4, 6.2.2)."""

_NO_DATE_FROM: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Served(BaseModel):
    """The machines that a receiver serves.

    Args:
        equipment: the ids in its EquipmentID; each may be that of a class.
        assets: the ids in its PhysicalAssetID.
        machine: the ids in the identification of the machine that it belongs to. Such a receiver manages the jobs of
            this machine alone (OPC 40001-3, 6.2).
    """

    model_config = ConfigDict(frozen=True)

    equipment: frozenset[str] = frozenset()
    assets: frozenset[str] = frozenset()
    machine: frozenset[str] = frozenset()

    @property
    def names_none(self) -> bool:
        return not self.equipment and not self.assets

    def only(self, equipment: str) -> bool:
        """Whether the receiver is that machine's, or names only it."""
        return equipment in self.machine or {equipment} in (self.equipment, self.assets)

    def lists(self, equipment: str) -> bool:
        return equipment in self.equipment or equipment in self.assets or equipment in self.machine


class JobOrderRow(BaseModel):
    """One job order of a receiver's JobOrderList: ISA95JobOrderAndStateDataType, as far as we read it.

    Args:
        receiver: the receiver's path of browse names; a job id is unique only within it (OPC 10031-4, B.2).
        equipment: the ids of the equipment and physical assets that the job requires. Each may be that of a class.
        served: the ids that the receiver serves.
        substate: the number of the state in the substate machine of Interrupted; None if the server shows none.
        doubt: the uncertain status of the list; None if it is Good.
    """

    model_config = ConfigDict(frozen=True)

    receiver: str
    id: VendorName
    state: int
    substate: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    equipment: frozenset[str] = frozenset()
    work_masters: frozenset[str] = frozenset()
    served: Served = Served()
    doubt: str | None = None


class UnreadableJob(BaseModel):
    """An entry of a receiver's JobOrderList that cannot be read, or the receiver's whole list.

    Args:
        id: the job's id; None if it cannot be read, or for a whole list.
        equipment: the ids that the job requires; None if they cannot be read.
        status: the bad or uncertain status of the whole list.
    """

    model_config = ConfigDict(frozen=True)

    receiver: str
    id: str | None = None
    reason: str
    equipment: frozenset[str] | None = None
    served: Served = Served()
    status: str | None = None

    @property
    def words(self) -> str:
        what = "the list" if self.status is not None else f"job {self.id}" if self.id is not None else "a job"
        return f"{what} of receiver {self.receiver} cannot be read: {self.reason}"


class JobOrders(BaseModel):
    """What the lists of all receivers say, as far as they can be read."""

    model_config = ConfigDict(frozen=True)

    rows: tuple[JobOrderRow, ...] = ()
    unreadable: tuple[UnreadableJob, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[JobOrderRow | UnreadableJob]) -> "JobOrders":
        """The entries of lists."""
        every = tuple(entries)
        return cls(
            rows=tuple(each for each in every if isinstance(each, JobOrderRow)),
            unreadable=tuple(each for each in every if isinstance(each, UnreadableJob)),
        )

    def doubted(self, doubt: str) -> "JobOrders":
        """The same, from a list whose status is uncertain."""
        return self.model_copy(update={"rows": tuple(row.model_copy(update={"doubt": doubt}) for row in self.rows)})


def each_entry(entries: Any, receiver: str, served: Served) -> Iterator[JobOrderRow | UnreadableJob]:
    """The entries of a JobOrderList, one by one: one that cannot be read hides no other."""
    if entries is not None and not isinstance(entries, list | tuple | Iterator):
        reason = f"it is a {type(entries).__name__} and no list"
        yield UnreadableJob(receiver=receiver, reason=reason, served=served)
        return
    for entry in entries or ():
        try:
            yield job_order_row(entry, receiver, served)
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            yield _unreadable(entry, receiver, served, error)


def _unreadable(entry: Any, receiver: str, served: Served, error: Exception) -> UnreadableJob:
    order = getattr(entry, "JobOrder", None)
    name = getattr(order, "JobOrderID", None)
    try:
        equipment = None if order is None else _required(order)
    except (AttributeError, TypeError, ValueError):
        equipment = None
    # The first line of pydantic's words names only the model.
    reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return UnreadableJob(
        receiver=receiver,
        id=name if isinstance(name, str) and name and storable(name) == name else None,
        reason=storable(reason.splitlines()[0] if reason else type(error).__name__),
        equipment=equipment,
        served=served,
    )


def job_order_row(entry: Any, receiver: str, served: Served) -> JobOrderRow:
    """An entry of JobOrderList.

    Raises:
        AttributeError, TypeError, ValueError: it has no id or state, or a field has another type or an odd value.
    """
    order = entry.JobOrder
    if not order.JobOrderID:
        raise ValueError("a job order without JobOrderID")
    if not isinstance(order.JobOrderID, str):
        raise TypeError("JobOrderID is no text")
    return JobOrderRow(
        receiver=receiver,
        id=order.JobOrderID,
        state=_main_state(entry.State or (), str(order.JobOrderID)),
        substate=_interruption(entry.State or ()),
        starts_at=_date(getattr(order, "StartTime", None)),
        ends_at=_date(getattr(order, "EndTime", None)),
        equipment=_required(order),
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


class Made(BaseModel):
    """What a job made, from its ISA95JobResponseDataType.

    Args:
        lots: the ids of the produced lots, each with the id of its material where there is one.
    """

    model_config = ConfigDict(frozen=True)

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    lots: tuple[tuple[VendorName, VendorName | None], ...] = ()


def made_by(response: Any, job: str) -> Made | None:
    """What a job made; None if the response is of another job.

    Only material whose use ends with "Produced" counts (ISA-95 part 2: Produced, By-Product Produced and others).
    Consumed lots were made elsewhere.

    Raises:
        AttributeError, TypeError, ValueError: a field has another type or an odd value.
    """
    if response is None or str(getattr(response, "JobOrderID", None) or "") != job:
        return None
    produced = [
        material
        for material in _items(response, "MaterialActuals")
        if str(getattr(material, "MaterialUse", None) or "").casefold().endswith("produced")
    ]
    return Made(
        starts_at=_date(getattr(response, "StartTime", None)),
        ends_at=_date(getattr(response, "EndTime", None)),
        lots=tuple(
            (lot, getattr(material, "MaterialDefinitionID", None) or None)
            for material in produced
            if (lot := getattr(material, "MaterialSublotID", None) or getattr(material, "MaterialLotID", None))
        ),
    )


def _main_state(states: Iterable[Any], order: str) -> int:
    """The number of the state itself; entries with a longer browse path are its substates."""
    ranked = sorted(states, key=lambda state: len(_items(getattr(state, "BrowsePath", None), "Elements")))
    if not ranked:
        raise ValueError(f"job order {order} without a state")
    number = ranked[0].StateNumber
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"StateNumber of job order {order} is no number")
    if number not in _STATE_NUMBERS:
        raise ValueError(f"job order {order} is in state {number}, which OPC 10031-4 does not know")
    return number


def _interruption(states: Iterable[Any]) -> int | None:
    """The number of the substate of Interrupted; None if no entry is of that state machine."""
    for state in states:
        elements = _items(getattr(state, "BrowsePath", None), "Elements")
        name = getattr(getattr(elements[-1], "TargetName", None), "Name", None) if elements else None
        if name == _INTERRUPTIONS and isinstance(state.StateNumber, int):
            return state.StateNumber
    return None


def _required(order: Any) -> frozenset[str]:
    return _ids((*_items(order, "EquipmentRequirements"), *_items(order, "PhysicalAssetRequirements")))


def _items(owner: Any, name: str) -> tuple[Any, ...]:
    return tuple(getattr(owner, name, None) or ())


def _ids(items: Iterable[Any]) -> frozenset[str]:
    """The ids in a list of structures or of plain texts: servers give WorkMasterID different types."""
    named = (item if isinstance(item, str) else getattr(item, "ID", None) for item in items)
    return frozenset(str(name) for name in named if name)


def _date(value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is no date")
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return moment if _NO_DATE_BEFORE <= moment < _NO_DATE_FROM else None
