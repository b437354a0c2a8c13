"""Numbers for items that come without one."""

import itertools

from millwright.intake.sequences import http_sequences


def test_numbers_are_positive_distinct_and_fit_the_database() -> None:
    processes = [list(itertools.islice(http_sequences(), 1000)) for _ in range(3)]
    for numbers in processes:
        assert all(0 < number < 2**63 for number in numbers)
        assert numbers == sorted(set(numbers))


def test_a_process_that_starts_later_begins_above_what_the_one_before_gave() -> None:
    last = next(http_sequences())
    assert next(http_sequences()) >> 12 >= last >> 12
