"""How often each rule of a stored version decided."""

from datetime import datetime, timedelta

from domain.errors import Rejected
from millwright.storage.reporting.history import History
from policies.engine.judging import CompiledPolicy
from policies.statistics.hits import RuleHits, rule_hits


async def read_hits(
    history: History, policy: CompiledPolicy, since: datetime | None, until: datetime | None
) -> tuple[RuleHits, ...]:
    """The hits of a version's rules in its newest verdicts on events of a period; by default on all events.

    Raises:
        Rejected: nothing has been judged yet.
    """
    span = await history.span()
    if span.first is None or span.last is None:
        raise Rejected("no event has been judged yet", field="version")
    first, last = since or span.first, until or span.last
    counted = await history.hits(policy.digest, first, last)
    days = max((last - first) / timedelta(days=1), 1.0)
    return rule_hits(
        [rule.id for rule in policy.rules], {count.rule: (count.hits, count.days) for count in counted}, days
    )
