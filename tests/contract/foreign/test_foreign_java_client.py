"""The sandbox's Job Control server as a third client of others meets it: Eclipse Milo, by the server's definitions."""

from typing import Any

import pytest

from tests.contract.foreign.sandbox_clients import answers_of_milo, running_sandbox

pytestmark = pytest.mark.foreign

SUSPENDED = [[[], "Interrupted", 4], [["InterruptedSubstates"], "Suspended", 2]]
RUNNING = [[[], "Running", 3]]
_GOOD = {"status": "Good", "arguments": ["Good", "Good"], "returned": 1}


@pytest.fixture(scope="module")
async def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client read and was answered, in one run."""
    async with running_sandbox() as server:
        return await answers_of_milo(server.url, tmp_path_factory.mktemp("client"))


def test_the_client_decodes_a_job_by_the_definitions_of_the_server(answers: dict[str, Any]) -> None:
    order = answers["order"]
    (equipment,) = order["equipment"]
    assert answers["job"].startswith(f"JO-{equipment}-")
    assert order["workMasters"][0].startswith("WM-")
    assert order["parameters"] == ["PlannedQuantity", "RemainingQuantity", "QuantityPerHour", "RemainingQuantityAsOf"]
    assert order["start"] < "2015-01-01T12:00:00Z" < order["end"]


def test_a_pause_leads_to_suspended_and_a_resume_by_the_types_method_back_to_running(answers: dict[str, Any]) -> None:
    assert (answers["paused"], answers["resumed"]) == (_GOOD, _GOOD)
    assert (answers["whilePaused"], answers["afterResume"]) == (SUSPENDED, RUNNING)


def test_the_client_is_sent_an_event_of_the_standards_type_for_each_change(answers: dict[str, Any]) -> None:
    job = answers["job"]
    assert answers["events"] == [
        {"job": job, "state": SUSPENDED, "response": job},
        {"job": job, "state": RUNNING, "response": job},
    ]


def test_each_call_that_cannot_be_made_is_refused_with_the_status_of_opc_10000_4(answers: dict[str, Any]) -> None:
    refused = {asked: (answer["status"], answer["arguments"]) for asked, answer in answers["refused"].items()}
    assert refused == {
        "another object": ("BadMethodInvalid", []),
        "no object": ("BadNodeIdUnknown", []),
        "no method": ("BadMethodInvalid", []),
        "too few": ("BadArgumentsMissing", []),
        "too many": ("BadTooManyArguments", []),
        "a wrong type": ("BadInvalidArgument", ["BadTypeMismatch", "Good"]),
        "an unknown job": ("Good", ["Good", "Good"]),
    }
    assert answers["refused"]["an unknown job"]["returned"] == 2
