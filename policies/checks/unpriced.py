"""Finds timing rules that would delay, or price, a fault whose consequence is declared to have no price.

A solver checks this for every verdict that the version can give, whatever production does. What could not be decided
blocks publication too.
"""

from collections.abc import Iterator

import z3

from policies.checks.findings import Finding, Kind
from policies.engine.judging import CompiledPolicy
from policies.language.schema import TimingWord
from policies.language.text import PolicyText
from policies.language.variables import TIMING_VARIABLES
from policies.proof.policy_variables import given_by
from policies.proof.search import Answer, Search
from policies.proof.translation import NotTranslated, Translation, constant

_TIMEOUT_MS = 2_000


def unpriced_findings(policy: CompiledPolicy, source: PolicyText) -> Iterator[Finding]:
    """A finding for each timing rule that may decide a declared fault, and neither says `now` nor follows a site rule.

    If the policy prices faults and declares none, that is told too.
    """
    prices = policy.document.prices
    if prices is None:
        return
    if not prices.unpriced:
        problem = "no fault is declared to endanger people or the environment, so every fault may be priced"
        complaint = source.rejected(("prices", "unpriced"), problem, fix="declare each fault that does")
        yield Finding(Kind.UNPRICED, False, (), complaint)
        return
    terms = {name: constant(name, each) for name, each in {**TIMING_VARIABLES, **policy.names.own}.items()}
    translation = Translation(terms)
    try:
        declared = [translation.condition(each) for each in policy.unpriced.conditions[:-1]]
        asked = [translation.condition(each) for each in policy.timing.conditions]
    except NotTranslated as error:
        problem = f"{error.problem}; whether a declared fault is delayed or priced is not known"
        yield Finding(Kind.UNKNOWN, True, (), source.rejected(("prices", "unpriced"), problem))
        return
    given = z3.Or([given_by(terms, rule.verdict) for rule in policy.rules if rule.verdict.rung.opens_case])
    search = Search([given, z3.Or(declared)], (), _TIMEOUT_MS)
    for place, rule in enumerate(policy.document.timing):
        if rule.urgency is TimingWord.NOW or rule.site_rule is not None:
            continue
        answer = search.ask(asked[place], *(z3.Not(each) for each in asked[:place]))
        if answer is Answer.NONE:
            continue
        word = rule.urgency.value
        problem = f"{rule.id} says {word} for some fault whose consequence is declared unpriced"
        if answer is Answer.UNKNOWN:
            problem = f"whether {rule.id} says {word} for a fault that is declared unpriced is not known"
        fix = "put a rule before it that says `now` for these faults, or that names the `site_rule` it follows"
        kind = Kind.UNPRICED if answer is Answer.FOUND else Kind.UNKNOWN
        complaint = source.rejected(("timing", place, "urgency"), problem, fix=fix)
        yield Finding(kind, True, (rule.id,), complaint)
