"""Counts how often each rule of a version decided, and marks rules that never or always decide."""

from collections.abc import Sequence
from enum import StrEnum

from domain.model import Model

ENOUGH = 20
"""Minimum number of events that must have reached a rule before it can be marked "always"."""


class Flag(StrEnum):
    """The mark of a rule."""

    NEVER_HIT = "never_hit"
    """It decided nothing: it is dead, shadowed, or its situation has not occurred."""
    ALWAYS_HIT = "always_hit"
    """It decided every event that reached it, at least `ENOUGH`, so that no rule below it was evaluated."""


class RuleHits(Model):
    """A rule's verdicts in a period: how many, on how many days, and how many a day."""

    rule: str
    hits: int
    share: float
    days: int
    per_day: float
    flag: Flag | None


def rule_hits(rules: Sequence[str], hits: dict[str, tuple[int, int]], days: float) -> tuple[RuleHits, ...]:
    """The hits of every rule, in the order of evaluation.

    Args:
        rules: all of a version's rules, its guards first.
        hits: verdicts, and days with verdicts, by rule; a rule that never decided may be missing.
        days: the number of days in the period.
    """
    total = sum(number for number, _ in hits.values())
    reached = total
    found = []
    for place, rule in enumerate(rules):
        number, on_days = hits.get(rule, (0, 0))
        flag = None
        if number == 0:
            flag = Flag.NEVER_HIT
        elif number == reached >= ENOUGH and place < len(rules) - 1:
            flag = Flag.ALWAYS_HIT
        found.append(
            RuleHits(
                rule=rule,
                hits=number,
                share=round(number / total, 4) if total else 0.0,
                days=on_days,
                per_day=round(number / days, 3) if days else 0.0,
                flag=flag,
            )
        )
        reached -= number
    return tuple(found)
