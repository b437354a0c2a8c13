"""A return to normal is proved only by readings that were received while the machine ran, never by silence."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.anomaly import AnomalyKind, Quality
from domain.machine_test_runs import JudgedReading
from domain.operating import MachineState
from domain.return_to_normal import (
    VERIFIED_WITHIN,
    MachineSpell,
    MachineTime,
    NormalProof,
    NormalTerms,
    Recurrence,
    SeenFault,
    VerificationStanding,
    VerificationState,
    normal_proof,
    verification_standing,
)
from domain.verdict import Rung
from millwright.storage.operating.machine_spells import SaidThen, spells_of
from tests.support.baseline_readings import after, reading
from tests.support.plant import START

TERMS = NormalTerms(
    steady=timedelta(hours=1),
    score=2.0,
    while_running=True,
    stale_after=timedelta(minutes=30),
    verify_within=timedelta(hours=6),
)
EVEN_UNKNOWN = TERMS.model_copy(update={"while_running": False})
WITHIN = timedelta(hours=6)
RUNNING, IDLE, STOP, UNKNOWN = (
    MachineState.RUNNING,
    MachineState.IDLE,
    MachineState.PLANNED_STOP,
    MachineState.UNKNOWN,
)


def machine(*said: tuple[float, MachineState], until: float = 600, while_running: bool = True) -> MachineTime:
    """A machine that was read at these minutes."""
    then = [SaidThen(after(minutes), state, None) for minutes, state in said]
    return MachineTime([*spells_of(then, after(until), TERMS.stale_after)], while_running=while_running)


def every(step: int, until: int, state: MachineState = RUNNING) -> list[tuple[float, MachineState]]:
    return [(minutes, state) for minutes in range(0, until + 1, step)]


RAN = machine(*every(10, 120))
STEADY = tuple(reading(minutes) for minutes in range(1, 92, 10))


def proof(
    readings: Sequence[JudgedReading] = STEADY,
    time: MachineTime = RAN,
    signals: Sequence[str] = ("volt",),
    terms: NormalTerms = TERMS,
) -> NormalProof | None:
    return normal_proof(SeenFault(readings, signals), terms, time)


def test_a_signal_at_its_baseline_while_the_machine_runs_proves_it() -> None:
    found = proof()
    assert found is not None
    assert (found.since, found.until, found.readings) == (after(1), after(91), 10)
    assert found.signals[0].counted == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("readings", "time", "signals"),
    [
        pytest.param((), RAN, ("volt",), id="silence"),
        pytest.param(STEADY[:6], RAN, ("volt",), id="too short"),
        pytest.param((reading(1), reading(50), reading(91)), RAN, ("volt",), id="gaps"),
        pytest.param((*STEADY, reading(55, 2.5)), RAN, ("volt",), id="a score above the limit"),
        pytest.param((*STEADY, reading(55, rung=Rung.WATCH)), RAN, ("volt",), id="one that is watched"),
        pytest.param((*STEADY, reading(55, quality=Quality.UNCERTAIN)), RAN, ("volt",), id="a doubtful one"),
        pytest.param((*STEADY, reading(55, kind=AnomalyKind.CODE, code="E1")), RAN, ("volt",), id="a code"),
        pytest.param((*STEADY, reading(55, 9.0, signal="rotate")), RAN, ("volt",), id="another signal shows it"),
        pytest.param(STEADY, RAN, ("rotate", "volt"), id="one signal of two is silent"),
        pytest.param(STEADY, RAN, (), id="only codes showed the fault"),
        pytest.param(STEADY, machine(), ("volt",), id="the MES said nothing"),
        pytest.param(STEADY, machine(*every(10, 120, UNKNOWN)), ("volt",), id="an unknown state"),
        pytest.param(STEADY, machine(*every(10, 120, IDLE)), ("volt",), id="an idle machine"),
        pytest.param(STEADY, machine(*every(10, 120, STOP)), ("volt",), id="a planned stop"),
        pytest.param(STEADY, machine(*every(10, 120, MachineState.STARTUP)), ("volt",), id="it starts"),
        pytest.param(STEADY, machine(*every(40, 120)), ("volt",), id="readings of the MES that are too far apart"),
        pytest.param(STEADY, machine(*every(10, 40)), ("volt",), id="the MES fell silent"),
    ],
)
def test_nothing_less_proves_it(readings: Sequence[JudgedReading], time: MachineTime, signals: Sequence[str]) -> None:
    assert proof(readings, time, signals) is None


def test_a_machine_that_stands_adds_no_time_and_breaks_none() -> None:
    said = [
        *every(10, 40),
        *((50 + 10 * number, IDLE) for number in range(20)),
        *((250 + 10 * n, RUNNING) for n in range(5)),
    ]
    readings = [reading(minutes) for minutes in (*range(1, 41, 10), *range(251, 291, 10))]
    found = proof(readings, machine(*said))
    assert found is not None
    assert found.signals[0].counted == timedelta(minutes=70)


@pytest.mark.parametrize(
    ("time", "proved"),
    [
        (machine(while_running=False), True),
        (machine(*every(10, 120, UNKNOWN), while_running=False), True),
        (machine(*every(10, 120, IDLE), while_running=False), False),
    ],
    ids=["nothing is known", "unknown", "idle"],
)
def test_a_version_may_count_what_is_not_known_and_never_a_machine_that_stands(time: MachineTime, proved: bool) -> None:
    assert (proof(time=time, terms=EVEN_UNKNOWN) is not None) is proved


def test_a_machine_whose_start_lies_between_two_readings_did_not_run_between_them() -> None:
    said = [SaidThen(after(0), RUNNING, None), SaidThen(after(10), RUNNING, after(5))]
    assert [*spells_of(said, after(60), TERMS.stale_after)] == []


def standing(
    readings: Sequence[JudgedReading] = (),
    again: Sequence[float] = (),
    time: MachineTime = RAN,
    proved: NormalProof | None = None,
    at: float = 120,
) -> VerificationStanding:
    back = Recurrence([after(minutes) for minutes in again])
    seen = SeenFault(readings, ("volt",))
    return verification_standing(START, proved, seen, back, TERMS, WITHIN, time, after(at))


def test_work_is_verified_by_a_proof_within_the_time() -> None:
    assert standing(STEADY).state is VerificationState.VERIFIED
    late = [reading(minutes + 400) for minutes in range(1, 92, 10)]
    ran = machine(*every(10, 600))
    assert standing(late, time=ran, at=600).state is VerificationState.NOT_VERIFIED


@pytest.mark.parametrize(
    ("again", "at", "expected"),
    [
        ((), 359, None),
        ((), 360, VerificationState.NOT_VERIFIED),
        ((30,), 359, None),
        ((30,), 360, VerificationState.DID_NOT_HELP),
        ((370,), 380, VerificationState.NOT_VERIFIED),
    ],
    ids=["silence", "silence to the end", "it goes on", "it goes on to the end", "it is seen after the time"],
)
def test_without_a_proof_the_end_of_the_time_decides(
    again: Sequence[float], at: float, expected: VerificationState | None
) -> None:
    assert standing(again=again, at=at).state is expected


def test_a_fault_that_returns_after_a_proof_is_told_at_once() -> None:
    known = proof()
    assert known is not None
    assert standing(proved=known, again=(130,), at=140).state is VerificationState.DID_NOT_HELP
    assert standing(proved=known, again=(370,), at=380).state is VerificationState.VERIFIED


def test_time_in_which_the_machine_stands_does_not_count_and_ends_at_last() -> None:
    idle = machine(*every(10, 600, IDLE))
    assert standing(time=idle, at=600).state is None
    days = VERIFIED_WITHIN / timedelta(minutes=1)
    assert standing(time=idle, at=days).ends_at > after(WITHIN / timedelta(minutes=1))
    stood = MachineTime([MachineSpell(START, after(2 * days), running=False)], while_running=True)
    assert standing(time=stood, at=days).state is VerificationState.NOT_VERIFIED


STATES = st.sampled_from([RUNNING, RUNNING, RUNNING, IDLE, STOP, UNKNOWN, None])
ROWS = st.sampled_from([*[(0.5, Quality.GOOD)] * 12, (3.0, Quality.GOOD), (0.5, Quality.UNCERTAIN), None])


@given(
    st.lists(STATES, min_size=24, max_size=40), st.lists(ROWS, min_size=24, max_size=40), st.randoms(), st.booleans()
)
def test_whatever_arrives_in_whatever_order_a_proof_rests_on_good_readings_of_a_machine_that_ran(
    states: list[MachineState | None],
    rows: list[tuple[float, Quality] | None],
    random: object,
    while_running: bool,
) -> None:
    said = [(10.0 * number, state) for number, state in enumerate(states) if state is not None]
    time = machine(*said, while_running=while_running)
    readings = [reading(10 * n + 5, row[0], quality=row[1]) for n, row in enumerate(rows) if row is not None]
    shuffled = list(readings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis's Random
    terms = TERMS.model_copy(update={"while_running": while_running})
    found = proof(shuffled, time, terms=terms)
    assert found == proof(readings, time, terms=terms)
    signals = () if found is None else found.signals
    for signal in signals:
        within = [each for each in readings if signal.since <= each.anomaly.at <= signal.until]
        counting = [each for each in within if time.counts_at(each.anomaly.at)]
        assert signal.counted >= TERMS.steady
        assert all(each.is_normal(terms) for each in within)
        assert len(counting) == signal.readings
        assert all(time.passed(a.anomaly.at, b.anomaly.at) <= terms.longest_gap for a, b in pairwise(counting))
        assert signal.counted <= signal.until - signal.since
        ran = [later - earlier for (earlier, a), (later, b) in pairwise(said) if a is b is RUNNING]
        assert not while_running or signal.counted <= timedelta(minutes=sum(ran))
