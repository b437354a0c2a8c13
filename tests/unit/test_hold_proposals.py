"""What production is asked before a machine is held, and what its answer or its silence means."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ActRejected
from domain.hold_proposals import (
    ANSWER_WITHIN,
    FURTHEST,
    HoldAnswer,
    HoldProposal,
    HoldTerms,
    OnSilence,
    check_answer,
    proposed,
)

NOW = datetime(2026, 5, 4, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPANS = st.timedeltas(timedelta(hours=-48), timedelta(hours=48))
SILENCE = st.sampled_from(OnSilence)


def asked(due_in: timedelta = HOUR, on_silence: OnSilence = OnSilence.ESCALATE) -> HoldProposal:
    return proposed(HoldTerms(unasked=False, on_silence=on_silence), NOW + due_in, NOW)


def answered(*, accepted: bool, hold_at: datetime | None = None, reason: str | None = None) -> HoldAnswer:
    return HoldAnswer(accepted=accepted, hold_at=hold_at, by="petra", reason=reason, at=NOW)


def test_a_question_names_when_the_hold_is_due_and_until_when_to_answer() -> None:
    question = asked()
    assert (question.asked_at, question.hold_at, question.answer_by) == (NOW, NOW + HOUR, NOW + ANSWER_WITHIN)
    assert (question.place_at, question.refused) == (None, False)


def test_a_hold_that_was_due_already_is_proposed_for_now() -> None:
    assert asked(-HOUR).hold_at == NOW


def test_silence_places_nothing_unless_the_version_says_so() -> None:
    late = NOW + ANSWER_WITHIN
    assert asked().unanswered_at(late)
    assert asked().place_at is None
    assert asked(timedelta(), OnSilence.PLACE).place_at == late
    assert asked(HOUR, OnSilence.PLACE).place_at == NOW + HOUR


@given(SPANS, SILENCE, st.booleans(), SPANS)
def test_a_hold_is_placed_when_production_said_and_never_after_a_refusal(
    due_in: timedelta, on_silence: OnSilence, accepted: bool, at: timedelta
) -> None:
    said = answered(accepted=accepted, hold_at=NOW + at if accepted else None, reason="a rush order")
    question = asked(due_in, on_silence).model_copy(update={"answer": said})
    assert question.place_at == (NOW + at if accepted else None)
    assert question.refused is not accepted
    assert not question.unanswered_at(NOW + timedelta(days=9))


@given(SPANS, SILENCE)
def test_silence_never_places_a_hold_before_it_is_due_or_before_the_time_to_answer_is_over(
    due_in: timedelta, on_silence: OnSilence
) -> None:
    question = asked(due_in, on_silence)
    if question.place_at is not None:
        assert question.place_at >= question.hold_at
        assert question.place_at >= question.answer_by


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        (answered(accepted=False), "reason"),
        (answered(accepted=False, reason=" "), "reason"),
        (answered(accepted=True), "hold_at"),
        (answered(accepted=True, hold_at=NOW - timedelta(seconds=1)), "hold_at"),
        (answered(accepted=True, hold_at=NOW + FURTHEST + timedelta(seconds=1)), "hold_at"),
    ],
)
def test_an_answer_that_says_nothing_certain_is_refused(answer: HoldAnswer, field: str) -> None:
    with pytest.raises(ActRejected) as refused:
        check_answer(answer, NOW, NOW)
    assert (refused.value.field, bool(refused.value.fix)) == (field, True)


@pytest.mark.parametrize(
    "answer",
    [
        answered(accepted=False, reason="a rush order"),
        answered(accepted=True, hold_at=NOW),
        answered(accepted=True, hold_at=NOW + FURTHEST),
    ],
)
def test_a_certain_answer_is_taken(answer: HoldAnswer) -> None:
    check_answer(answer, NOW, NOW)


def test_the_proposed_time_may_be_accepted_however_far_ahead_it_is() -> None:
    due_at = NOW + timedelta(days=45)
    check_answer(answered(accepted=True, hold_at=due_at), due_at, NOW)
    with pytest.raises(ActRejected):
        check_answer(answered(accepted=True, hold_at=due_at + timedelta(seconds=1)), due_at, NOW)
