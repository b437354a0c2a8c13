"""How often each rule decides: the sign of a rule that is dead, and of one that lets nothing past it. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal

from domain.model import Model

ENOUGH = 20
"""Verdicts that must have come as far as a rule before it can be said to decide all of them."""


class RuleHits(Model):
    """One rule's hits over a stretch of days.

    `reached` counts the verdicts that came as far as the rule, `decided` those that it decided, `per_day` the mean of
    these. `flag` is `never` where it decided none, and `always` where it decided each of at least `ENOUGH`, so that
    nothing got past it to the rules behind.
    """

    rule: str
    reached: int
    decided: int
    per_day: float
    by_day: dict[date, int]
    flag: Literal["never", "always"] | None = None


def rule_hits(rules: Sequence[str], decided: Iterable[tuple[str, date, int]], days: int) -> tuple[RuleHits, ...]:
    """The hits of each rule.

    Args:
        rules: the rules of a version in the order in which they are asked, its guards first.
        decided: a rule, a day (of event time, UTC) and how many verdicts it decided on it; a rule the version does not
            have is passed over.
        days: how many days were looked at.
    """
    counts: Mapping[str, Counter[date]] = {rule: Counter() for rule in rules}
    for rule, day, number in decided:
        if rule in counts:
            counts[rule][day] += number
    left = sum(count.total() for count in counts.values())
    told = []
    for position, rule in enumerate(rules):
        own = counts[rule].total()
        always = position < len(rules) - 1 and own == left >= ENOUGH
        told.append(
            RuleHits(
                rule=rule,
                reached=left,
                decided=own,
                per_day=own / max(days, 1),
                by_day=dict(sorted(counts[rule].items())),
                flag="always" if always else None if own else "never",
            )
        )
        left -= own
    return tuple(told)
