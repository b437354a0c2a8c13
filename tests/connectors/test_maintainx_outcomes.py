"""From the codes that a site's technicians choose to outcome classes."""

import pytest

from connectors.cmms.maintainx import MaintainXSettings, outcome_codes
from connectors.finding_codes import FindingCodeTable
from domain.outcomes import OutcomeClass
from domain.work_orders import CompletionReport, FindingRole, ReportedCode

TABLE = {
    "problem": {"OVERVOLT": "confirmed"},
    "cause": {"Sensor": "sensor_fault", "NONE": "nothing_found"},
    "remedy": {"REPLACE": "confirmed", "NONE": "nothing_found"},
}


@pytest.mark.parametrize(
    ("codes", "meant"),
    [
        ({}, OutcomeClass.UNKNOWN),
        ({"problem": "overvolt"}, OutcomeClass.CONFIRMED),
        ({"problem": "OVERVOLT", "cause": "SENSOR"}, OutcomeClass.SENSOR_FAULT),
        ({"cause": "SENSOR", "remedy": "NONE"}, OutcomeClass.UNKNOWN),
        ({"cause": "none", "remedy": "none"}, OutcomeClass.NOTHING_FOUND),
        ({"remedy": "OVERVOLT"}, OutcomeClass.UNKNOWN),
        ({"cause": "Another"}, OutcomeClass.UNKNOWN),
    ],
    ids=str,
)
def test_the_sites_table_says_what_codes_mean(codes: dict[str, str], meant: OutcomeClass) -> None:
    settings = MaintainXSettings.model_validate({"api_key": "x", "outcomes": TABLE})
    chosen = tuple(ReportedCode(role=FindingRole(role), code=code) for role, code in codes.items())
    assert outcome_codes(settings).classify(CompletionReport(codes=chosen)) is meant


def test_without_a_table_a_person_decides() -> None:
    report = CompletionReport(codes=(ReportedCode(role=FindingRole.CAUSE, code="Sensor"),))
    assert outcome_codes(MaintainXSettings.model_validate({"api_key": "x"})).classify(report) is OutcomeClass.UNKNOWN


def test_a_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="cause"):
        FindingCodeTable.model_validate({"cause": {"X": "broken"}})
