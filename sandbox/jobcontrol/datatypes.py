"""The ISA-95 Job Control data types: definitions a client learns from the server's DataTypeDefinition attributes.

Names, field order, optional fields and numeric ids are those of OPC 10031-4 v2.00 (UA-Nodeset ISA95-JOBCONTROL), made
without the nodeset file. Left out are the recursive Subparameters and Subproperties. WorkMasterID is an array of
String, which the contract leaves open, and Quantity plain String, DecimalString's wire form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Node, Server, ua
from asyncua.common.manage_nodes import create_encoding
from asyncua.common.structures104 import load_custom_struct, new_struct_field

NAMESPACE: Final = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/"
JOB_ORDER: Final = "ISA95JobOrderDataType"
JOB_ORDER_AND_STATE: Final = "ISA95JobOrderAndStateDataType"
JOB_RESPONSE: Final = "ISA95JobResponseDataType"
STATE: Final = "ISA95StateDataType"
PARAMETER: Final = "ISA95ParameterDataType"
EQUIPMENT: Final = "ISA95EquipmentDataType"


@dataclass(frozen=True)
class _Field:
    """One field; a trailing `[]` of `kind` means an array, a trailing `?` of `name` an optional field."""

    name: str
    kind: str


@dataclass(frozen=True)
class _Structure:
    name: str
    data_type: int
    encoding: int
    fields: tuple[_Field, ...]


def _structure(name: str, data_type: int, encoding: int, *fields: str) -> _Structure:
    pairs = (field.split(": ") for field in fields)
    return _Structure(name, data_type, encoding, tuple(_Field(field, kind) for field, kind in pairs))


_RESOURCE: Final = (
    "Quantity?: String",
    "EngineeringUnits?: EUInformation",
    "Properties?: ISA95PropertyDataType[]",
)
_STRUCTURES: Final = (
    _structure(
        "ISA95PropertyDataType",
        3002,
        5002,
        "ID: String",
        "Value: Variant",
        "Description?: LocalizedText[]",
        "EngineeringUnits?: EUInformation",
    ),
    _structure(
        "ISA95ParameterDataType",
        3003,
        5005,
        "ID: String",
        "Value: Variant",
        "Description?: LocalizedText[]",
        "EngineeringUnits?: EUInformation",
    ),
    _structure(
        "ISA95EquipmentDataType",
        3005,
        5008,
        "ID: String",
        "Description?: LocalizedText[]",
        "EquipmentUse?: String",
        *_RESOURCE,
    ),
    _structure(
        "ISA95StateDataType",
        3006,
        5029,
        "BrowsePath: RelativePath",
        "StateText: LocalizedText",
        "StateNumber: UInt32",
    ),
    _structure(
        "ISA95MaterialDataType",
        3010,
        5017,
        "MaterialClassID?: String",
        "MaterialDefinitionID?: String",
        "MaterialLotID?: String",
        "MaterialSublotID?: String",
        "Description?: LocalizedText[]",
        "MaterialUse?: String",
        *_RESOURCE,
    ),
    _structure(
        "ISA95PersonnelDataType",
        3011,
        5020,
        "ID: String",
        "Description?: LocalizedText[]",
        "PersonnelUse?: String",
        *_RESOURCE,
    ),
    _structure(
        "ISA95PhysicalAssetDataType",
        3012,
        5023,
        "ID: String",
        "Description?: LocalizedText[]",
        "PhysicalAssetUse?: String",
        *_RESOURCE,
    ),
    _structure(
        "ISA95JobOrderDataType",
        3008,
        5014,
        "JobOrderID: String",
        "Description?: LocalizedText[]",
        "WorkMasterID?: String[]",
        "StartTime?: DateTime",
        "EndTime?: DateTime",
        "Priority?: Int16",
        "JobOrderParameters?: ISA95ParameterDataType[]",
        "PersonnelRequirements?: ISA95PersonnelDataType[]",
        "EquipmentRequirements?: ISA95EquipmentDataType[]",
        "PhysicalAssetRequirements?: ISA95PhysicalAssetDataType[]",
        "MaterialRequirements?: ISA95MaterialDataType[]",
    ),
    _structure(
        "ISA95JobResponseDataType",
        3013,
        5026,
        "JobResponseID: String",
        "Description?: LocalizedText",
        "JobOrderID: String",
        "StartTime?: DateTime",
        "EndTime?: DateTime",
        "JobState: ISA95StateDataType[]",
        "JobResponseData?: ISA95ParameterDataType[]",
        "PersonnelActuals?: ISA95PersonnelDataType[]",
        "EquipmentActuals?: ISA95EquipmentDataType[]",
        "PhysicalAssetActuals?: ISA95PhysicalAssetDataType[]",
        "MaterialActuals?: ISA95MaterialDataType[]",
    ),
    _structure(
        "ISA95JobOrderAndStateDataType",
        3015,
        5032,
        "JobOrder: ISA95JobOrderDataType",
        "State: ISA95StateDataType[]",
    ),
)


@dataclass(frozen=True)
class DataType:
    """One structure in the address space: its node id, its binary encoding's, and asyncua's class of it."""

    node: Any
    encoding: Any
    make: Any


async def define(server: Server, namespace: int) -> Mapping[str, DataType]:
    """Put every structure in the server's address space; by name."""
    known: dict[str, DataType] = {}
    for structure in _STRUCTURES:
        encoding = ua.NodeId(structure.encoding, namespace)
        node = await _define(server, namespace, structure, known)
        known[structure.name] = DataType(node.nodeid, encoding, await load_custom_struct(node))
    return known


async def _define(server: Server, namespace: int, structure: _Structure, known: Mapping[str, DataType]) -> Node:
    """One structure under its standard ids. asyncua's `new_struct` cannot fix the encoding's id, and processes that
    hold several servers share one registry keyed by it."""
    node = await server.nodes.base_structure_type.add_data_type(
        ua.NodeId(structure.data_type, namespace), ua.QualifiedName(structure.name, namespace)
    )
    encoding = await create_encoding(
        node, ua.NodeId(structure.encoding, namespace), ua.QualifiedName("Default Binary", 0)
    )
    definition = ua.StructureDefinition()
    definition.BaseDataType = server.nodes.base_structure_type.nodeid
    definition.DefaultEncodingId = encoding.nodeid
    definition.Fields = [_field(field, known) for field in structure.fields]
    optional = any(field.IsOptional for field in definition.Fields)
    kinds = ua.StructureType
    definition.StructureType = kinds.StructureWithOptionalFields if optional else kinds.Structure
    await node.write_data_type_definition(definition)
    return node


def _field(field: _Field, known: Mapping[str, DataType]) -> Any:
    kind = field.kind.removesuffix("[]")
    data_type = known[kind].node if kind in known else _builtin(kind)
    return new_struct_field(
        field.name.removesuffix("?"),
        data_type,
        array=field.kind.endswith("[]"),
        optional=field.name.endswith("?"),
    )


def _builtin(kind: str) -> Any:
    return ua.NodeId(24 if kind == "Variant" else getattr(ua.ObjectIds, kind))
