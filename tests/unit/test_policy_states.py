"""States: hysteresis, delays, dwell, n of m and chatter, all in event time."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.anomaly import Anomaly, Quality
from domain.canonical import canonical
from domain.verdict import FollowedState, Memory
from policies.engine.judging import CompiledPolicy
from policies.language.schema import MAX_OBSERVATIONS, State
from policies.language.states import observe_state
from tests.support.drafts import T0, decided, deviation, draft, judged, rule

MINUTE = timedelta(minutes=1)
WINDOW = timedelta(hours=24)
STATE = """\
states:
  - id: high
    says: The signal is high.
    observe: anomaly.kind == 'deviation' && anomaly.signal == 'vibration'
    raise_when: anomaly.score >= 5.0
"""
RAISED = rule("raised", "state.high.raised", "inspect")


def policy(*more: str, rules: str = RAISED) -> CompiledPolicy:
    return draft(rules, more=STATE + "".join(f"    {each}\n" for each in more))


def readings(*scores: float, every: float = 10) -> list[Anomaly]:
    return [deviation(number * every, score) for number, score in enumerate(scores)]


def told(*held: bool) -> list[str]:
    return ["raised" if each else "nothing" for each in held]


def test_without_delays_a_state_follows_its_condition() -> None:
    assert decided(policy(), *readings(6, 4, 6)) == told(True, False, True)


def test_between_raising_and_clearing_it_stays_as_it_is() -> None:
    steady = policy("clear_when: anomaly.score < 3.0")

    assert decided(steady, *readings(4, 6, 4, 2, 4, 6)) == told(False, True, True, False, False, True)


def test_an_on_delay_asks_every_observation_to_meet_it() -> None:
    slow = policy("on_delay: PT20M")

    assert decided(slow, *readings(6, 6, 6)) == told(False, False, True)
    assert decided(slow, *readings(6, 4, 6, 6, 6)) == told(False, False, False, False, True)


def test_an_off_delay_keeps_it_raised_through_short_gaps() -> None:
    slow = policy("off_delay: PT20M")

    assert decided(slow, *readings(6, 4, 6, 4, 4, 4)) == told(True, True, True, True, True, False)


def test_dwell_is_counted_from_the_observation_that_raised_it() -> None:
    dwelling = policy(rules=rule("raised", "state.high.minutes >= 30.0", "inspect"))

    assert decided(dwelling, *readings(6, 6, 6, 6, 4)) == told(False, False, False, True, False)


def test_three_of_the_last_five_observations_are_counted() -> None:
    often = policy("of: 5", rules=rule("raised", "state.high.met >= 3", "inspect"))

    assert decided(often, *readings(6, 4, 6, 4, 6, 4, 4)) == told(False, False, False, False, True, False, False)


def test_an_observation_older_than_the_window_no_longer_counts() -> None:
    often = policy("of: 5", rules=rule("raised", "state.high.met >= 2", "inspect"))

    assert decided(often, deviation(0), deviation(24 * 60)) == told(False, True)
    assert decided(often, deviation(0), deviation(24 * 60 + 1)) == told(False, False)


def test_a_signal_that_comes_and_goes_chatters() -> None:
    chattering = "state.high.observed >= 4 && state.high.chatter > 0.9"
    restless = policy(rules=rule("raised", chattering, "inspect"))

    assert decided(restless, *readings(6, 4, 6, 4)) == told(False, False, False, True)
    assert decided(restless, *readings(6, 6, 4, 4)) == told(False, False, False, False)


def test_only_the_anomaly_that_changes_it_is_news() -> None:
    news = policy(rules=rule("raised", "state.high.changed", "inspect"))

    assert decided(news, *readings(4, 6, 6, 4, 4)) == told(False, True, False, True, False)


def test_what_is_no_observation_of_it_leaves_it_as_it_is() -> None:
    others = [deviation(0), deviation(10, 1.0, signal="heat"), deviation(20, 1.0, quality=Quality.UNCERTAIN)]

    assert decided(policy(), *others) == told(True, True, True)


def test_a_state_not_observed_for_a_window_is_not_raised() -> None:
    forgotten = policy("clear_when: anomaly.score < 3.0")

    assert decided(forgotten, deviation(0), deviation(24 * 60 + 1, 1.0, signal="heat")) == told(True, False)
    assert decided(forgotten, deviation(0), deviation(24 * 60 + 1, 4.0)) == told(True, False)


def test_a_version_without_states_remembers_none_of_them() -> None:
    _, memory = judged(draft(rule("shift", "anomaly.kind == 'deviation'")), deviation())

    assert b"states" not in canonical(memory)


def test_what_is_remembered_of_a_state_is_stored_and_read_again() -> None:
    _, memory = judged(policy("on_delay: PT20M"), *readings(6, 6))

    assert b'"states":{"high":{' in canonical(memory)
    assert Memory.model_validate_json(canonical(memory)) == memory


@given(
    st.lists(st.tuples(st.integers(0, 6_000), st.booleans(), st.booleans()), max_size=60),
    st.integers(2, MAX_OBSERVATIONS),
    st.integers(0, 300),
)
def test_a_state_is_bounded_total_and_never_moved_by_what_comes_late(
    seen: list[tuple[int, bool, bool]], of: int, delay: int
) -> None:
    terms = State(
        id="s", says="s", observe="true", raise_when="true", of=of, on_delay=f"PT{delay}M", off_delay=f"PT{delay}M"
    )
    state, ordered = FollowedState(), FollowedState()
    latest = -1
    for minutes, raising, clearing in seen:
        state = observe_state(state, terms, T0 + minutes * MINUTE, raising, clearing, WINDOW)
        if minutes >= latest:
            latest = minutes
            ordered = observe_state(ordered, terms, T0 + minutes * MINUTE, raising, clearing, WINDOW)
    assert state == ordered
    assert len(state.observed) <= of
    assert all(state.observed[-1][0] - at <= WINDOW for at, _ in state.observed)
