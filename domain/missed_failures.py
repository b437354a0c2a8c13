"""Failures by the work that was completed on them, and which of them no alert preceded.

A failure is a fault that somebody saw: an order of a person for a breakdown, a defect that planned work found, or an
order of ours that confirmed its case. See docs/missed-failures.md for each rule.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final, NamedTuple

from domain.maintenance_history import WorkDone, WorkKind
from domain.model import Model, Moment

SAME_FAILURE: Final = timedelta(hours=24)
"""Work on one fault that was done within this time of the first is work on one failure."""
ALERT_LASTS: Final = timedelta(hours=72)
"""For how long after its end an alert precedes a failure, unless its work repaired the part: as in a backtest."""

Fault = tuple[str, str]
"""An asset and a failure mode."""
OrderKey = tuple[str, str]
"""A CMMS instance and the number of an order there."""
WorkKey = tuple[str, str, str]
"""The same with the machine: a CMMS may use a number twice, for two sites."""
Watched = Callable[[str, str, datetime], bool]
"""Whether a failure mode of an asset was monitored at a time."""


class FoundBy(StrEnum):
    """Who saw a failure first, as far as the order tells."""

    BREAKDOWN = "breakdown"
    """A person, who reported corrective work."""
    ROUND = "round"
    """Planned work, such as an inspection round, whose codes name a failure mode."""
    CASE = "case"
    """The order of a case, which confirmed what was suspected."""


class Detection(StrEnum):
    """Whether an alert preceded a failure."""

    ALERTED = "alerted"
    REJECTED = "rejected"
    """A person rejected the alert, or cancelled its order: a miss of review."""
    MISSED = "missed"
    """There was no alert, or it was withdrawn before anybody worked on it."""


class AssetWork(NamedTuple):
    """Completed work in the maintenance history of an asset, whose machine may be the asset itself."""

    system: str
    asset: str
    machine: str
    done: WorkDone


class SeenFailure(Model):
    """A failure that somebody saw.

    Args:
        system: the CMMS instance.
        record: the number of the order.
        at: the end of the work.
        case: the case whose order it is; None for an order of a person.
    """

    system: str
    record: str
    asset: str
    failure_mode: str
    at: Moment
    found_by: FoundBy
    case: str | None = None


class DoubtfulWork(Model):
    """Work of people of which the CMMS does not say whether, or what, had failed.

    Args:
        assets: what it may have been on, the machine first if it is among them.
        failure_mode: what its codes name; None if they name none.
        why: what is not known.
    """

    system: str
    record: str
    machine: str
    assets: tuple[str, ...]
    at: Moment
    kind: WorkKind
    failure_mode: str | None
    why: str


class FailureWord(Model):
    """What a person says of doubtful work.

    Args:
        failed: whether something had failed.
        asset: what had failed. If nothing had, it is asked for only where two orders have this number.
        failure_mode: how it had failed; None if nothing had.
        found_by: whether it had been a breakdown, or was found on a round.
    """

    system: str
    record: str
    failed: bool
    asset: str | None = None
    failure_mode: str | None = None
    found_by: FoundBy = FoundBy.BREAKDOWN
    by: str
    reason: str


class FailureStatement(FailureWord):
    """A person's word as it is recorded, with the machine of the work and the time."""

    machine: str
    at: Moment

    @property
    def key(self) -> WorkKey:
        """The work that it is on."""
        return self.system, self.record, self.machine


class Alert(NamedTuple):
    """A case, as far as it counts as an alert of a failure.

    Attributes:
        first_at: the time of its first evidence.
        until: after this time it precedes no failure; None while it is open.
        rejected: whether a person rejected it, or cancelled its order.
        withdrawn: whether it was withdrawn.
        reported_before: the orders of people that were reported before its first evidence: it comes too late for them.
    """

    case: str
    asset: str
    failure_mode: str
    first_at: datetime
    until: datetime | None
    rejected: bool = False
    withdrawn: bool = False
    reported_before: frozenset[OrderKey] = frozenset()

    def precedes(self, failure: SeenFailure) -> bool:
        """Whether it was there before the work on the failure ended."""
        in_force = self.until is None or failure.at <= self.until
        return not self.withdrawn and self.first_at < failure.at and in_force


