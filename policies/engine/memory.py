"""The memory fold: the bounded state that judging keeps for an asset's failure mode, in event time.

Only good signals are evidence, and of deviations only those above the policy's threshold; all other anomalies are only
counted. Evidence older than the window, counted from the latest event, is evicted. The fold reads no
clock and depends only on its arguments, so that the audit can reproduce the memory.

Events should come in event order. A late event is still folded in at its own time, but its verdict at its own place
needs a new judgement of the window.
"""

from datetime import datetime, timedelta

from domain.anomaly import Anomaly, AnomalyKind, Quality, Risk
from domain.verdict import Memory

MAX_DISTINCT = 32
"""Maximum number of distinct detectors, and of distinct codes; beyond it the oldest is removed first."""

Times = dict[str, datetime]
Update = dict[str, object]


def observe(memory: Memory, anomaly: Anomaly, window: timedelta, evidence_above: float) -> Memory:
    """The memory after an anomaly.

    Args:
        memory: the memory before it; it is not changed.
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
        # Names of the same age are sorted by the alphabet, so that the fold does not depend on the order of a mapping.
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
    """The memory after an ordering verdict at an instant: the episode continues, or a new one begins.

    A late verdict of the same episode may move its beginning back, never its end.
    """
    last, began = memory.ordered_at, memory.episode_at
    if last is None or began is None or at - last > rearm:
        return memory.model_copy(update={"ordered_at": at, "episode_at": at})
    if began - at > rearm:
        return memory
    return memory.model_copy(update={"ordered_at": max(last, at), "episode_at": min(began, at)})
