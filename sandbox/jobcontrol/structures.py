"""The shop floor's rows as ISA-95 structures on the wire, and clients' structures as the shop floor knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary

from sandbox.jobcontrol import datatypes
from sandbox.jobcontrol.datatypes import DataType
from sandbox.jobcontrol.floor import DownloadedOrder
from sandbox.jobcontrol.job import JobRow, JobState

_STATE_TEXTS: Final[Mapping[JobState, str]] = {
    JobState.NOT_ALLOWED_TO_START: "NotAllowedToStart",
    JobState.ALLOWED_TO_START: "AllowedToStart",
    JobState.RUNNING: "Running",
    JobState.INTERRUPTED: "Interrupted",
    JobState.ENDED: "Ended",
    JobState.ABORTED: "Aborted",
}
_SUBSTATES: Final[Mapping[JobState, tuple[str, str, int]]] = {
    JobState.NOT_ALLOWED_TO_START: ("NotAllowedToStartSubstates", "Waiting", 1),
    JobState.ALLOWED_TO_START: ("AllowedToStartSubstates", "Ready", 2),
    JobState.INTERRUPTED: ("InterruptedSubstates", "Suspended", 2),
    JobState.ENDED: ("EndedSubstates", "Completed", 1),
}
"""By top-level state: the substate machine's name and the substate shown."""


class Structures:
    """The structures of one server."""

    def __init__(self, namespace: int, data_types: Mapping[str, DataType]) -> None:
        self._namespace = namespace
        self._types = data_types
        self._packed = lru_cache(maxsize=1024)(self._pack)

    def job_order_list(self, rows: Iterable[JobRow]) -> Any:
        """JobOrderList's value: a Variant of ISA95JobOrderAndStateDataType[]."""
        return ua.Variant([self._packed(row) for row in rows], ua.VariantType.ExtensionObject, is_array=True)

    def work_masters(self, ids: Iterable[str]) -> Any:
        """WorkMaster's value: a Variant of ISA95WorkMasterDataType[]."""
        make = self._types[datatypes.WORK_MASTER].make
        return ua.Variant([make(ID=each) for each in ids], ua.VariantType.ExtensionObject, is_array=True)

    def response(self, row: JobRow | None) -> Any:
        """ISA95JobResponseDataType of a job; an empty one where there is none."""
        make = self._types[datatypes.JOB_RESPONSE].make
        if row is None:
            return make()
        order = self._order(row)
        parameters = order.JobOrderParameters
        started = row.state not in (JobState.NOT_ALLOWED_TO_START, JobState.ALLOWED_TO_START)
        finished = row.state in (JobState.ENDED, JobState.ABORTED)
        return make(
            JobResponseID=f"RESP-{row.job_id}",
            JobOrderID=row.job_id,
            StartTime=row.start if started else None,
            EndTime=row.end if finished else None,
            JobState=self._states(row.state),
            JobResponseData=parameters,
            EquipmentActuals=order.EquipmentRequirements,
            MaterialActuals=self._made(row) if started else None,
        )

    def status(self, row: JobRow) -> Mapping[str, Any]:
        """The fields that ISA95JobOrderStatusEventType adds, by name."""
        response = self.response(row)
        return {"JobOrder": self._order(row), "JobState": response.JobState, "JobResponse": response}

    @staticmethod
    def read_order(order: Any) -> DownloadedOrder | None:
        """A client's ISA95JobOrderDataType; None if it has no id."""
        if not order.JobOrderID:
            return None
        equipment = tuple(str(required.ID) for required in order.EquipmentRequirements or ())
        return DownloadedOrder(str(order.JobOrderID), equipment, bytes(struct_to_binary(order)))

    def _pack(self, row: JobRow) -> Any:
        """One entry as its bytes: encoded once, however often it is read."""
        data_type = self._types[datatypes.JOB_ORDER_AND_STATE]
        entry = data_type.make(JobOrder=self._order(row), State=self._states(row.state))
        return ua.ExtensionObject(TypeId=data_type.encoding, Body=bytes(struct_to_binary(entry)))

    def _order(self, row: JobRow) -> Any:
        make = self._types[datatypes.JOB_ORDER].make
        if row.payload is not None:
            return struct_from_binary(make, Buffer(row.payload))
        parameter = self._types[datatypes.PARAMETER].make
        equipment = self._types[datatypes.EQUIPMENT].make
        return make(
            JobOrderID=row.job_id,
            Description=[ua.LocalizedText(row.description, "en")],
            WorkMasterID=[self._types[datatypes.WORK_MASTER].make(ID=row.work_master)],
            StartTime=row.start,
            EndTime=row.end,
            Priority=0,
            JobOrderParameters=[parameter(ID=name, Value=_variant(value)) for name, value in row.parameters],
            EquipmentRequirements=[equipment(ID=name) for name in row.equipment],
        )

    def _made(self, row: JobRow) -> list[Any]:
        """What the job makes, as one lot; nothing where the order does not say what is made."""
        if not row.work_master:
            return []
        make = self._types[datatypes.MATERIAL].make
        product = row.work_master.removeprefix("WM-")
        return [make(MaterialDefinitionID=product, MaterialLotID=f"LOT-{row.job_id}", MaterialUse="Produced")]

    def _states(self, state: JobState) -> list[Any]:
        make = self._types[datatypes.STATE].make
        top = make(
            BrowsePath=ua.RelativePath(),
            StateText=ua.LocalizedText(_STATE_TEXTS[state], "en"),
            StateNumber=state.value,
        )
        if state not in _SUBSTATES:
            return [top]
        machine, text, number = _SUBSTATES[state]
        element = ua.RelativePathElement(
            ReferenceTypeId=ua.NodeId(ua.ObjectIds.HasComponent),
            IsInverse=False,
            IncludeSubtypes=True,
            TargetName=ua.QualifiedName(machine, self._namespace),
        )
        path = ua.RelativePath(Elements=[element])
        return [
            top,
            make(BrowsePath=path, StateText=ua.LocalizedText(text, "en"), StateNumber=number),
        ]


def _variant(value: float | datetime) -> Any:
    kind = ua.VariantType.DateTime if isinstance(value, datetime) else ua.VariantType.Double
    return ua.Variant(value, kind)