class JudgedFailure(SeenFailure):
    """A failure, and whether an alert preceded it.

    Args:
        monitored: whether its failure mode was monitored at the time.
        alert: the case that preceded it.
    """

    detection: Detection
    monitored: bool
    alert: str | None = None


class Recall(Model):
    """How many failures an alert preceded, with numerator and denominators.

    Args:
        alerted: the monitored failures that an alert preceded: the numerator.
        monitored: the failures whose failure mode was monitored: the denominator of recall, and the numerator of
            coverage.
        failures: all failures: the denominator of coverage.
        rejected: the monitored failures that a miss of review preceded.
        missed: the monitored failures that nothing preceded.
        doubtful: work of which nobody has said yet whether something had failed. It is in no figure.
    """

    alerted: int
    monitored: int
    failures: int
    rejected: int
    missed: int
    doubtful: int

    @property
    def recall(self) -> float | None:
        """alerted / monitored; None without a monitored failure."""
        return self.alerted / self.monitored if self.monitored else None

    @property
    def coverage(self) -> float | None:
        """monitored / failures; None without a failure."""
        return self.monitored / self.failures if self.failures else None


class BlindSpot(Model):
    """A failure mode of an asset that had a failure and is not monitored."""

    asset: str
    failure_mode: str
    failures: int
    last_at: Moment


class PeoplesFailures(NamedTuple):
    """What orders of people tell of failures."""

    failures: tuple[SeenFailure, ...]
    doubtful: tuple[DoubtfulWork, ...]


def failures_of_people(
    work: Iterable[AssetWork],
    *,
    ours: Collection[OrderKey],
    observed: Collection[Fault],
    stated: Mapping[WorkKey, FailureStatement],
) -> PeoplesFailures:
    """The failures that orders of people tell of, and the work of which a person must say it.

    An order on a machine is in the histories of the machine and of its parts. Its failure is that of the one part for
    which its failure mode is observed, or of the machine if there is none.

    Args:
        work: the completed work of each asset.
        ours: the orders of cases, which are left out.
        observed: the failure modes of assets for which the register has a signal or an error code.
        stated: the words of people, which go before the codes.
    """
    found: defaultdict[WorkKey, list[AssetWork]] = defaultdict(list)
    for each in work:
        if (each.system, each.done.record) not in ours:
            found[each.system, each.done.record, each.machine].append(each)
    failures, doubtful = [], []
    for key, seen in sorted(found.items()):
        said = stated.get(key)
        read = _read(seen, observed) if said is None else _failure_said(said, seen[0].done)
        if isinstance(read, SeenFailure):
            failures.append(read)
        elif read is not None:
            doubtful.append(read)
    return PeoplesFailures(tuple(failures), tuple(doubtful))


def judge_failures(
    failures: Iterable[SeenFailure], alerts: Iterable[Alert], watched: Watched
) -> tuple[JudgedFailure, ...]:
    """Each failure once, with the alert that preceded it, newest first.

    Of several orders on one failure the first counts, and any alert that preceded one of them.
    """
    of_fault: defaultdict[Fault, list[Alert]] = defaultdict(list)
    for alert in alerts:
        of_fault[alert.asset, alert.failure_mode].append(alert)
    judged = []
    ordered = sorted(failures, key=lambda each: (each.asset, each.failure_mode, each.at, each.system, each.record))
    for fault, of_one in groupby(ordered, key=lambda each: (each.asset, each.failure_mode)):
        known = sorted(of_fault[fault], key=lambda alert: (alert.rejected, alert.first_at, alert.case))
        judged += [_judged(same, known, watched) for same in _each_failure(of_one)]
    return tuple(sorted(judged, key=lambda each: (each.at, each.asset, each.failure_mode), reverse=True))


def recall_of(failures: Iterable[JudgedFailure], doubtful: int = 0) -> Recall:
    """The recall over these failures.

    Args:
        doubtful: how much doubtful work there is beside them.
    """
    every = list(failures)
    monitored = [each.detection for each in every if each.monitored]
    return Recall(
        alerted=monitored.count(Detection.ALERTED),
        monitored=len(monitored),
        failures=len(every),
        rejected=monitored.count(Detection.REJECTED),
        missed=monitored.count(Detection.MISSED),
        doubtful=doubtful,
    )


