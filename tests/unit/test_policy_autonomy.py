"""When autonomy is earned and lost, and what it holds back."""

import pytest

from domain.autonomy import AutonomyMove, AutonomyRecord, AutonomyState
from policies.language.schema import Autonomy
from policies.statistics.autonomy import weigh

TERMS = Autonomy.model_validate(
    {"default": "review", "promote_at": {"precision_lower_bound": 0.9, "confirmed": 20}, "enforce": True}
)
REVIEW, PROPOSED, AUTOMATIC = AutonomyState.REVIEW, AutonomyState.PROPOSED, AutonomyState.AUTOMATIC


def moved(state: AutonomyState, confirmed: int, wrong: int) -> AutonomyMove | None:
    advice = weigh(TERMS, AutonomyRecord(state=state, confirmed=confirmed, wrong=wrong, move=0, at=None))
    return None if advice is None else advice.move


@pytest.mark.parametrize(
    ("confirmed", "wrong", "expected"),
    [
        (0, 0, None),
        (20, 0, None),  # 20 of 20 leave a precision of 0.84 possible
        (34, 0, None),
        (35, 0, AutonomyMove.PROPOSED),
        (35, 1, None),
        (60, 1, AutonomyMove.PROPOSED),
    ],
)
def test_promotion_is_proposed_by_the_lower_bound_and_never_by_the_estimate(
    confirmed: int, wrong: int, expected: AutonomyMove | None
) -> None:
    assert moved(REVIEW, confirmed, wrong) is expected


def test_enough_cases_are_asked_for_however_good_they_are() -> None:
    easy = TERMS.model_copy(update={"promote_at": TERMS.promote_at.model_copy(update={"precision_lower_bound": 0.5})})
    almost = AutonomyRecord(state=REVIEW, confirmed=19, wrong=0, move=0, at=None)
    assert weigh(easy, almost) is None
    assert weigh(easy, almost.model_copy(update={"confirmed": 20})) is not None


def test_a_breach_loses_autonomy_at_once_and_withdraws_a_proposal() -> None:
    assert (moved(AUTOMATIC, 35, 1), moved(PROPOSED, 35, 1)) == (AutonomyMove.LOST, AutonomyMove.WITHDRAWN)
    assert (moved(AUTOMATIC, 60, 1), moved(PROPOSED, 60, 1)) == (None, None)


def test_autonomy_given_from_the_beginning_is_lost_by_a_wrong_order_and_not_by_having_shown_nothing() -> None:
    assert (moved(AUTOMATIC, 3, 0), moved(AUTOMATIC, 3, 1)) == (None, AutonomyMove.LOST)


def test_a_move_says_what_it_rests_on() -> None:
    advice = weigh(TERMS, AutonomyRecord(state=AUTOMATIC, confirmed=35, wrong=1, move=4, at=None))
    assert advice is not None
    assert advice.reason == "35 of 36 confirmed: precision at least 0.858, the target is 0.9"
