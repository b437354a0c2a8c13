"""Would-be cases: groups ordering verdicts of one fault into episodes, by the rules of `domain.case_rules`.

Summary, shadow and backtest share this fold. A would-be case counts as closed, because nobody works on it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.case_rules import CaseSpan, Effect, effect
from domain.cases import ClosedAs
from domain.model import Model, Moment
from domain.verdict import Rung


class Episode(Model):
    """A series of ordering verdicts on one asset's failure mode, each at most the policy's `rearm` after the one
    before.

    `version` is the digest of the policy version, `opened_at` and `last_at` the event times of its first and latest
    verdict, `verdicts` their number, `rung` the highest rung.
    """

    version: str
    asset: str
    failure_mode: str
    opened_at: Moment
    last_at: Moment
    verdicts: int = 1
    rung: Rung = Rung.DRAFT


class Ordering(Model):
    """An ordering verdict of a version, at its anomaly's event time."""

    version: str
    asset: str
    failure_mode: str
    at: Moment
    rung: Rung = Rung.DRAFT


def feed(episode: Episode | None, ordering: Ordering, rearm: timedelta) -> Episode:
    """The episode of an ordering verdict: the given one with the verdict added, or a new one.

    Args:
        episode: the latest episode of the same version, asset and failure mode, or None.
        ordering: the next verdict in event order.
        rearm: the longest gap within an episode.
    """
    if episode is None or effect(_span(episode), ordering.at, ordering.rung, rearm) is Effect.OPENS:
        return Episode(
            version=ordering.version,
            asset=ordering.asset,
            failure_mode=ordering.failure_mode,
            opened_at=ordering.at,
            last_at=ordering.at,
            rung=ordering.rung,
        )
    return episode.model_copy(
        update={
            "last_at": max(episode.last_at, ordering.at),
            "verdicts": episode.verdicts + 1,
            "rung": max(episode.rung, ordering.rung),
        }
    )


def episodes(orderings: Iterable[Ordering], rearm: timedelta) -> tuple[Episode, ...]:
    """All episodes of some ordering verdicts, given in any order, by their beginning."""
    latest: dict[tuple[str, str, str], Episode] = {}
    ended: list[Episode] = []
    for ordering in sorted(orderings, key=_event_time):
        key = (ordering.version, ordering.asset, ordering.failure_mode)
        before = latest.get(key)
        after = feed(before, ordering, rearm)
        if before is not None and after.verdicts == 1:
            ended.append(before)
        latest[key] = after
    return tuple(
        sorted(
            [*ended, *latest.values()],
            key=lambda episode: (episode.opened_at, episode.version, episode.asset, episode.failure_mode),
        )
    )


def _span(episode: Episode) -> CaseSpan:
    return CaseSpan(episode.opened_at, episode.last_at, episode.rung, ClosedAs.DONE)


def _event_time(ordering: Ordering) -> datetime:
    return ordering.at
