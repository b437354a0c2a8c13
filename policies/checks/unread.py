"""Finds rules that also decide while nothing is known of the machine, without saying so.

A comparison such as `operating.steady_minutes < 20.0` is true of a machine that nobody has read: its minutes are 0.
"""

from collections.abc import Iterator

import z3

from policies.checks.findings import Finding, Kind
from policies.engine.judging import CompiledPolicy
from policies.language.expressions import Condition
from policies.language.text import PolicyText
from policies.language.variables import OPERATING
from policies.proof.search import Answer, Search
from policies.proof.situation import axioms, situation
from policies.proof.translation import NotTranslated, Translation

_TIMEOUT_MS = 2_000
_GUARDS = 2
_KNOWN = "operating.known"
_UNKNOWN_WORD = "'unknown'"


def unread_findings(policy: CompiledPolicy, source: PolicyText) -> Iterator[Finding]:
    """A finding for each rule that uses what the machine does, and may decide while that is not known."""
    if not policy.uses_operating:
        return
    terms = situation("", policy)
    try:
        always = [axiom.term for axiom in axioms(terms, policy)]
    except NotTranslated:
        return  # The check of reachability reports it.
    translation = Translation(terms)
    search = Search([*always, z3.Not(terms[_KNOWN])], (), _TIMEOUT_MS)
    before: list[z3.BoolRef] = []
    for place, condition in enumerate(policy.chain.conditions[:-1]):
        try:
            met = translation.condition(condition)
        except NotTranslated:
            continue  # The check of reachability reports it. What it decides is counted as not decided before.
        if place >= _GUARDS and _does_not_say(condition) and search.ask(met, *before) is not Answer.NONE:
            rule = policy.written[place - _GUARDS]
            problem = f"{rule.id} also decides while it is not known what the machine does"
            fix = "add `operating.known`, or `!operating.known` if that is meant"
            yield Finding(Kind.UNREAD, False, (rule.id,), source.rejected(rule.path, problem, fix=fix))
        before.append(z3.Not(met))


def _does_not_say(condition: Condition) -> bool:
    """Whether a condition uses what a machine does, and does not ask whether that is known."""
    asks = _KNOWN in condition.names or _UNKNOWN_WORD in condition.text
    return not asks and bool(condition.names & OPERATING.keys())
