"""The ISA-95 Job Control model: the OPC Foundation's own nodeset, and asyncua's classes of its structures.

The nodeset is the published file, unchanged: ISA95-JOBCONTROL_V2 2.0.0 of 2024-01-31 (OPC 10031-4 v2.00), under the
OPC Foundation's MIT License 1.00, which is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asyncua import Server, ua
from asyncua.common.structures104 import load_custom_struct

NAMESPACE: Final = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/"
NODESET: Final = Path(__file__).parent / "nodesets" / "opc.ua.isa95-jobcontrol.nodeset2.xml"

JOB_ORDER: Final = "ISA95JobOrderDataType"
JOB_ORDER_AND_STATE: Final = "ISA95JobOrderAndStateDataType"
JOB_RESPONSE: Final = "ISA95JobResponseDataType"
STATE: Final = "ISA95StateDataType"
PARAMETER: Final = "ISA95ParameterDataType"
EQUIPMENT: Final = "ISA95EquipmentDataType"
WORK_MASTER: Final = "ISA95WorkMasterDataType"
MATERIAL: Final = "ISA95MaterialDataType"

_NUMBERS: Final[Mapping[str, int]] = {
    PARAMETER: 3003,
    EQUIPMENT: 3005,
    STATE: 3006,
    WORK_MASTER: 3007,
    JOB_ORDER: 3008,
    MATERIAL: 3010,
    JOB_RESPONSE: 3013,
    JOB_ORDER_AND_STATE: 3015,
}
"""The numeric ids of the structures that the sandbox writes; the nodeset has three more."""


@dataclass(frozen=True)
class DataType:
    """One structure in the address space: its node id, its binary encoding's, and asyncua's class of it."""

    node: Any
    encoding: Any
    make: Any


async def load(server: Server, namespace: int) -> Mapping[str, DataType]:
    """Put the nodeset into the server's address space; the structures by name."""
    await server.import_xml(str(NODESET))
    return {name: await _structure(server, ua.NodeId(number, namespace)) for name, number in _NUMBERS.items()}


async def _structure(server: Server, number: Any) -> DataType:
    node = server.get_node(number)
    definition = await node.read_data_type_definition()
    return DataType(node.nodeid, definition.DefaultEncodingId, await load_custom_struct(node))
