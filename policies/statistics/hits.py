"""How often each rule of a version decided: the proof that a rule is really applied, and the alarm where it is not."""

from collections.abc import Sequence
from enum import StrEnum

from domain.model import Model

ENOUGH = 20
"""How many events must have reached a rule before "always" says anything."""


class Flag(StrEnum):
    """What is odd about how often a rule decided."""

    NEVER_HIT = "never_hit"
    """It decided nothing: dead, shadowed, or for what has not happened."""
    ALWAYS_HIT = "always_hit"
    """It decided every event that reached it, `ENOUGH` at least, so that the rules below it never spoke."""


class RuleHits(Model):
    """A rule's verdicts in a time: how many, on how many of its days, and how many a day."""

    rule: str
    hits: int
    share: float
    days: int
    per_day: float
    flag: Flag | None


def rule_hits(rules: Sequence[str], hits: dict[str, tuple[int, int]], days: float) -> tuple[RuleHits, ...]:
    """The hits of every rule, in the order in which they are asked.

    Args:
        rules: all of a version's rules, its guards first.
        hits: verdicts, and days with any, by rule; a rule that never decided need not be there.
        days: how many days are looked at; verdicts a day are of these.
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