def blind_spots(failures: Iterable[JudgedFailure]) -> tuple[BlindSpot, ...]:
    """What had failures and is not monitored; the most frequent first."""
    times: defaultdict[Fault, list[datetime]] = defaultdict(list)
    for each in failures:
        if not each.monitored:
            times[each.asset, each.failure_mode].append(each.at)
    spots = [
        BlindSpot(asset=asset, failure_mode=mode, failures=len(at), last_at=max(at))
        for (asset, mode), at in times.items()
    ]
    return tuple(sorted(spots, key=lambda spot: (-spot.failures, spot.asset, spot.failure_mode)))


def _read(seen: Sequence[AssetWork], observed: Collection[Fault]) -> SeenFailure | DoubtfulWork | None:
    """What an order of a person tells of a failure; None if it was planned work that found nothing."""
    work = max(seen, key=lambda each: each.asset)
    done = work.done
    assets = _assets(seen)
    why = None
    mode = done.failure_mode
    if done.kind is WorkKind.PREVENTIVE and mode is None:
        return None
    if done.kind is WorkKind.UNKNOWN:
        why = "the CMMS does not say whether something had failed"
    elif mode is None:
        why = "its codes name no failure mode"
    else:
        parts = [asset for asset in assets if (asset, mode) in observed]
        if len(parts) > 1:
            why = f"{len(parts)} parts of the machine may have this failure mode"
        else:
            return SeenFailure(
                system=work.system,
                record=done.record,
                asset=parts[0] if parts else assets[0],
                failure_mode=mode,
                at=done.done_at,
                found_by=FoundBy.ROUND if done.kind is WorkKind.PREVENTIVE else FoundBy.BREAKDOWN,
            )
    return DoubtfulWork(
        system=work.system,
        record=done.record,
        machine=work.machine,
        assets=assets,
        at=done.done_at,
        kind=done.kind,
        failure_mode=mode,
        why=why,
    )


def _assets(seen: Iterable[AssetWork]) -> tuple[str, ...]:
    """What an order may have been on: the machine first, if its own history has it or those of several parts do."""
    machine = next(iter(seen)).machine
    assets = sorted({each.asset for each in seen})
    if len(assets) == 1:
        return tuple(assets)
    return (machine, *(asset for asset in assets if asset != machine))


def _failure_said(said: FailureStatement, done: WorkDone) -> SeenFailure | None:
    if not said.failed or said.asset is None or said.failure_mode is None:
        return None
    return SeenFailure(
        system=said.system,
        record=said.record,
        asset=said.asset,
        failure_mode=said.failure_mode,
        at=done.done_at,
        found_by=said.found_by,
    )


def _each_failure(ordered: Iterable[SeenFailure]) -> list[list[SeenFailure]]:
    """The orders of each failure of one fault, which are in the order of their times."""
    each: list[list[SeenFailure]] = []
    for failure in ordered:
        if each and failure.at - each[-1][0].at <= SAME_FAILURE:
            each[-1].append(failure)
        else:
            each.append([failure])
    return each


def _judged(same: Sequence[SeenFailure], known: Sequence[Alert], watched: Watched) -> JudgedFailure:
    """One failure by all orders for it. Alerts that nobody rejected come first in `known`."""
    first = same[0]
    records = {(failure.system, failure.record) for failure in same}
    in_time = [alert for alert in known if alert.reported_before.isdisjoint(records)]
    cases = {failure.case for failure in same}
    confirmed = next((alert.case for alert in in_time if alert.case in cases), None)
    alert = next((alert for alert in in_time if any(alert.precedes(failure) for failure in same)), None)
    detection, case = Detection.MISSED, None
    if confirmed is not None:
        detection, case = Detection.ALERTED, confirmed
    elif alert is not None:
        detection, case = (Detection.REJECTED if alert.rejected else Detection.ALERTED), alert.case
    return JudgedFailure(
        **dict(first),
        detection=detection,
        monitored=watched(first.asset, first.failure_mode, first.at),
        alert=case,
    )
