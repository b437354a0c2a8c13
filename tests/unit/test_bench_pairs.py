"""What the runs of two builds settle: ratios of pairs, and the word for them."""

import math

import pytest

from benchmarks.against.pairs import (
    Run,
    Word,
    by_process,
    cpu_of_build,
    cpu_of_workers,
    ratios,
    settled,
    settled_percentile,
)


def run(count: int = 100, **cpu: float) -> Run:
    return Run(count=count, rate=10.0, cpu=cpu, others=0.0, latencies=())


def test_the_build_is_all_processes_but_the_load_and_the_sandbox() -> None:
    assert cpu_of_build(run(10, worker=2.0, postgresql=1.0, engine=1.0, sandbox=50.0, load=70.0)) == 0.4


def test_workers_are_added_up_however_many_they_are() -> None:
    first = Run(10, 1.0, {"worker-0": 4.0, "api-0": 9.0}, 0.0, ())
    second = Run(10, 1.0, {"worker-judging-0": 1.0, "worker-cases-0": 3.0, "api-0": 9.0}, 0.0, ())
    assert cpu_of_workers(first) == cpu_of_workers(second) == 0.4


def test_each_new_run_is_divided_by_the_old_run_of_its_pair() -> None:
    old, new = [run(worker=1.0), run(worker=4.0)], [run(worker=2.0), run(worker=1.0)]
    assert ratios(old, new, cpu_of_build) == [2.0, 0.25]


def test_a_run_without_its_pair_is_an_error() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        ratios([run(worker=1.0), run(worker=1.0)], [run(worker=1.0)], cpu_of_build)


@pytest.mark.parametrize(
    ("found", "word"),
    [
        ([0.90, 0.95, 1.00, 1.02, 1.05], Word.WITHIN),
        ([1.06, 1.07, 1.10, 1.20, 1.30], Word.OVER),
        ([0.90, 0.95, 1.00, 1.02, 1.06], Word.UNSETTLED),
        ([1.05, 1.07, 1.10, 1.20, 1.30], Word.UNSETTLED),
        ([0.50, 0.50, 0.50, 0.50], Word.UNSETTLED),
        ([2.00, 2.00, 2.00, 2.00], Word.UNSETTLED),
        ([], Word.UNSETTLED),
        ([0.9] * 6, Word.WITHIN),
    ],
)
def test_only_five_pairs_that_all_lie_on_one_side_settle_anything(found: list[float], word: Word) -> None:
    assert settled(found, 1.05) is word


@pytest.mark.parametrize(
    ("latencies", "word"),
    [
        ([0.1] * 1000, Word.WITHIN),
        ([0.1] * 999, Word.UNSETTLED),
        ([0.1] * 985 + [0.4] * 15, Word.OVER),
        ([0.1] * 995 + [0.4] * 5, Word.WITHIN),
        ([0.3] * 1000, Word.OVER),
        ([], Word.UNSETTLED),
    ],
)
def test_a_percentile_of_too_few_is_unsettled(latencies: list[float], word: Word) -> None:
    assert settled_percentile(latencies, 0.99, 0.3, 1000) is word


def test_a_process_that_one_build_lacks_is_told_so() -> None:
    old = [Run(10, 1.0, {"worker-0": cost, "engine": 1.0}, 0.0, ()) for cost in (1.0, 3.0, 2.0)]
    new = [Run(10, 1.0, {"worker-cases-0": 1.0, "engine": 2.0}, 0.0, ())]
    told = by_process(old, new)
    assert [(name, before is None, after is None) for name, before, after in told] == [
        ("worker-0", False, True),
        ("engine", False, False),
        ("worker-cases-0", True, False),
    ]
    assert told[0][1] is not None
    assert math.isclose(told[0][1], 0.2)
