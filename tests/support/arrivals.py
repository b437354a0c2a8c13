"""Hypothesis strategies for the events of one fault and for their orders of arrival."""

from datetime import timedelta

from hypothesis import strategies as st

from domain.anomaly import Anomaly, AnomalyKind, Quality, Received, Risk
from tests.support.plant import PUMP, START, received

LATENESS = timedelta(hours=6)

_GAPS = st.sampled_from([0.0, 0.5, 1.0, 1.0, 2.0, 3.0, 5.0, 13.0, 23.0, 25.0])
_KINDS = st.sampled_from(
    ["shift", "shift", "shift", "code", "low risk", "low risk", "high risk", "bad", "weak", "manual"]
)
_DELAYS = st.sampled_from([0, 600, 5400, 9000, 16200, int(LATENESS.total_seconds()) - 1])


@st.composite
def seen_events(draw: st.DrawFn, most: int = 10) -> list[Anomaly]:
    """Observations of the pump in event order, close together and far apart."""
    seen, hours = [], 0.0
    for gap, kind in draw(st.lists(st.tuples(_GAPS, _KINDS), min_size=5, max_size=most)):
        hours += gap
        seen.append(_anomaly(kind, hours))
    return seen


@st.composite
def arrivals(draw: st.DrawFn, events: list[Received]) -> list[list[Received]]:
    """The same events in batches: each no later than the policy's lateness, some again and again.

    Every event arrives before any event whose time is more than the lateness after its own time.
    """
    delays = draw(st.lists(_DELAYS, min_size=len(events), max_size=len(events)))
    due = [_due(event, delay) for event, delay in zip(events, delays, strict=True)]
    order = [events[index] for index in sorted(range(len(events)), key=lambda index: due[index])]
    for index in draw(st.lists(st.integers(0, len(order) - 1), max_size=3)):
        order.insert(draw(st.integers(index + 1, len(order))), order[index])
    size = draw(st.sampled_from([1, 1, 1, 2, 3, len(order)]))
    return [order[start : start + size] for start in range(0, len(order), size)]


def messages(events: list[Anomaly], asset: str = PUMP) -> list[Received]:
    """The events as messages about an asset, in the order in which judging takes them."""
    keyed = {f"{asset}|{each.kind}|{each.at}|{each.quality}|{each.score}|{each.risk}": each for each in events}
    ours = [(each.model_copy(update={"asset": asset}), key) for key, each in keyed.items()]
    return [received(event, key) for event, key in sorted(ours, key=lambda pair: pair[0].order(pair[1]))]


def _due(event: Received, delay: int) -> float:
    if event.at is None:
        raise ValueError("an event without a time never arrives")
    return event.at.timestamp() + delay


def _anomaly(kind: str, hours: float) -> Anomaly:
    at = START + timedelta(hours=hours)
    shift = Anomaly(
        kind=AnomalyKind.DEVIATION, asset=PUMP, failure_mode="PDE", at=at, detector="adx:volt", signal="volt", score=6.0
    )
    other: dict[str, dict[str, object]] = {
        "shift": {},
        "bad": {"quality": Quality.BAD},
        "weak": {"score": 3.0},
        "code": {"kind": AnomalyKind.CODE, "detector": "device", "code": "error1", "score": None},
        "low risk": {"kind": AnomalyKind.RISK, "detector": "adx:risk", "risk": Risk.LOW, "score": None},
        "high risk": {"kind": AnomalyKind.RISK, "detector": "adx:risk", "risk": Risk.HIGH, "score": None},
        "manual": {"kind": AnomalyKind.MANUAL, "detector": "manual:ines", "raised_by": "ines", "score": None},
    }
    return shift.model_copy(update=other[kind])
