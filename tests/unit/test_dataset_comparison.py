"""A comparison of two manifests names the labels that changed, and the counts by class that moved."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import ActRejected
from domain.outcomes import OutcomeClass
from millwright.labels.comparing import compare
from millwright.labels.exporting import export
from millwright.labels.place import Place
from tests.support.faulting_files import memory_place
from tests.support.training_record import BEGIN, LedgerRow, MemoryRecord, a_label

HOUR = timedelta(hours=1)


@pytest.fixture
def place() -> Place:
    """Three exports: two labels; a third one, and a correction of the first; a correction of its cause."""
    rows = (
        LedgerRow(HOUR, labels=(a_label("MWA"), a_label("MWB"))),
        LedgerRow(HOUR, labels=(a_label("MWC"), a_label("MWA", revision=2, outcome=OutcomeClass.NOTHING_FOUND))),
        LedgerRow(HOUR, labels=(a_label("MWA", revision=3, outcome=OutcomeClass.NOTHING_FOUND, cause="BEARING"),)),
    )
    made, _ = memory_place()
    for seq in (1, 2, 3):
        asyncio.run(export(made, MemoryRecord(*rows[:seq]), None, BEGIN, "millwright test"))
    return made


def test_a_label_with_another_class_is_named_with_what_it_said_and_what_it_says(place: Place) -> None:
    [changed] = compare(place, 1, 2).changed
    assert (changed.case, changed.revisions, changed.outcomes) == ("MWA", (1, 2), ("confirmed", "nothing_found"))
    assert changed.fields == {
        "outcome": ("confirmed", "nothing_found"),
        "lead_time_s": (86_400.0, None),
        "censoring": ("none", None),
    }


def test_the_counts_by_class_that_moved_are_named_and_new_labels_are_counted_apart(place: Place) -> None:
    found = compare(place, 1, 2)
    assert (found.new, found.counts) == (1, {"confirmed": (2, 2), "nothing_found": (0, 1)})
    assert found.moved == {"nothing_found": (0, 1)}


def test_without_numbers_the_last_two_manifests_are_compared(place: Place) -> None:
    found = compare(place, None, None)
    assert (found.before, found.after, found.moved) == (2, 3, {})
    assert [changed.fields for changed in found.changed] == [{"cause": ("REGULATR", "BEARING")}]


def test_over_several_manifests_the_first_and_the_last_revision_count(place: Place) -> None:
    [changed] = compare(place, 1, 3).changed
    assert (changed.revisions, changed.fields["cause"]) == ((1, 3), ("REGULATR", "BEARING"))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [(1, 9, "there is no manifest 9"), (0, 1, "there is no manifest 0"), (2, 2, "manifest 2 is not before 2")],
)
def test_manifests_that_cannot_be_compared_are_named(place: Place, before: int, after: int, words: str) -> None:
    with pytest.raises(ActRejected, match=words):
        compare(place, before, after)


def test_an_empty_place_has_nothing_to_compare() -> None:
    with pytest.raises(ActRejected, match="the dataset has none"):
        compare(memory_place()[0], None, None)
