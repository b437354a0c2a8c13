"""From the codes of a description's report to outcome classes."""

import pytest

from connectors.cmms.rest import RestOutcomeTable, RestSettings, outcome_codes
from domain.outcomes import OutcomeClass
from domain.work_orders import CompletionReport, FindingRole, ReportedCode
from tests.connectors.rest_answers import settings_of

TABLE = {
    "problem": {"OVERVOLT": "confirmed"},
    "cause": {"REGULATR": "confirmed", "SENSOR": "sensor_fault"},
    "object_part": {"PUMP": "confirmed"},
}


def settings() -> RestSettings:
    return settings_of(outcomes=TABLE)


def report(**codes: str) -> CompletionReport:
    return CompletionReport(
        codes=tuple(ReportedCode(role=FindingRole(role), code=code) for role, code in codes.items())
    )


@pytest.mark.parametrize(
    ("codes", "meant"),
    [
        ({"problem": "overvolt"}, OutcomeClass.CONFIRMED),
        ({"object_part": "PUMP"}, OutcomeClass.CONFIRMED),
        ({"problem": "OVERVOLT", "cause": "sensor"}, OutcomeClass.SENSOR_FAULT),
        ({"cause": "OVERVOLT"}, OutcomeClass.UNKNOWN),
        ({}, OutcomeClass.UNKNOWN),
    ],
    ids=["lower case", "part", "a special class counts more", "another kind of code", "none"],
)
def test_codes_mean_a_class(codes: dict[str, str], meant: OutcomeClass) -> None:
    assert outcome_codes(settings()).classify(report(**codes)) is meant


def test_without_a_table_a_person_decides() -> None:
    made = settings_of()
    assert made.outcomes == RestOutcomeTable()
    assert outcome_codes(made).classify(report(problem="OVERVOLT")) is OutcomeClass.UNKNOWN
