"""A worse fault raises what we wrote, and nothing that people set."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.work_orders import Escalation

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
OWN = {1: "HIGH", 2: "HIGH", 3: "MEDIUM", 4: "LOW"}
EARLIER = Escalation(priority=1, was=1, due_at=NOW, was_due_at=NOW + timedelta(days=2))


@pytest.mark.parametrize(
    ("priority", "was", "current", "raised"),
    [
        (1, 3, "MEDIUM", "HIGH"),
        (1, 3, "LOW", None),
        (1, 3, None, None),
        (1, 2, "HIGH", None),
        (3, 1, "HIGH", None),
        (4, 4, "LOW", None),
    ],
)
def test_a_priority_rises_only_from_the_one_that_we_wrote(
    priority: int, was: int, current: str | None, raised: str | None
) -> None:
    assert Escalation(priority=priority, was=was).raised(current, OWN) == raised


@given(priority=st.integers(1, 4), was=st.integers(1, 4), current=st.sampled_from((*OWN.values(), "NONE", None)))
def test_no_order_is_ever_lowered_and_a_second_call_changes_nothing(
    priority: int, was: int, current: str | None
) -> None:
    escalation = Escalation(priority=priority, was=was)
    raised = escalation.raised(current, OWN)
    assert raised is None or list(OWN.values()).index(raised) < list(OWN.values()).index(str(current))
    assert escalation.raised(raised or current, OWN) is None


@pytest.mark.parametrize(
    ("current", "due"),
    [
        (NOW + timedelta(days=2), NOW),
        (NOW + timedelta(days=2, milliseconds=400), NOW),
        (NOW + timedelta(days=3), None),
        (NOW + timedelta(days=1), None),
        (None, None),
    ],
)
def test_a_due_date_is_brought_forward_only_from_the_one_that_we_wrote(
    current: datetime | None, due: datetime | None
) -> None:
    assert EARLIER.brought_forward(current) == due


def test_a_later_due_date_is_not_written() -> None:
    later = Escalation(priority=1, was=1, due_at=NOW + timedelta(days=9), was_due_at=NOW + timedelta(days=2))
    assert later.brought_forward(NOW + timedelta(days=2)) is None
    assert Escalation(priority=1, was=1, due_at=NOW).brought_forward(NOW) is None
