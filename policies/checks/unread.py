"""Finds rules that also decide while nothing is known of the machine or of the work on the asset, without saying so.

A comparison such as `operating.steady_minutes < 20.0` is true of a machine that nobody has read: its minutes are 0. So
is `maintenance.since_work_hours > 720.0` of an asset of whose work nothing is known.
"""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

import z3

from policies.checks.findings import Finding, Kind
from policies.engine.judging import CompiledPolicy
from policies.language.expressions import Condition
from policies.language.text import PolicyText
from policies.language.variables import MAINTENANCE, OPERATING
from policies.proof.search import Answer, Search
from policies.proof.situation import axioms, situation
from policies.proof.translation import NotTranslated, Translation

_TIMEOUT_MS = 2_000
_GUARDS = 2


class _Read(NamedTuple):
    """Names that have no meaning while something is not known.

    Args:
        known: the name that says whether it is known.
        names: all of them.
        what: what is not known, as the end of a sentence.
        blocks: whether such a rule keeps a version from publication.
        word: what a condition also asks with, in its text; None for nothing.
    """

    known: str
    names: Collection[str]
    what: str
    blocks: bool
    word: str | None

    def left_open(self, condition: Condition) -> bool:
        """Whether a condition uses the names, and does not ask whether they mean something."""
        asks = self.known in condition.names or (self.word is not None and self.word in condition.text)
        return not asks and not condition.names.isdisjoint(self.names)


_OPERATING: Final = _Read(
    "operating.known", OPERATING.keys(), "it is not known what the machine does", blocks=False, word="'unknown'"
)
# An unknown history would otherwise read as one without work.
_MAINTENANCE: Final = _Read(
    "maintenance.known",
    MAINTENANCE.keys(),
    "it is not known which work was done on the asset",
    blocks=True,
    word=None,
)


def unread_findings(policy: CompiledPolicy, source: PolicyText) -> Iterator[Finding]:
    """A finding for each rule that uses what was read of the machine or of the asset, and may decide while that is not
    known."""
    if policy.read_inputs.operating:
        yield from _findings(policy, source, _OPERATING)
    if policy.read_inputs.maintenance:
        yield from _findings(policy, source, _MAINTENANCE)


def _findings(policy: CompiledPolicy, source: PolicyText, read: _Read) -> Iterator[Finding]:
    terms = situation("", policy)
    try:
        always = [axiom.term for axiom in axioms(terms, policy)]
    except NotTranslated:
        return  # The check of reachability reports it.
    translation = Translation(terms)
    search = Search([*always, z3.Not(terms[read.known])], (), _TIMEOUT_MS)
    before: list[z3.BoolRef] = []
    for place, condition in enumerate(policy.chain.conditions[:-1]):
        try:
            met = translation.condition(condition)
        except NotTranslated:
            continue  # The check of reachability reports it. What it decides is counted as not decided before.
        if place >= _GUARDS and read.left_open(condition) and search.ask(met, *before) is not Answer.NONE:
            rule = policy.written[place - _GUARDS]
            fix = f"add `{read.known}`, or `!{read.known}` if that is meant"
            complaint = source.rejected(rule.path, f"{rule.id} also decides while {read.what}", fix=fix)
            yield Finding(Kind.UNREAD, read.blocks, (rule.id,), complaint)
        before.append(z3.Not(met))
