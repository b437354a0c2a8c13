"""What OPC UA's status codes and Job Control's ReturnStatus mean."""

import pytest
from asyncua import ua

from connectors.mes.opcua_job_control.mapping import refusal
from connectors.opcua.faults import MEANINGS, meaning_of
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("BadUserAccessDenied", ActionRequired),
        ("BadIdentityTokenRejected", ActionRequired),
        ("BadCertificateUntrusted", ActionRequired),
        ("BadCertificateTimeInvalid", ActionRequired),
        ("BadSecurityPolicyRejected", ActionRequired),
        ("BadSecurityModeRejected", ActionRequired),
        ("BadTooManyOperations", Unavailable),
        ("BadServerHalted", Unavailable),
        ("BadSessionIdInvalid", Unavailable),
        ("BadTimeout", Unavailable),
        ("BadNodeIdUnknown", Refused),
        ("BadInvalidArgument", Refused),
        ("BadSomethingNew", Refused),
    ],
)
def test_a_status_code_means_one_of_the_three_errors(status: str, error: type[ConnectorError]) -> None:
    kind, words = meaning_of(status)
    assert kind is error
    assert status in words


def test_every_status_of_the_table_is_one_of_opc_ua() -> None:
    assert [name for name in MEANINGS if not hasattr(ua.StatusCodes, name)] == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (0, Unavailable),
        (2, Refused),
        (4, Refused),
        (8, Unavailable),
        (16, Unavailable),
        (24, Unavailable),
        (1 << 32, Refused),
        (1 << 33, ActionRequired),
        (1 << 63, ActionRequired),
    ],
)
def test_a_return_status_other_than_success_means_one_of_the_three(status: int, error: type[ConnectorError]) -> None:
    kind, words = refusal(status)
    assert kind is error
    assert f"ReturnStatus {status}" in words
