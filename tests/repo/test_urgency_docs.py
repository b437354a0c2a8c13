"""The page on urgency: its example, factors and chart agree with the engine, and with a calculation made without it."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from domain.pricing import TimedFault, TimingPrices, WorkTime
from domain.production import Job, JobState, ProductionContext
from policies.engine.judging import compile_policy
from policies.engine.timing import urgency
from tests.support.drafts import T0, about, rule, text
from tests.support.urgency_chart import CHART, LEAD_TIMES, drawn, place
from tests.unit.test_policy_least_cost import VERDICT

_PAGE = (Path(__file__).resolve().parents[2] / "docs" / "urgency.md").read_text(encoding="utf-8")
_DAY_SHIFT = """\
calendars:
  - { id: day_shift, zone: UTC, hours: [{ days: [mon, tue, wed, thu, fri], start: '06:00', end: '18:00' }] }
"""
_HOUR = timedelta(hours=1)


@cache
def _example() -> TimingPrices:
    """The prices of the page's own policy, in the situation that the page tells."""
    [prices] = re.findall(r"^```yaml\n(prices:.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
    document = text(rule("high", "anomaly.score > 5.0", "draft"), more=_DAY_SHIFT + prices)
    least_cost = document.replace("urgency: after_batch, because: There", "urgency: least_cost, because: There")
    policy = compile_policy(least_cost, "draft.yaml")
    job = Job(id="j", state=JobState.RUNNING, ends_at=datetime(2026, 1, 5, 15, tzinfo=UTC))
    made = ProductionContext(equipment="p", read_at=T0, job=job, next_stop_at=datetime(2026, 1, 6, 2, tzinfo=UTC))
    fault = TimedFault(failure_mode="VIB", seen_at=T0 - 2 * _HOUR)
    decision = urgency(policy, VERDICT, fault, about(), made, T0)
    assert decision.prices is not None
    return decision.prices


def _rows(begins: str) -> list[list[str]]:
    table = _PAGE[_PAGE.index(begins) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table]


def test_the_table_of_the_example_is_what_the_engine_says() -> None:
    told = [
        [
            each.time.value,
            f"{Decimal(each.wait).normalize():f} h",
            each.probability,
            each.failure,
            each.lost_production,
            each.changeover,
            each.scrap,
            each.crew,
            each.derating,
            each.total,
        ]
        for each in _example().times
    ]
    assert _rows("| time | wait |") == told


def test_the_table_of_factors_is_what_the_engine_says() -> None:
    told = [
        [
            each.input,
            f"{Decimal(each.value).normalize():f} {each.unit}".removesuffix(" 1"),
            *(f"{factor} times" if factor is not None else "-" for factor in (each.falls_to, each.rises_to)),
        ]
        for each in _example().sensitivity
    ]
    assert _rows("| input | value |") == told


def test_the_sentences_of_the_order_are_quoted_as_they_are() -> None:
    quoted = " ".join(line[2:] for line in _PAGE.splitlines() if line.startswith("> "))
    assert quoted == f"Cost: {_example().words}"


def test_the_chart_is_fresh() -> None:
    assert CHART.read_text(encoding="utf-8") == drawn(), "python -m tests.support.urgency_chart"


# What follows uses nothing of the engine: the density of the time to failure is added up in small steps of time.

_STEPS = 5_000


def _integrated(time: str, longest: float) -> float:
    """The expected cost in EUR by the midpoint rule over all times at which the pump may fail."""
    wait, planned, derating = {
        "now": (0.0, 4 * 900.0 + 350 + 600 + 4 * 85, 0.0),
        "after_batch": (3.0, 4 * 900.0 + 4 * 85, 0.0),
        "planned_stop": (14.0, 4 * 140.0, 0.0),
        "derated": (14.0, 4 * 140.0, 14 * 100.0),
    }[time]
    ages_as_fast = 0.5 if time == "derated" else 1.0
    begin, failed = 2.0, 14 * 900.0 + 14 * 140.0 + 2500.0
    step = (longest - begin) / _STEPS
    mass = cost = 0.0
    for number in range(_STEPS):
        fails_at = begin + (number + 0.5) * step
        density = 1.0 / longest  # what has passed without a failure is cut off: `mass` is less than 1
        mass += density * step
        cost += density * step * (failed if fails_at <= begin + wait * ages_as_fast else planned)
    return cost / mass + derating


@pytest.mark.parametrize("time", [each.value for each in WorkTime])
def test_adding_up_the_density_gives_the_costs_of_the_example(time: str) -> None:
    found = _example().of(WorkTime(time))
    assert found is not None
    assert float(found.total) == pytest.approx(_integrated(time, 72.0), abs=1.0)


@pytest.mark.parametrize("time", [each.value for each in WorkTime])
def test_adding_up_the_density_gives_each_point_of_the_chart(time: str) -> None:
    [points] = re.findall(rf'<polyline id="{time}"[^>]* points="([^"]*)"', CHART.read_text(encoding="utf-8"))
    told = [tuple(float(part) for part in point.split(",")) for point in points.split()]

    assert len(told) == len(LEAD_TIMES)
    for (x, y), longest in zip(told, LEAD_TIMES, strict=True):
        expected = place(longest, _integrated(time, float(longest)))
        assert x == pytest.approx(expected[0], abs=0.02)
        assert y == pytest.approx(expected[1], abs=0.05)
