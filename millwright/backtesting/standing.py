"""Scores the real decisions: the newest verdicts, with the same fold and score as a backtest."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from domain.verdict import Rung
from millwright.backtesting.versions import compiled
from millwright.storage.policies.versions import StoredVersion
from millwright.storage.reporting.figures import Ordering as StandingOrdering
from policies.evaluation.episodes import Ordering, episodes
from policies.evaluation.scoring import FailureRegister, VersionScore, score


def score_standing(
    orderings: Sequence[StandingOrdering],
    stored: Sequence[StoredVersion],
    register: FailureRegister,
    classes: Mapping[str, str],
) -> dict[str, VersionScore]:
    """The score of every version that ordered anything, by its number.

    Args:
        orderings: the newest verdicts that asked for an order.
        stored: their versions.
        register: the failures.
        classes: the class of each asset that may fail.

    Raises:
        Rejected: a version was altered in storage.
    """
    by_version: dict[str, list[Ordering]] = defaultdict(list)
    for ordering in orderings:
        by_version[ordering.version].append(
            Ordering(
                version=ordering.version,
                asset=ordering.asset,
                failure_mode=ordering.failure_mode,
                at=ordering.at,
                rung=Rung(ordering.rung),
            )
        )
    rearm = {
        version.version: compiled(version).document.memory.rearm for version in stored if version.version in by_version
    }
    return {
        version: score(episodes(found, rearm[version]), register, classes)
        for version, found in sorted(by_version.items())
    }
