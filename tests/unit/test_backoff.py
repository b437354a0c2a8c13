"""How long a case waits for a system that does not answer."""

from datetime import timedelta

import pytest

from activities.progress import backoff


@pytest.mark.parametrize(
    ("attempts", "asked", "minutes"),
    [
        (0, None, 1),
        (1, None, 2),
        (2, None, 4),
        (3, None, 5),
        (10_000, None, 5),
        (0, timedelta(seconds=7), 1),
        (0, timedelta(minutes=30), 30),
        (9, timedelta(minutes=30), 30),
    ],
)
def test_a_case_asks_again_after_minutes_and_never_before_the_vendor_allows(
    attempts: int, asked: timedelta | None, minutes: int
) -> None:
    assert backoff(attempts, asked) == timedelta(minutes=minutes)
