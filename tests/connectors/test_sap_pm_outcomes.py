"""From catalog codes to outcome classes, by the site's table."""

import pytest
from pydantic import ValidationError

from connectors.cmms.sap_pm import SapPmOutcomeCodes, SapPmOutcomeTable
from domain.outcomes import OutcomeClass
from domain.work_orders import CompletionReport, FindingRole, ReportedCode

CODES = SapPmOutcomeCodes(
    SapPmOutcomeTable(
        damage={"ELEC/0110": OutcomeClass.CONFIRMED, "ELEC/0990": OutcomeClass.NOTHING_FOUND},
        cause={"elcause/0200": OutcomeClass.CONFIRMED},
        activity={"ELACT/0070": OutcomeClass.SENSOR_FAULT},
    )
)


def report(*codes: tuple[FindingRole, str | None, str]) -> CompletionReport:
    return CompletionReport(codes=tuple(ReportedCode(role=role, group=group, code=code) for role, group, code in codes))


@pytest.mark.parametrize(
    ("codes", "meant"),
    [
        ([(FindingRole.PROBLEM, "ELEC", "0110")], OutcomeClass.CONFIRMED),
        ([(FindingRole.CAUSE, "ELCAUSE", "0200")], OutcomeClass.CONFIRMED),
        ([(FindingRole.PROBLEM, "MECH", "0110")], OutcomeClass.UNKNOWN),
        ([(FindingRole.PROBLEM, None, "0110")], OutcomeClass.UNKNOWN),
        ([(FindingRole.OBJECT_PART, "ELEC", "0110")], OutcomeClass.UNKNOWN),
        ([(FindingRole.PROBLEM, "ELEC", "0110"), (FindingRole.REMEDY, "ELACT", "0070")], OutcomeClass.SENSOR_FAULT),
        ([(FindingRole.PROBLEM, "ELEC", "0990"), (FindingRole.REMEDY, "ELACT", "0070")], OutcomeClass.UNKNOWN),
        ([], OutcomeClass.UNKNOWN),
    ],
)
def test_a_code_means_something_in_its_group_only(
    codes: list[tuple[FindingRole, str | None, str]], meant: OutcomeClass
) -> None:
    assert CODES.classify(report(*codes)) is meant


@pytest.mark.parametrize("code", ["0110", "ELEC/01100", "A GROUP/0110", "MUCHTOOLONG/0110"])
def test_a_code_without_its_group_is_refused_in_the_settings(code: str) -> None:
    with pytest.raises(ValidationError):
        SapPmOutcomeTable(damage={code: OutcomeClass.CONFIRMED})
