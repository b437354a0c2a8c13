"""What each answer of the twin service means to us."""

import json
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from connectors.azure.digital_twins.faults import PageInsteadError, translated
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable


@dataclass
class Answer:
    """As much of a response as the client's exceptions read."""

    status_code: int
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)
    request: object = None
    reason: str = "because"
    content_type: str = "application/json"

    def text(self, encoding: str | None = None) -> str:
        return json.dumps(self.document)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (400, Refused),
        (401, ActionRequired),
        (403, ActionRequired),
        (404, ActionRequired),
        (405, Refused),
        (408, Unavailable),
        (409, Refused),
        (412, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
def test_each_status_has_one_meaning(status: int, meaning: type[ConnectorError]) -> None:
    document = {"error": {"code": "SomeCode", "message": "Some words."}}
    error = HttpResponseError(response=Answer(status, document))
    ours = translated(error, "read-twin", "twin machine-017", key="MWABCDEFGH")
    assert type(ours) is meaning
    assert (ours.system, ours.operation, ours.key) == ("digital_twins", "read-twin", "MWABCDEFGH")
    assert f"twin machine-017 (HTTP {status}: SomeCode: Some words." in ours.problem


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (ServiceRequestError("refused"), Unavailable),
        (ServiceResponseError("cut"), Unavailable),
        (IncompleteReadError("half"), Unavailable),
        (TimeoutError(), Unavailable),
        (ConnectionResetError(), Unavailable),
        (ClientAuthenticationError("no managed identity"), ActionRequired),
        (DecodeError("no JSON"), Refused),
        (ValueError("Unable to deserialize"), Refused),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_what_has_no_status_has_a_meaning_too(error: Exception, meaning: type[ConnectorError]) -> None:
    assert type(translated(error, "check", "https://plant")) is meaning


@pytest.mark.parametrize(
    ("page", "meaning"),
    [
        ("<!doctype html><title>Sign in</title><h1>Sign in to the plant network</h1>", Unavailable),
        ("<html><body>We will be back shortly</body></html>", Unavailable),
        ('<html><form><input name=x type="password"></form></html>', ActionRequired),
    ],
)
def test_a_page_for_people_in_the_place_of_an_answer_passes_or_asks_for_a_person(
    page: str, meaning: type[ConnectorError]
) -> None:
    assert type(translated(PageInsteadError(page), "read-twin", "twin machine-017")) is meaning


def test_a_wait_that_is_asked_for_is_passed_on() -> None:
    def wait(value: str) -> timedelta | None:
        error = translated(HttpResponseError(response=Answer(429, headers={"Retry-After": value})), "check", "x")
        assert isinstance(error, Unavailable)
        return error.retry_after

    assert [wait("17"), wait("99999999"), wait("soon")] == [timedelta(seconds=17), timedelta(days=1), None]


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ("lastOutcomeAt is not a property of the model dtmi:x;1.", "lastOutcomeAt"),
        ("'lastOutcome' must be a string.", "lastOutcome"),
        ("/healthState is invalid", "healthState"),
    ],
)
def test_a_validation_error_names_the_property(details: str, field: str) -> None:
    inner = {"code": "ValidationFailed", "message": details}
    document = {"error": {"code": "ValidationFailed", "message": "Invalid twin specified", "details": [inner]}}
    properties = ("healthState", "lastOutcome", "lastOutcomeAt")
    ours = translated(HttpResponseError(response=Answer(400, document)), "patch-twin", "twin x", properties)
    assert isinstance(ours, ActionRequired)
    assert ours.field == field


def test_a_validation_error_that_names_nothing_of_ours_is_our_fault() -> None:
    document = {"error": {"code": "JsonPatchInvalid", "message": "The patch is invalid."}}
    ours = translated(HttpResponseError(response=Answer(400, document)), "patch-twin", "twin x", ("healthState",))
    assert isinstance(ours, Refused)
