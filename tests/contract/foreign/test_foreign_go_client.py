"""The sandbox's Job Control server as another client of others meets it: gopcua, by the structures of the node set."""

from typing import Any

import pytest

from tests.contract.foreign.sandbox_clients import answers_of_gopcua, running_sandbox

pytestmark = pytest.mark.foreign

State = tuple[list[str], str, int]

SUSPENDED: list[State] = [([], "Interrupted", 4), (["InterruptedSubstates"], "Suspended", 2)]
RUNNING: list[State] = [([], "Running", 3)]
_GOOD = {"status": "Good", "arguments": ["Good", "Good"], "returned": 1}


@pytest.fixture(scope="module")
async def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client read and was answered, in one run."""
    async with running_sandbox() as server:
        return await answers_of_gopcua(server.url, tmp_path_factory.mktemp("client"))


def spoken(states: list[dict[str, Any]]) -> list[State]:
    """The browse path, text and number of each state."""
    return [
        (
            [step["TargetName"]["Name"] for step in state["BrowsePath"]["Elements"]],
            state["StateText"]["Text"],
            state["StateNumber"],
        )
        for state in states
    ]


def test_the_client_decodes_a_job_by_the_published_structures(answers: dict[str, Any]) -> None:
    entry = next(entry for entry in answers["jobs"] if entry["JobOrder"]["JobOrderID"] == answers["job"])
    order = entry["JobOrder"]
    assert f"JO-{order['EquipmentRequirements'][0]['ID']}-" in order["JobOrderID"]
    assert order["WorkMasterID"][0]["ID"].startswith("WM-")
    assert order["StartTime"] < "2015-01-01T12:00:00Z" < order["EndTime"]
    assert [parameter["ID"] for parameter in order["JobOrderParameters"]] == [
        "PlannedQuantity",
        "RemainingQuantity",
        "QuantityPerHour",
        "RemainingQuantityAsOf",
    ]
    assert spoken(entry["State"]) == RUNNING


def test_a_pause_leads_to_suspended_and_a_resume_by_the_types_method_back_to_running(answers: dict[str, Any]) -> None:
    assert (answers["paused"], answers["resumed"]) == (_GOOD, _GOOD)
    assert spoken(answers["whilePaused"]) == SUSPENDED
    assert spoken(answers["afterResume"]) == RUNNING


def test_the_client_is_sent_an_event_of_the_standards_type_for_each_change(answers: dict[str, Any]) -> None:
    assert [event["Job"] for event in answers["events"]] == [answers["job"]] * 2
    assert [spoken(event["State"]) for event in answers["events"]] == [SUSPENDED, RUNNING]


def test_each_call_that_cannot_be_made_is_refused_with_the_status_of_opc_10000_4(answers: dict[str, Any]) -> None:
    refused = {asked: (answer["status"], answer["arguments"]) for asked, answer in answers["refused"].items()}
    assert refused == {
        "another object": ("BadMethodInvalid", []),
        # gopcua's own spelling.
        "no object": ("BadNodeIDUnknown", []),
        "no method": ("BadMethodInvalid", []),
        "too few": ("BadArgumentsMissing", []),
        "too many": ("BadTooManyArguments", []),
        "a wrong type": ("BadInvalidArgument", ["BadTypeMismatch", "Good"]),
        "another structure": ("BadInvalidArgument", ["BadTypeMismatch", "Good"]),
        "an unknown job": ("Good", ["Good", "Good"]),
    }
    assert answers["refused"]["an unknown job"]["returned"] == 2
