"""Of the cases that ask for an order of a crew the riskiest go out, never more than its bound within seven days."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.admission import (
    GIVES_WAY,
    WEEK,
    Asking,
    CrewBound,
    CrewFigures,
    Exemption,
    RiskRank,
    crew_figures,
    exemption,
)
from domain.assets import Criticality
from domain.cases import Decision, Rework
from domain.verdict import Rung, Severity
from tests.support.plant import START
from tests.support.saga_plant import case_view

HOUR = timedelta(hours=1)
LATER = START + 30 * HOUR
MECHANICAL = CrewBound(crew="mechanical", new_orders=2, consequence=False)


def risk(number: int, opened_at: datetime = START) -> RiskRank:
    return RiskRank(number, 0, 1, opened_at, f"MW{number:08}")


def asked(number: int, *others: int, bound: int = 2, admitted: Sequence[datetime] = ()) -> CrewFigures:
    """The figures of a case of this risk among others that wait."""
    waiting = [Asking(risk(each), bound) for each in others]
    return crew_figures(Asking(risk(number), bound), waiting, admitted, LATER)


def test_a_case_goes_out_while_its_crew_has_fewer_new_orders() -> None:
    assert asked(1, admitted=[START]) == CrewFigures(used=1, rank=1, waiting=1, again_at=None)


def test_a_case_waits_until_the_first_order_counts_no_more() -> None:
    found = asked(1, admitted=[START + HOUR, START])
    assert found == CrewFigures(used=2, rank=1, waiting=1, again_at=START + WEEK)


def test_an_order_counts_for_seven_days_and_no_longer() -> None:
    assert asked(1, admitted=[LATER - WEEK, LATER - WEEK]).used == 0
    assert asked(1, admitted=[LATER - WEEK + timedelta(microseconds=1)]).used == 1


def test_exempt_orders_beyond_the_bound_keep_the_others_waiting_for_longer() -> None:
    found = asked(1, admitted=[START, START + HOUR, START + 2 * HOUR])
    assert found.again_at == START + HOUR + WEEK


def test_a_case_gives_way_to_a_riskier_one_that_waits() -> None:
    assert asked(2, 1, 3, admitted=[START]) == CrewFigures(1, 2, 3, LATER + GIVES_WAY)
    assert asked(2, 1, 3).again_at is None


def test_nobody_gives_way_to_a_case_whose_own_version_has_no_order_left() -> None:
    own, other = Asking(risk(2), 3), Asking(risk(1), 1)
    assert crew_figures(own, [other], [START, START], LATER).again_at is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((Severity.S1, Criticality.D, Rung.DRAFT, 4), (Severity.S4, Criticality.A, Rung.WORK_ORDER, 1)),
        ((Severity.S2, Criticality.A, Rung.DRAFT, 4), (Severity.S2, Criticality.C, Rung.WORK_ORDER, 1)),
        ((Severity.S2, Criticality.A, Rung.WORK_ORDER, 4), (Severity.S2, Criticality.B, Rung.DRAFT, 1)),
        ((Severity.S2, Criticality.A, Rung.DRAFT, 1), (Severity.S2, Criticality.B, Rung.DRAFT, 2)),
        ((Severity.S2, Criticality.C, Rung.DRAFT, 1), (Severity.S2, None, Rung.DRAFT, 2)),
    ],
)
def test_severity_and_criticality_rank_before_the_rung_and_the_priority(
    first: tuple[Severity, Criticality | None, Rung, int], second: tuple[Severity, Criticality | None, Rung, int]
) -> None:
    assert RiskRank.of("MWB", *first, START) < RiskRank.of("MWA", *second, START)


def test_of_equals_the_older_case_goes_first() -> None:
    same = (Severity.S2, Criticality.A, Rung.DRAFT, 2)
    ordered = (
        RiskRank.of("MWC", *same, START),
        RiskRank.of("MWA", *same, START + HOUR),
        RiskRank.of("MWB", *same, START + HOUR),
    )
    assert ordered[0] < ordered[1] < ordered[2]


_YES = Decision(approved=True, by="pat", reason="Do it.", at=START)


@pytest.mark.parametrize(
    ("rung", "decision", "consequence", "expected"),
    [
        (Rung.WORK_ORDER, None, False, None),
        (Rung.DRAFT, None, False, None),
        (Rung.WORK_ORDER_AND_HOLD, None, False, Exemption.HOLD),
        (Rung.DRAFT, _YES, False, Exemption.PERSON),
        (Rung.INSPECT, _YES, False, Exemption.PERSON),
        (Rung.DRAFT, None, True, Exemption.CONSEQUENCE),
    ],
)
def test_what_protects_people_or_a_person_asked_for_is_exempt(
    rung: Rung, decision: Decision | None, consequence: bool, expected: Exemption | None
) -> None:
    view = case_view("MWAAAAAAAA", 1, rung).model_copy(update={"decision": decision})
    assert exemption(view, MECHANICAL.model_copy(update={"consequence": consequence})) is expected


def test_a_rework_is_exempt_at_any_rung() -> None:
    rework = Rework(case="MWBBBBBBBB", order="1001", by="petra", reason="it shakes", found="not steady", at=START)
    view = case_view("MWAAAAAAAA", 1, Rung.WORK_ORDER).model_copy(update={"rework": rework})
    assert exemption(view, MECHANICAL) is Exemption.REWORK


@dataclass
class _Case:
    asks_at: datetime
    risk: RiskRank
    exempt: bool
    cancelled_after: timedelta | None
    admitted_at: datetime | None = None
    asked: bool = False

    def counts(self, now: datetime) -> bool:
        if self.admitted_at is None:
            return False
        return self.cancelled_after is None or now < self.admitted_at + self.cancelled_after


@dataclass
class _Crew:
    """A crew whose cases ask when they come, when they were told to, and when an order is cancelled."""

    bound: int
    cases: list[_Case]
    now: datetime = START
    counted: list[tuple[datetime, int]] = field(default_factory=list)
    """When an order was admitted for which the bound counts, and how many count since."""

    @property
    def waiting(self) -> list[_Case]:
        return [case for case in self.cases if case.asked and case.admitted_at is None]

    def figures(self, case: _Case) -> CrewFigures:
        others = [Asking(each.risk, self.bound) for each in self.waiting if each is not case]
        admitted = [each.admitted_at for each in self.cases if each.admitted_at is not None and each.counts(self.now)]
        return crew_figures(Asking(case.risk, self.bound), others, admitted, self.now)

    def ask(self, case: _Case) -> None:
        figures = self.figures(case)
        case.asked = True
        if not case.exempt and figures.again_at is not None:
            assert figures.again_at > self.now
            case.asks_at = figures.again_at
            return
        case.admitted_at = self.now
        if not case.exempt:
            self.counted.append((self.now, figures.used + 1))

    def cancel(self) -> None:
        """An order was cancelled just now: all that wait are woken."""
        for case in self.waiting:
            case.asks_at = self.now

    def next_times(self) -> list[datetime]:
        asking = [case.asks_at for case in self.cases if case.admitted_at is None]
        ends = [
            case.admitted_at + case.cancelled_after
            for case in self.cases
            if case.admitted_at is not None and case.cancelled_after is not None
        ]
        return [max(at, self.now) for at in asking] + [at for at in ends if at > self.now]


_CASES = st.builds(
    _Case,
    asks_at=st.integers(0, 24 * 20).map(lambda hours: START + hours * HOUR),
    risk=st.integers(0, 3).map(risk),
    exempt=st.sampled_from([False, False, False, True]),
    cancelled_after=st.none() | st.integers(1, 300).map(lambda hours: hours * HOUR),
)


@given(st.integers(1, 3), st.lists(_CASES, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_no_crew_gets_more_than_its_bound_and_nothing_waits_for_ever(
    bound: int, cases: list[_Case], random: Random
) -> None:
    for number, case in enumerate(cases):
        case.risk = case.risk._replace(case=f"MW{number:08}")
    crew = _Crew(bound, cases)
    last = max(case.asks_at for case in cases) + (len(cases) + 1) * WEEK
    while times := crew.next_times():
        crew.now = min(times)
        assert crew.now <= last
        if any(
            case.admitted_at is not None
            and case.cancelled_after is not None
            and case.admitted_at + case.cancelled_after == crew.now
            for case in cases
        ):
            crew.cancel()
        due = [case for case in cases if case.admitted_at is None and case.asks_at <= crew.now]
        random.shuffle(due)
        for case in due:
            crew.ask(case)
        if crew.waiting:
            riskiest = min(crew.waiting, key=lambda case: case.risk)
            assert crew.figures(riskiest).used >= bound
    assert all(case.admitted_at is not None for case in cases)
    assert all(count <= bound for _, count in crew.counted)
