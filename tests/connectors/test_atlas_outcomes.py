"""From what technicians choose to outcome classes."""

import pytest

from connectors.cmms.atlas import outcome_codes
from connectors.finding_codes import FindingCodeTable
from domain.outcomes import OutcomeClass
from domain.work_orders import CompletionReport, FindingRole, ReportedCode
from tests.connectors.atlas_answers import SETTINGS

TABLE = FindingCodeTable.model_validate(
    {
        "problem": {"Overvoltage": "confirmed"},
        "cause": {"None found": "nothing_found", "Sensor": "sensor_fault"},
        "remedy": {"Replaced": "confirmed"},
    }
)


@pytest.mark.parametrize(
    ("codes", "meant"),
    [
        ({}, OutcomeClass.UNKNOWN),
        ({"problem": "overvoltage"}, OutcomeClass.CONFIRMED),
        ({"problem": "Noise"}, OutcomeClass.UNKNOWN),
        ({"problem": "Overvoltage", "cause": "NONE FOUND"}, OutcomeClass.NOTHING_FOUND),
        ({"cause": "Replaced"}, OutcomeClass.UNKNOWN),
        ({"remedy": "Replaced", "cause": "Sensor"}, OutcomeClass.SENSOR_FAULT),
    ],
    ids=str,
)
def test_a_special_class_outranks_confirmed_and_what_is_not_in_the_table_is_left_to_a_person(
    codes: dict[str, str], meant: OutcomeClass
) -> None:
    reported = tuple(ReportedCode(role=FindingRole(role), code=code) for role, code in codes.items())
    settings = SETTINGS.model_copy(update={"outcomes": TABLE})
    assert outcome_codes(settings).classify(CompletionReport(codes=reported)) is meant


def test_two_special_classes_at_odds_are_left_to_a_person() -> None:
    codes = tuple(ReportedCode(role=FindingRole.CAUSE, code=code) for code in ("Sensor", "None found"))
    settings = SETTINGS.model_copy(update={"outcomes": TABLE})
    assert outcome_codes(settings).classify(CompletionReport(codes=codes)) is OutcomeClass.UNKNOWN
