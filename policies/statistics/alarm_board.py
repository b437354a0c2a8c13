"""The load of operators by alarms, with the figures of ISA-18.2 (IEC 62682) and EEMUA 191. Pure.

An operator position is a production line. These figures are about alarms, and never about orders: the load of planners
is in `policies.statistics.planner_load`.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.alarms import BoardAlarm
from domain.model import Model, Moment
from policies.statistics.floods import WINDOW, floods

STANDING: Final = timedelta(hours=24)
"""An alarm that lasts longer is standing (stale)."""
SILENCE: Final = timedelta(hours=24)
"""The longest time between two alarms of one fault that are the same lasting alarm."""
CHATTER_TIMES: Final = 3
CHATTER_WITHIN: Final = timedelta(minutes=1)
"""An alarm chatters if it comes so many times within this time."""
TARGETS: Final[Mapping[str, float]] = {"low": 0.80, "medium": 0.15, "high": 0.05}
"""The share of alarms of each priority that ISA-18.2 recommends."""
_PRIORITY: Final[Mapping[str, str]] = {"S1": "high", "S2": "medium", "S3": "low", "S4": "low"}


class StandingAlarm(Model):
    """An alarm that lasted longer than `STANDING`; `goes_on` if it has not been silent for `SILENCE` at the end."""

    asset: str
    failure_mode: str
    began_at: Moment
    last_at: Moment
    alarms: int
    goes_on: bool


class ChatteringAlarm(Model):
    """A fault whose alarm came `CHATTER_TIMES` times within `CHATTER_WITHIN`, and how often that was."""

    asset: str
    failure_mode: str
    times: int


class PriorityShare(Model):
    """The alarms of one priority, their share, and the share that is recommended."""

    priority: str
    alarms: int
    share: float | None
    target: float


class PositionAlarms(Model):
    """The alarms of one operator position.

    Args:
        per_ten_minutes: the mean.
        in_floods: the share of time in floods; the target is below 0.01.
    """

    position: str
    alarms: int
    per_ten_minutes: float
    floods: int
    in_floods: float
    standing: tuple[StandingAlarm, ...]
    chattering: tuple[ChatteringAlarm, ...]
    priorities: tuple[PriorityShare, ...]


def position_alarms(position: str, heard: Sequence[BoardAlarm], since: datetime, until: datetime) -> PositionAlarms:
    """The figures of one position.

    Args:
        heard: its alarms after `since` and up to `until`, ascending by time.
    """
    found = floods(position, [each.alarm for each in heard], until)
    flooded = sum(((flood.ended_at or until) - flood.began_at for flood in found), timedelta())
    by_fault: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for each in heard:
        by_fault[each.alarm.asset, each.alarm.failure_mode].append(each.alarm.at)
    period = until - since
    return PositionAlarms(
        position=position,
        alarms=len(heard),
        per_ten_minutes=round(len(heard) / (period / WINDOW), 3) if period else 0.0,
        floods=len(found),
        in_floods=round(flooded / period, 4) if period else 0.0,
        standing=_standing(by_fault, until),
        chattering=_chattering(by_fault),
        priorities=_priorities(heard),
    )


def _standing(by_fault: Mapping[tuple[str, str], Sequence[datetime]], until: datetime) -> tuple[StandingAlarm, ...]:
    found: list[StandingAlarm] = []
    for (asset, mode), times in by_fault.items():
        found.extend(
            StandingAlarm(
                asset=asset,
                failure_mode=mode,
                began_at=run[0],
                last_at=run[-1],
                alarms=len(run),
                goes_on=until - run[-1] <= SILENCE,
            )
            for run in _runs(times)
            if run[-1] - run[0] > STANDING
        )
    return tuple(sorted(found, key=lambda each: (not each.goes_on, each.began_at, each.asset)))


def _runs(times: Sequence[datetime]) -> list[list[datetime]]:
    """The alarms of a fault, parted where there is silence."""
    runs: list[list[datetime]] = []
    for at in times:
        if runs and at - runs[-1][-1] <= SILENCE:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _chattering(by_fault: Mapping[tuple[str, str], Sequence[datetime]]) -> tuple[ChatteringAlarm, ...]:
    found = []
    for (asset, mode), times in by_fault.items():
        ends = zip(times, times[CHATTER_TIMES - 1 :], strict=False)
        often = sum(last - first <= CHATTER_WITHIN for first, last in ends)
        if often:
            found.append(ChatteringAlarm(asset=asset, failure_mode=mode, times=often))
    return tuple(sorted(found, key=lambda each: (-each.times, each.asset, each.failure_mode)))


def _priorities(heard: Sequence[BoardAlarm]) -> tuple[PriorityShare, ...]:
    counts = Counter(_PRIORITY[each.severity] for each in heard)
    return tuple(
        PriorityShare(
            priority=name,
            alarms=counts[name],
            share=round(counts[name] / len(heard), 4) if heard else None,
            target=target,
        )
        for name, target in TARGETS.items()
    )


class RankedFault(Model):
    """A fault by the number of its alarms, with its share of all."""

    asset: str
    failure_mode: str
    alarms: int
    share: float


def bad_actors(heard: Mapping[tuple[str, str], int], most: int = 10) -> tuple[RankedFault, ...]:
    """The faults with the most alarms, the worst first.

    Args:
        heard: the number of alarms of each asset and failure mode.
    """
    total = sum(heard.values())
    ranked = sorted(heard.items(), key=lambda item: (-item[1], item[0]))[:most]
    return tuple(
        RankedFault(asset=asset, failure_mode=mode, alarms=count, share=round(count / total, 4))
        for (asset, mode), count in ranked
    )
