"""What is read of the words by which planners say why they rejected an order."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.planner_words import (
    REASON_LENGTH,
    PlannerWords,
    day_in,
    day_of,
    rejection_in,
    rejection_of,
    said_behind,
)
from domain.canonical import digest
from domain.work_orders import OrderRejection, Touched, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from tests.support.plant import START

RECORD = WorkOrderRecord(
    ref=WorkOrderRef(system="maximo", id="1", key="MWAAAAAAAA"),
    status=WorkOrderStatus.CANCELLED,
    vendor_status="CAN",
    changed_at=START,
    touched=Touched.YES,
)


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("Rejected: no budget", "no budget"),
        ("  rejected :  no budget  ", "no budget"),
        ("Seen today.\nNOT  DONE: twice", None),
        ("Rejected: first\nRejected: second", "second"),
        ("It was rejected: no budget", None),
        ("Rejected", None),
        ("Rejected:", None),
        ("[MW:note-1] x\nRejected: ours", None),
    ],
)
def test_a_reason_is_behind_the_word_at_the_beginning_of_a_line(note: str, said: str | None) -> None:
    assert said_behind("Rejected", note) == said
    assert said_behind(None, note) is None


def test_the_newest_reason_counts_with_its_author() -> None:
    notes = [("Rejected: old", "ANN"), ("rejected: new", "BOB"), ("Called the OEM.", "ANN")]
    assert rejection_in("rejected", notes) == OrderRejection(reason="new", by="BOB")
    assert rejection_in("rejected", notes[2:]) is None


@given(st.text(), st.none() | st.text())
def test_any_text_is_kept_on_one_line_within_its_length_or_not_at_all(text: str, by: str | None) -> None:
    kept = rejection_of(text, by)
    if kept is None:
        assert not "".join(character for character in text if character.isprintable()).strip()
        return
    assert len(kept.reason) <= REASON_LENGTH
    assert "\n" not in kept.reason + kept.words
    assert "\0" not in kept.words
    kept_again = WorkOrderRecord.model_validate_json(RECORD.model_copy(update={"rejection": kept}).model_dump_json())
    assert kept_again.rejection == kept


def test_a_record_without_a_reason_is_written_as_earlier_builds_wrote_it() -> None:
    assert "rejection" not in RECORD.model_dump(mode="json")
    with_one = RECORD.model_copy(update={"rejection": OrderRejection(reason="no budget")})
    assert digest(with_one) != digest(RECORD)


@pytest.mark.parametrize("word", ["", "  ", "not done:", "x" * 41])
def test_a_word_is_short_and_has_no_colon(word: str) -> None:
    with pytest.raises(ValidationError):
        PlannerWords(rejected=word)


def test_one_word_does_not_mean_two_things() -> None:
    with pytest.raises(ValidationError, match="need different words"):
        PlannerWords(rejected="Later", put_off=" later ")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-12-07", datetime(2026, 12, 6, 23, tzinfo=UTC)),
        ("2026-12-07.", datetime(2026, 12, 6, 23, tzinfo=UTC)),
        ("2026-12-07, no seal before", datetime(2026, 12, 6, 23, tzinfo=UTC)),
        ("2026-12-07 14:00", datetime(2026, 12, 7, 13, tzinfo=UTC)),
        ("2026-12-07T14:00:00Z", datetime(2026, 12, 7, 14, tzinfo=UTC)),
        ("Monday", None),
        ("07.12.2026", None),
        ("2026-13-01", None),
        ("0001-01-01", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("", None),
        (None, None),
    ],
)
def test_a_day_begins_at_midnight_of_the_site(text: str | None, day: datetime | None) -> None:
    assert day_of(text, ZoneInfo("Europe/Berlin")) == day


@given(st.text())
def test_any_text_is_a_day_or_none(text: str) -> None:
    day = day_of(text, UTC)
    assert day is None or day.tzinfo is UTC
    assert day_in("until", [f"until: {text}"], UTC) in (day, day_of(said_behind("until", f"until: {text}"), UTC))


def test_the_newest_day_counts() -> None:
    notes = ["Until: 2026-12-07", "until: 2026-12-09\nuntil: soon", "until: 2026-12-08"]
    assert day_in("until", notes, UTC) == datetime(2026, 12, 8, tzinfo=UTC)
    assert day_in("until", notes[:2], UTC) == datetime(2026, 12, 7, tzinfo=UTC)
    assert day_in(None, notes, UTC) is None
