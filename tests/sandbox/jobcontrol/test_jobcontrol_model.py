"""The address space against the nodeset of the standard, as a client reads both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asyncua import Node, ua

if TYPE_CHECKING:
    from tests.sandbox.jobcontrol.conftest import Mes

RECEIVER, RECEIVER_WITH_SUBSTATES, PROVIDER = 1002, 1008, 1003
COMPONENTS = (ua.ObjectIds.Aggregates, ua.BrowseDirection.Forward)


async def instance(mes: Mes, name: str) -> Node:
    return await mes.node(name)


async def types_of(mes: Mes, name: str) -> list[Node]:
    """The type of an object and every supertype, as far as the base of all."""
    node = mes.client.get_node(await (await instance(mes, name)).read_type_definition())
    found = [node]
    while above := await node.get_referenced_nodes(ua.ObjectIds.HasSubtype, ua.BrowseDirection.Inverse):
        node = above[0]
        found.append(node)
    return found


async def declared(types: list[Node], rule: int) -> dict[str, Node]:
    """The components of types that have a modelling rule, by browse name."""
    found: dict[str, Node] = {}
    for type_ in types:
        for child in await type_.get_referenced_nodes(*COMPONENTS):
            rules = await child.get_referenced_nodes(ua.ObjectIds.HasModellingRule)
            if [each.nodeid.Identifier for each in rules] == [rule]:
                found.setdefault((await child.read_browse_name()).to_string(), child)
    return found


async def components(node: Node) -> dict[str, Node]:
    children = await node.get_referenced_nodes(*COMPONENTS)
    return {(await child.read_browse_name()).to_string(): child for child in children}


async def shape(node: Node) -> tuple[Any, ...]:
    """What an instance has in common with its declaration."""
    node_class = await node.read_node_class()
    if node_class is ua.NodeClass.Variable:
        return await node.read_data_type(), await node.read_value_rank(), await node.read_type_definition()
    if node_class is ua.NodeClass.Method:
        return tuple([await argument.read_value() for argument in await node.get_properties()])
    return (await node.read_type_definition(),)


@pytest.mark.parametrize("name", ["JobOrderControl", "JobOrderResults"])
async def test_an_object_has_every_mandatory_component_of_its_types_as_they_declare_it(mes: Mes, name: str) -> None:
    wanted = await declared(await types_of(mes, name), ua.ObjectIds.ModellingRule_Mandatory)
    there = await components(await instance(mes, name))
    assert {each: await shape(node) for each, node in wanted.items()} == {
        each: await shape(there[each]) for each in wanted
    }


async def test_the_optional_components_that_are_there_are_those_of_the_types(mes: Mes) -> None:
    types = await types_of(mes, "JobOrderControl")
    optional = await declared(types, ua.ObjectIds.ModellingRule_Optional)
    mandatory = await declared(types, ua.ObjectIds.ModellingRule_Mandatory)
    there = await components(await instance(mes, "JobOrderControl"))
    more = {name: await shape(node) for name, node in there.items() if name not in mandatory}
    assert more == {name: await shape(optional[name]) for name in more}
    assert len(more) == 11 + 4


async def test_the_receiver_shows_substates_and_so_has_the_type_with_substates(mes: Mes) -> None:
    types = await types_of(mes, "JobOrderControl")
    assert [each.nodeid.Identifier for each in types[:2]] == [RECEIVER_WITH_SUBSTATES, RECEIVER]
    assert {each.nodeid.NamespaceIndex for each in types[:2]} == {mes.isa}


@pytest.mark.parametrize("state", [1, 2, 4])
async def test_a_substate_has_the_browse_path_the_name_and_the_number_of_a_state_of_its_machine(
    mes: Mes, state: int
) -> None:
    job = await mes.job_in(min(state, 3))
    if state == 4:
        await mes.call("Pause", job)
    top, substate = (await mes.row(job)).State
    receiver = await instance(mes, "JobOrderControl")
    (element,) = substate.BrowsePath.Elements
    machine = await receiver.get_child(element.TargetName.to_string())
    kind = mes.client.get_node(await machine.read_type_definition())
    state_node = await kind.get_child(f"{mes.isa}:{substate.StateText.Text}")
    assert await (await state_node.get_child("0:StateNumber")).read_value() == substate.StateNumber
    (of_type, *_) = await types_of(mes, "JobOrderControl")
    outer = await of_type.get_child(f"{mes.isa}:{top.StateText.Text}")
    (below,) = await outer.get_referenced_nodes(ua.ObjectIds.HasSubStateMachine)
    assert (await below.read_browse_name()) == element.TargetName


async def test_the_work_masters_of_planned_jobs_are_listed(mes: Mes) -> None:
    receiver = await instance(mes, "JobOrderControl")
    listed = {each.ID for each in await (await receiver.get_child(f"{mes.isa}:WorkMaster")).read_value()}
    planned = [row.JobOrder for row in await mes.rows() if row.JobOrder.JobOrderID.startswith("JO-")]
    assert {each.ID for order in planned for each in order.WorkMasterID} <= listed


async def test_an_order_with_fields_that_nest_is_listed_as_it_was_stored(mes: Mes) -> None:
    tip = ua.ISA95ParameterDataType(ID="Tip", Value=ua.Variant(0.4, ua.VariantType.Double))
    tool = ua.ISA95ParameterDataType(ID="Tool", Value=ua.Variant("T-7", ua.VariantType.String), Subparameters=[tip])
    order = mes.order("NESTED", "EQ-001")
    order.WorkMasterID = [ua.ISA95WorkMasterDataType(ID="WM-SHAFT", Parameters=[tool])]
    order.EquipmentRequirements[0].Quantity = "1.5"
    assert await mes.call("Store", order) == 1
    listed = (await mes.row("NESTED")).JobOrder
    assert listed.WorkMasterID == order.WorkMasterID
    assert listed.EquipmentRequirements == order.EquipmentRequirements
    assert await mes.call("Cancel", "NESTED") == 1


async def test_the_state_machine_describes_values_and_is_in_no_state_itself(mes: Mes) -> None:
    receiver = await instance(mes, "JobOrderControl")
    assert await (await receiver.get_child("0:CurrentState")).read_value() is None
