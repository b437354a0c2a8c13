"""The memory fold: what judging keeps of an asset's failure mode, bounded, in event time.

Only what a good signal says is evidence, and of deviations only those above the policy's threshold; all else is
counted as seen and forgotten. Evidence older than the window, by the latest event seen, is evicted. The fold never
reads a clock and never depends on anything but its arguments, so that audit makes the same memory again.

Events are to come in event order. One that comes late still folds (its evidence takes its own place in time), but
what it would have said in its place is for whoever judges the window again.
"""

from datetime import datetime, timedelta

from domain.anomaly import Anomaly, AnomalyKind, Quality, Risk
from domain.verdict import Memory

MAX_DISTINCT = 32
"""How many distinct detectors, and how many distinct codes, are remembered; beyond it the oldest goes first."""

Times = dict[str, datetime]
Update = dict[str, object]


def observe(memory: Memory, anomaly: Anomaly, window: timedelta, evidence_above: float) -> Memory:
    """The memory after an anomaly.

    Args:
        memory: the memory before it, left untouched.
        anomaly: what was seen.
        window: how long evidence counts.
        evidence_above: the score a deviation must exceed to count.
    """
    at = anomaly.at
    latest = at if memory.last_at is None or at > memory.last_at else memory.last_at
    update: Update = {"seen": memory.seen + 1, "last_at": latest}
    detectors, codes = _within(memory.detectors, latest, window), _within(memory.codes, latest, window)
    if memory.deviation_at is not None and latest - memory.deviation_at > window:
        update.update(deviating_since=None, deviation_at=None, deviations=0, worst_score=0.0)
    if anomaly.quality is Quality.GOOD and latest - at <= window:
        match anomaly.kind:
            case AnomalyKind.DEVIATION if (anomaly.score or 0.0) > evidence_above:
                _take_deviation(memory, at, anomaly.score or 0.0, window, update)
                detectors = _with(detectors, anomaly.detector, at)
            case AnomalyKind.CODE if anomaly.code:
                codes = _with(codes, anomaly.code, at)
            case AnomalyKind.CODE | AnomalyKind.MANUAL:
                detectors = _with(detectors, anomaly.detector, at)
            case AnomalyKind.RISK:
                _take_risk(memory, at, anomaly.risk, update)
                if anomaly.risk is Risk.HIGH:
                    detectors = _with(detectors, anomaly.detector, at)
    return memory.model_copy(update={**update, "detectors": detectors, "codes": codes})


def _within(held: Times, latest: datetime, window: timedelta) -> Times:
    for seen in held.values():
        if latest - seen > window:
            return {name: seen for name, seen in held.items() if latest - seen <= window}
    return held


def _with(held: Times, name: str, at: datetime) -> Times:
    if name in held and held[name] >= at:
        return held
    names = {**held, name: at}
    if len(names) > MAX_DISTINCT:
        # Of names equally old the alphabet decides, so that the fold does not depend on the order of a mapping.
        del names[min(names, key=lambda each: (names[each], each))]
    return names


def _take_deviation(memory: Memory, at: datetime, score: float, window: timedelta, update: Update) -> None:
    first, last = memory.deviating_since, memory.deviation_at
    if first is None or last is None or at - last > window or "deviation_at" in update:
        update.update(deviating_since=at, deviation_at=at, deviations=1, worst_score=score)
    else:
        update.update(
            deviating_since=min(first, at),
            deviation_at=max(last, at),
            deviations=memory.deviations + 1,
            worst_score=max(memory.worst_score, score),
        )


def _take_risk(memory: Memory, at: datetime, risk: Risk | None, update: Update) -> None:
    if risk is None or risk == memory.risk or (memory.risk_since is not None and at < memory.risk_since):
        return
    update.update(risk=risk.value, risk_since=at)


def order(memory: Memory, at: datetime, rearm: timedelta) -> Memory:
    """The memory after an ordering verdict at an instant: the episode goes on, or a new one begins.

    A late verdict of the same episode may move its beginning back, never its end.
    """
    last, began = memory.ordered_at, memory.episode_at
    if last is None or began is None or at - last > rearm:
        return memory.model_copy(update={"ordered_at": at, "episode_at": at})
    if began - at > rearm:
        return memory
    return memory.model_copy(update={"ordered_at": max(last, at), "episode_at": min(began, at)})
