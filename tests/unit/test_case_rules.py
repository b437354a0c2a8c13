"""The rules of cases, by themselves: what a verdict does to the cases of its fault."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.case_rules import CaseSpan, Effect, counts_as_evidence, effect, is_news
from domain.cases import ClosedAs
from domain.verdict import Rung

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RUNGS = st.sampled_from(Rung)
OPENING = st.sampled_from([rung for rung in Rung if rung.opens_case])
HOURS = st.integers(-100, 100)


def span(closed_as: ClosedAs | None, rung: Rung = Rung.WORK_ORDER) -> CaseSpan:
    return CaseSpan(NOON, NOON + timedelta(hours=2), rung, closed_as)


@given(rung=OPENING, hours=HOURS)
def test_the_first_verdict_opens_a_case_and_an_open_one_takes_every_later_one(rung: Rung, hours: int) -> None:
    at = NOON + timedelta(hours=hours)
    assert effect(None, at, rung, DAY) is Effect.OPENS
    assert effect(span(None), at, rung, DAY) is Effect.FEEDS


@pytest.mark.parametrize(
    ("hours", "found"), [(-25, Effect.OPENS), (-24, Effect.NOTED), (26, Effect.NOTED), (27, Effect.OPENS)]
)
def test_a_closed_case_takes_evidence_until_the_time_of_rearm_is_over(hours: int, found: Effect) -> None:
    assert effect(span(ClosedAs.DONE), NOON + timedelta(hours=hours), Rung.WORK_ORDER, DAY) is found


def test_a_withdrawn_case_and_one_without_an_order_swallow_no_verdict_that_orders() -> None:
    assert effect(span(ClosedAs.WITHDRAWN), NOON, Rung.INSPECT, DAY) is Effect.OPENS
    assert effect(span(ClosedAs.REJECTED, Rung.INSPECT), NOON, Rung.DRAFT, DAY) is Effect.OPENS
    assert effect(span(ClosedAs.REJECTED, Rung.INSPECT), NOON, Rung.INSPECT, DAY) is Effect.NOTED


@given(rung=st.sampled_from([rung for rung in Rung if not rung.opens_case]))
def test_a_verdict_that_asks_for_no_case_takes_evidence_from_the_newest(rung: Rung) -> None:
    assert effect(span(None), NOON, rung, DAY) is Effect.REVISES
    assert effect(None, NOON, rung, DAY) is Effect.NOTHING


@given(closed_as=st.none() | st.sampled_from(ClosedAs), had=RUNGS, asked=RUNGS)
def test_only_an_open_case_rises_and_only_by_more(closed_as: ClosedAs | None, had: Rung, asked: Rung) -> None:
    assert span(closed_as, had).is_raised_by(asked) == (closed_as is None and asked > had)


@given(had=RUNGS, events=st.lists(st.tuples(HOURS, RUNGS)))
def test_a_span_only_grows_and_what_orders_nothing_lengthens_no_episode_of_orders(
    had: Rung, events: list[tuple[int, Rung]]
) -> None:
    stretched = span(None, had)
    for hours, rung in events:
        stretched.stretch(NOON + timedelta(hours=hours), rung)
    counted = [NOON + timedelta(hours=hours) for hours, rung in events if rung.orders or not had.orders]
    before = span(None, had)
    assert stretched.event_at == min([before.event_at, *counted])
    assert stretched.last_event_at == max([before.last_event_at, *counted])


@given(rung=RUNGS, previous=st.none() | RUNGS)
def test_a_verdict_is_news_where_it_or_the_one_before_it_asked_for_a_case(rung: Rung, previous: Rung | None) -> None:
    if is_news(rung, previous):
        assert max(rung, previous or Rung.IGNORE) >= Rung.INSPECT
        assert rung != previous
    if rung.opens_case and (previous is None or not previous.opens_case):
        assert is_news(rung, previous)
        assert counts_as_evidence(previous)
