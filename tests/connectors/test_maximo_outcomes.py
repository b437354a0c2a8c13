"""From a site's failure codes to outcome classes."""

import pytest

from connectors.cmms.maximo import MaximoOutcomeCodes, OutcomeTable
from domain.outcomes import OutcomeClass
from tests.support.cmms import reported

CODES = MaximoOutcomeCodes(
    OutcomeTable.model_validate(
        {
            "problem": {"LEAK": "confirmed", "NOFAULT": "nothing_found", "INSTRUM": "sensor_fault"},
            "cause": {"SETPOINT": "process_change"},
            "remedy": {"REPLACE": "confirmed", "EARLY": "prevented"},
        }
    )
)


@pytest.mark.parametrize(
    ("problem", "cause", "remedy", "outcome"),
    [
        ("LEAK", "SEAL", "REPLACE", OutcomeClass.CONFIRMED),
        ("leak", None, None, OutcomeClass.CONFIRMED),
        ("NOFAULT", "NOCAUSE", "NOACTION", OutcomeClass.NOTHING_FOUND),
        ("LEAK", None, "EARLY", OutcomeClass.PREVENTED),
        ("INSTRUM", "SETPOINT", None, OutcomeClass.UNKNOWN),
        ("OTHER", None, "REPLACE", OutcomeClass.CONFIRMED),
        ("OTHER", "OTHER", "OTHER", OutcomeClass.UNKNOWN),
        (None, None, None, OutcomeClass.UNKNOWN),
        (None, "REPLACE", None, OutcomeClass.UNKNOWN),
    ],
)
def test_codes_mean_what_the_sites_table_says(
    problem: str | None, cause: str | None, remedy: str | None, outcome: OutcomeClass
) -> None:
    assert CODES.classify(reported(problem, cause, remedy)) is outcome


def test_without_a_table_every_outcome_waits_for_a_person() -> None:
    assert MaximoOutcomeCodes(OutcomeTable()).classify(reported("LEAK")) is OutcomeClass.UNKNOWN
