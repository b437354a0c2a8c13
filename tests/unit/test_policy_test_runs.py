"""The clause by which a machine must prove its repair on a test run."""

from datetime import timedelta

import pytest

from domain.machine_test_runs import RunTerms
from policies.checks.difference import difference
from policies.engine.catalogue import Catalogue
from policies.language.text import TextRejected
from tests.support.drafts import draft, text


def clause(
    classes: str = "[pump]", within: str = "PT2H", steady: str = "PT30M", score: str = "2.0", more: str = ""
) -> str:
    """The clause, in YAML."""
    run = f"classes: {classes}, within: {within}, steady: {steady}, score: {score}{more}"
    return f"holds: {{ test_run: {{ {run} }} }}\n"


def test_only_the_classes_named_are_run_on_test_first() -> None:
    catalogue = Catalogue()
    digest = catalogue.load(text(more=clause("[pump, robot]")), file="draft.yaml").digest
    terms = RunTerms(within=timedelta(hours=2), steady=timedelta(minutes=30), score=2.0)
    found = [catalogue.hold_terms(digest, each).test_run for each in ("pump", "robot", "cnc", "Pump")]
    assert found == [terms, terms, None, None]


def test_a_version_without_the_clause_asks_for_no_test_run_and_keeps_its_digest() -> None:
    catalogue = Catalogue()
    digest = catalogue.load(text(), file="draft.yaml").digest
    assert catalogue.hold_terms(digest, "pump").test_run is None
    assert digest == draft().digest != draft(more=clause()).digest


@pytest.mark.parametrize(
    ("more", "field", "problem"),
    [
        (clause("[]"), "holds.test_run.classes", "must not be empty"),
        (clause("[pump, pump]"), "holds.test_run.classes.1", "pump is named twice"),
        (clause(steady="PT3M"), "holds.test_run.steady", "is too short: the MES is read at every quarter of it"),
        (clause(within="PT30M"), "holds.test_run.within", "is not longer than `steady`"),
        (clause(within="P2D"), "holds.test_run.within", "is longer than a day"),
        (clause(within="2 hours"), "holds.test_run.within", "is no duration"),
        (clause(score="-1.0"), "holds.test_run.score", "greater than or equal to 0"),
        (clause(more=", silence: proves"), "holds.test_run.silence", "is no field"),
        ("holds: { test_run: true }\n", "holds.test_run", "must be a mapping of fields"),
    ],
)
def test_a_clause_that_can_prove_nothing_is_refused(more: str, field: str, problem: str) -> None:
    with pytest.raises(TextRejected) as refused:
        draft(more=more)
    assert refused.value.field == field
    assert problem in refused.value.problem


def test_a_difference_says_what_is_to_be_proved_and_the_order_of_classes_is_none() -> None:
    [change] = difference(draft(), draft(more=clause())).changes
    assert (change.about, change.says) == (
        "test run",
        "none → pump within 2 h, 30 min steady at a score of at most 2",
    )
    assert not difference(draft(), draft(more=clause())).alike
    assert difference(draft(more=clause("[pump, robot]")), draft(more=clause("[robot, pump]"))).alike
