"""The table of faults in the documentation is what a run of the faults gives."""

from millwright.connector_trial.running import TrialOutcome, TriedBehaviour
from millwright.connector_trial.trial import DisturbedCall
from tests.contract.fault_table import cell, table, written


async def test_the_page_has_the_table_that_a_run_gives() -> None:
    made = await table()
    assert "failed" not in made
    assert written() == made, "run `make connector-faults`"


def test_a_behaviour_that_fails_is_shown_as_failed() -> None:
    told = (DisturbedCall(kind="unavailable"),)
    tried = TriedBehaviour(behaviour="any", sentence="Any.", outcome=TrialOutcome.FAILED, told=told)
    assert cell(tried) == "failed"
