"""The sandbox's Job Control server as a client of others meets it: node-opcua, which knows none of our code."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.jobcontrol.datatypes import NODESET
from tests.contract.foreign.sandbox_clients import answers_of_node_opcua, running_sandbox

pytestmark = pytest.mark.foreign

_PUBLISHED = Path(__file__).parent / "node_modules" / "node-opcua-nodesets" / "nodesets"
_MANDATORY = {
    "CurrentState",
    "EquipmentID",
    "JobOrderList",
    "MaterialClassID",
    "MaterialDefinitionID",
    "MaxDownloadableJobOrders",
    "PersonnelID",
    "PhysicalAssetID",
    "WorkMaster",
}
_GOOD = {"status": "Good", "arguments": ["Good", "Good"], "returned": 1}


@pytest.fixture(scope="module")
async def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client read and was answered, in one run."""
    async with running_sandbox() as server:
        return await answers_of_node_opcua(server.url, tmp_path_factory.mktemp("client"))


def listed(answers: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The first entry of the job list whose id begins so."""
    return next(entry for entry in answers["jobs"] if entry["jobOrder"]["jobOrderID"].startswith(prefix))


def substate(machine: str, text: str, number: int) -> dict[str, Any]:
    step = {
        "referenceTypeId": "ns=0;i=47",
        "isInverse": False,
        "includeSubtypes": True,
        "targetName": {"namespaceIndex": 2, "name": machine},
    }
    return {
        "browsePath": {"elements": [step]},
        "stateText": {"locale": "en", "text": text},
        "stateNumber": number,
    }


def state(text: str, number: int) -> dict[str, Any]:
    return {"browsePath": {"elements": []}, "stateText": {"locale": "en", "text": text}, "stateNumber": number}


def test_the_sandboxs_nodeset_is_the_published_file() -> None:
    assert NODESET.read_bytes() == (_PUBLISHED / NODESET.name).read_bytes()


def test_the_client_finds_the_receiver_by_its_type_with_every_mandatory_component(answers: dict[str, Any]) -> None:
    assert answers["receiver"] == {"name": "JobOrderControl", "type": 1008}
    assert set(answers["parts"]) >= _MANDATORY


def test_the_client_decodes_every_field_of_a_planned_stop(answers: dict[str, Any]) -> None:
    assert listed(answers, "STOP-LINE-2") == {
        "jobOrder": {
            "jobOrderID": "STOP-LINE-2-00730",
            "description": [{"locale": "en", "text": "Planned stop of LINE-2"}],
            "workMasterID": [{"ID": "PLANNED-STOP"}],
            "startTime": "2015-01-06T00:00:00.000Z",
            "endTime": "2015-01-06T06:00:00.000Z",
            "priority": 0,
            "jobOrderParameters": [],
            "equipmentRequirements": [{"ID": name} for name in ("EQ-001", "EQ-004", "EQ-007", "EQ-010")],
        },
        "state": [state("NotAllowedToStart", 1), substate("NotAllowedToStartSubstates", "Waiting", 1)],
    }


def test_the_client_decodes_every_field_of_a_running_job(answers: dict[str, Any]) -> None:
    entry = listed(answers, answers["job"])
    order = entry["jobOrder"]
    values = [(each["ID"], each["value"]["dataType"]) for each in order["jobOrderParameters"]]
    assert values == [
        ("PlannedQuantity", "Double"),
        ("RemainingQuantity", "Double"),
        ("QuantityPerHour", "Double"),
        ("RemainingQuantityAsOf", "DateTime"),
    ]
    assert order["workMasterID"][0] in answers["workMasters"]
    assert f"JO-{order['equipmentRequirements'][0]['ID']}-" in order["jobOrderID"]
    assert order["startTime"] < "2015-01-01T12:00:00.000Z" < order["endTime"]
    assert entry["state"] == [state("Running", 3)]


def test_a_pause_leads_to_suspended_and_a_resume_by_the_types_method_back_to_running(answers: dict[str, Any]) -> None:
    assert (answers["paused"], answers["resumed"]) == (_GOOD, _GOOD)
    assert answers["whilePaused"] == [state("Interrupted", 4), substate("InterruptedSubstates", "Suspended", 2)]
    assert answers["afterResume"] == [state("Running", 3)]
    assert answers["again"] == {**_GOOD, "returned": 8}


def test_the_client_is_sent_an_event_of_the_standards_type_for_each_change(answers: dict[str, Any]) -> None:
    paused, resumed = answers["events"]
    assert paused["JobState"] == answers["whilePaused"]
    assert resumed["JobState"] == answers["afterResume"]
    for event in (paused, resumed):
        assert event["SourceName"] == "JobOrderResults"
        assert event["JobOrder"]["jobOrderID"] == event["JobResponse"]["jobOrderID"] == answers["job"]
        assert event["JobResponse"]["jobState"] == event["JobState"]


def test_the_servers_clock_moves_on(answers: dict[str, Any]) -> None:
    begin, later = (datetime.fromisoformat(each) for each in answers["times"])
    assert later > begin


def test_an_order_that_the_client_built_is_listed_as_it_built_it(answers: dict[str, Any]) -> None:
    tip = {"ID": "Tip", "value": {"dataType": "Double", "arrayType": "Scalar", "value": 0.4}}
    tool = {
        "ID": "Tool",
        "value": {"dataType": "String", "arrayType": "Scalar", "value": "T-7"},
        "subparameters": [tip],
    }
    assert answers["stored"] == {
        "answer": _GOOD,
        "order": {
            "jobOrderID": "FOREIGN-1",
            "workMasterID": [{"ID": "WM-SHAFT", "parameters": [tool]}],
            "priority": 3,
            "equipmentRequirements": [{"ID": "EQ-001", "quantity": "1.5"}],
        },
    }


@pytest.mark.parametrize(
    ("asked", "status", "arguments"),
    [
        ("another object", "BadMethodInvalid", []),
        ("no object", "BadNodeIdUnknown", []),
        ("a variable", "BadNodeIdInvalid", []),
        ("no method", "BadMethodInvalid", []),
        ("too few", "BadArgumentsMissing", []),
        ("too many", "BadTooManyArguments", []),
        ("a wrong type", "BadInvalidArgument", ["BadTypeMismatch", "Good"]),
        ("no array", "BadInvalidArgument", ["Good", "BadTypeMismatch"]),
        ("no structure", "BadInvalidArgument", ["BadTypeMismatch", "Good"]),
    ],
)
def test_a_call_that_cannot_be_made_is_refused_with_the_status_of_opc_10000_4(
    answers: dict[str, Any], asked: str, status: str, arguments: list[str]
) -> None:
    assert answers["refused"][asked] == {"status": status, "arguments": arguments, "returned": None}


def test_an_unknown_job_is_refused_by_the_receiver_and_not_by_the_service(answers: dict[str, Any]) -> None:
    assert answers["refused"]["an unknown job"] == {**_GOOD, "returned": 2}
