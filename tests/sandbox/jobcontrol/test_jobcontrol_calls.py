"""What the Call service refuses (OPC 10000-4, 5.12.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asyncua import ua

if TYPE_CHECKING:
    from tests.sandbox.jobcontrol.conftest import Mes

PAUSE_OF_THE_TYPE, BY_ID_OF_THE_TYPE, RECEIVER = 7007, 7002, 1002
NOTHING = ua.NodeId("nothing", 1)
COMMENT = ua.Variant([], ua.VariantType.LocalizedText, is_array=True)


def text(value: str | None) -> Any:
    return ua.Variant(value, ua.VariantType.String)


async def call(mes: Mes, owner: Any, method: Any, *arguments: Any) -> Any:
    request = ua.CallMethodRequest()
    request.ObjectId = owner
    request.MethodId = method
    request.InputArguments = list(arguments)
    (result,) = await mes.client.uaclient.session.call([request])
    return result


async def pause_with(mes: Mes, *arguments: Any) -> Any:
    receiver = await mes.node("JobOrderControl")
    pause = await receiver.get_child(f"{mes.isa}:Pause")
    return await call(mes, receiver.nodeid, pause.nodeid, *arguments)


async def test_a_method_may_be_called_by_its_id_in_the_type(mes: Mes) -> None:
    job = await mes.job_in(3)
    receiver = (await mes.node("JobOrderControl")).nodeid
    result = await call(mes, receiver, ua.NodeId(PAUSE_OF_THE_TYPE, mes.isa), text(job), COMMENT)
    assert (result.StatusCode.name, result.OutputArguments[0].Value) == ("Good", 1)
    assert await mes.state(job) == 4


async def test_a_method_of_another_object_is_refused_and_does_nothing(mes: Mes) -> None:
    job = await mes.job_in(3)
    receiver, provider = await mes.node("JobOrderControl"), await mes.node("JobOrderResults")
    pause = (await receiver.get_child(f"{mes.isa}:Pause")).nodeid
    owners = [provider.nodeid, mes.client.nodes.objects.nodeid, mes.client.nodes.server.nodeid]
    answers = [(await call(mes, owner, pause, text(job), COMMENT)).StatusCode.name for owner in owners]
    answers.append((await call(mes, receiver.nodeid, ua.NodeId(BY_ID_OF_THE_TYPE, mes.isa), text(job))).StatusCode.name)
    answers.append((await call(mes, receiver.nodeid, NOTHING, text(job), COMMENT)).StatusCode.name)
    assert answers == ["BadMethodInvalid"] * 5
    assert await mes.state(job) == 3


async def test_a_method_of_nothing_of_a_variable_or_of_a_type_is_refused(mes: Mes) -> None:
    receiver = await mes.node("JobOrderControl")
    pause = (await receiver.get_child(f"{mes.isa}:Pause")).nodeid
    job_list = (await receiver.get_child(f"{mes.isa}:JobOrderList")).nodeid
    of_type = ua.NodeId(RECEIVER, mes.isa), ua.NodeId(PAUSE_OF_THE_TYPE, mes.isa)
    asked = {"BadNodeIdUnknown": (NOTHING, pause), "BadNodeIdInvalid": (job_list, pause), "BadNotImplemented": of_type}
    answers = [(await call(mes, *nodes, text("any"), COMMENT)).StatusCode.name for nodes in asked.values()]
    assert answers == [*asked]


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ((), "BadArgumentsMissing"),
        ((text("job"),), "BadArgumentsMissing"),
        ((text("job"), COMMENT, COMMENT), "BadTooManyArguments"),
    ],
)
async def test_too_few_and_too_many_arguments_are_refused(mes: Mes, arguments: tuple[Any, ...], refusal: str) -> None:
    result = await pause_with(mes, *arguments)
    assert (result.StatusCode.name, result.OutputArguments) == (refusal, [])


@pytest.mark.parametrize(
    ("arguments", "at_fault"),
    [
        ((ua.Variant(7, ua.VariantType.Int32), COMMENT), [True, False]),
        ((ua.Variant(), COMMENT), [True, False]),
        ((ua.Variant(["job"], ua.VariantType.String, is_array=True), COMMENT), [True, False]),
        ((text("job"), ua.Variant(ua.LocalizedText("why"), ua.VariantType.LocalizedText)), [False, True]),
        ((text("job"), ua.Variant(["why"], ua.VariantType.String, is_array=True)), [False, True]),
        ((ua.Variant(7, ua.VariantType.Int32), text("why")), [True, True]),
    ],
)
async def test_arguments_of_wrong_types_are_named_one_by_one(
    mes: Mes, arguments: tuple[Any, ...], at_fault: list[bool]
) -> None:
    result = await pause_with(mes, *arguments)
    assert (result.StatusCode.name, result.OutputArguments) == ("BadInvalidArgument", [])
    assert [each.name == "BadTypeMismatch" for each in result.InputArgumentResults] == at_fault


async def test_another_structure_is_no_job_order(mes: Mes) -> None:
    receiver = await mes.node("JobOrderControl")
    store = (await receiver.get_child(f"{mes.isa}:Store")).nodeid
    wrong = (ua.ISA95EquipmentDataType(ID="EQ-001"), None)
    for value in wrong:
        argument = ua.Variant(value, ua.VariantType.ExtensionObject)
        result = await call(mes, receiver.nodeid, store, argument, COMMENT)
        assert [each.name for each in result.InputArgumentResults] == ["BadTypeMismatch", "Good"]


async def test_a_comment_may_be_null(mes: Mes) -> None:
    job = await mes.job_in(3)
    result = await pause_with(mes, text(job), ua.Variant(None, ua.VariantType.LocalizedText, is_array=True))
    assert (result.StatusCode.name, result.OutputArguments[0].Value) == ("Good", 1)
