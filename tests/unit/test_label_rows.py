"""A label's lead time, its censoring, its revisions, and what earlier builds stored."""

from datetime import timedelta

import orjson
import pytest

from domain.canonical import canonical
from domain.outcomes import Censoring, Label, OutcomeClass
from tests.support.training_record import BEGIN, a_label

OTHERS = [outcome for outcome in OutcomeClass if outcome not in (OutcomeClass.CONFIRMED, OutcomeClass.PREVENTED)]


@pytest.mark.parametrize(
    ("outcome", "censoring"),
    [(OutcomeClass.CONFIRMED, Censoring.NONE), (OutcomeClass.PREVENTED, Censoring.RIGHT)],
)
def test_the_lead_time_is_from_the_first_evidence_to_the_end_of_the_work(
    outcome: OutcomeClass, censoring: Censoring
) -> None:
    label = a_label(outcome=outcome)
    assert (label.censoring, label.lead_time) == (censoring, timedelta(hours=24))


@pytest.mark.parametrize("outcome", OTHERS)
def test_a_class_that_has_no_such_defect_has_no_lead_time(outcome: OutcomeClass) -> None:
    label = a_label(outcome=outcome)
    assert (label.censoring, label.lead_time) == (None, None)


def test_work_that_ends_before_its_evidence_by_a_wrong_clock_has_no_lead_time() -> None:
    assert a_label(window_start=BEGIN + timedelta(minutes=1)).lead_time is None


def test_the_first_label_of_a_case_is_as_it_was_made() -> None:
    assert a_label().following(None) == a_label()


@pytest.mark.parametrize(
    "changed",
    [
        {"outcome": OutcomeClass.NOTHING_FOUND},
        {"cause": "BEARING"},
        {"stated_by": "pia"},
        {"downtime": None},
        {"found_at": BEGIN + timedelta(hours=1)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_finding_is_the_next_revision(changed: dict[str, object]) -> None:
    following = a_label(**changed).following(a_label(revision=3))
    assert following == a_label(**changed, revision=4)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"evidence": ("adx|3",), "evidence_count": 1},
        {"window_end": BEGIN},
        {"detectors": ()},
        {"evidence": None, "evidence_count": None},
    ],
)
def test_the_same_finding_is_no_revision_whatever_is_known_of_its_evidence(changed: dict[str, object]) -> None:
    assert a_label().following(a_label(**changed)) is None


def test_a_label_without_evidence_or_person_is_stored_as_earlier_builds_stored_it_and_theirs_is_read() -> None:
    earlier = a_label(evidence=None, evidence_count=None)
    stored = earlier.model_dump(mode="json")
    assert {"stated_by", "evidence", "evidence_count"}.isdisjoint(stored)
    assert Label.model_validate(stored) == earlier
    assert {"stated_by", "evidence", "evidence_count"}.isdisjoint(orjson.loads(canonical(earlier)))


def test_a_label_is_read_from_its_act_as_it_was_stored() -> None:
    assert Label.model_validate(orjson.loads(canonical(a_label()))) == a_label()
