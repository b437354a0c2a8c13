"""The clause that says when a fault has returned to normal."""

from datetime import timedelta

import pytest

from domain.return_to_normal import NormalTerms
from policies.checks.difference import difference
from policies.engine.catalogue import Catalogue
from policies.language.text import TextRejected
from tests.support.drafts import draft, text


def clause(classes: str = "[pump]", steady: str = "PT4H", score: str = "2.0", more: str = "") -> str:
    """The clause, in YAML."""
    return f"return_to_normal: {{ classes: {classes}, steady: {steady}, score: {score}{more} }}\n"


VERIFIED = clause(more=", verify_within: P3D")


def test_a_clause_holds_for_the_classes_that_it_names() -> None:
    catalogue = Catalogue()
    written = clause("[pump, robot]", more=", while_running: false, verify_within: P3D")
    digest = catalogue.load(text(more=written), file="draft.yaml").digest
    terms = NormalTerms(
        steady=timedelta(hours=4),
        score=2.0,
        while_running=False,
        stale_after=timedelta(minutes=30),
        verify_within=timedelta(days=3),
    )
    found = [catalogue.normal_terms(digest, each) for each in ("pump", "robot", "cnc", "Pump")]
    assert found == [terms, terms, None, None]


def test_only_time_in_which_the_machine_runs_counts_unless_the_clause_says_otherwise() -> None:
    catalogue = Catalogue()
    terms = catalogue.normal_terms(catalogue.load(text(more=clause()), file="draft.yaml").digest, "pump")
    assert terms is not None
    assert (terms.while_running, terms.verify_within) == (True, None)


def test_a_version_without_the_clause_says_nothing_and_keeps_its_digest() -> None:
    catalogue = Catalogue()
    digest = catalogue.load(text(), file="draft.yaml").digest
    assert catalogue.normal_terms(digest, "pump") is None
    assert digest == draft().digest != draft(more=clause()).digest


@pytest.mark.parametrize(
    ("more", "field", "problem"),
    [
        (clause("[]"), "return_to_normal.classes", "must not be empty"),
        (clause("[pump, pump]"), "return_to_normal.classes.1", "pump is named twice"),
        (clause(steady="PT3M"), "return_to_normal.steady", "is too short: the readings are looked at every quarter"),
        (clause(steady="P8D"), "return_to_normal.steady", "is longer than seven days"),
        (clause(steady="4 hours"), "return_to_normal.steady", "is no duration"),
        (clause(score="-1.0"), "return_to_normal.score", "greater than or equal to 0"),
        (clause(more=", verify_within: PT4H"), "return_to_normal.verify_within", "is not longer than `steady`"),
        (clause(more=", verify_within: P31D"), "return_to_normal.verify_within", "is longer than thirty days"),
        (clause(more=", while_running: 1"), "return_to_normal.while_running", "true or false"),
        (clause(more=", silence: proves"), "return_to_normal.silence", "is no field"),
    ],
)
def test_a_clause_that_can_prove_nothing_is_refused(more: str, field: str, problem: str) -> None:
    with pytest.raises(TextRejected) as refused:
        draft(more=more)
    assert refused.value.field == field
    assert problem in refused.value.problem


def test_a_difference_says_when_a_fault_is_over_and_the_order_of_classes_is_none() -> None:
    [change] = difference(draft(), draft(more=VERIFIED)).changes
    assert (change.about, change.says) == (
        "return to normal",
        "none → pump after 4 h at a score of at most 2 while the machine runs, verified within 72 h after work",
    )
    assert not difference(draft(), draft(more=clause())).alike
    assert difference(draft(more=clause("[pump, robot]")), draft(more=clause("[robot, pump]"))).alike
