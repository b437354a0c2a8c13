"""The judging function, which live judging, shadow, backtest and audit share. It is pure and total."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.anomaly import Anomaly, Quality
from domain.verdict import Context, FollowedState, Memory, ReadInputs, Rung, Verdict
from policies.engine.memory import observe, order
from policies.language.document import document_digest, read_document
from policies.language.expanded_rules import WrittenRule, written_out
from policies.language.expressions import Chain, Condition, Environment
from policies.language.fields import UNCONDITIONAL
from policies.language.grammar import COMPOSED, ConditionRejected
from policies.language.inheritance import ASSETS, scope_condition
from policies.language.schema import APPLIES_TO, BAD_QUALITY, Action, PolicyDocument, Rule, Scope, State, TimingRule
from policies.language.states import observe_state
from policies.language.text import Path, PolicyText, TextRejected, reject_all
from policies.language.variables import MAINTENANCE, OPERATING, Facts, Value, Variable
from policies.language.vocabulary import Vocabulary, vocabulary

MAX_WRITTEN = 400
"""Maximum number of rules of a version, with its tables and overrides expanded."""
MAX_ASKED = 6_000
"""Maximum number of parts in all conditions of a version. It bounds the time of a judgement."""


@dataclass(frozen=True)
class CompiledRule:
    """A rule with its verdict: one frozen value, shared by all anomalies that it decides."""

    id: str
    when: str
    because: str
    response: str
    verdict: Verdict


@dataclass(frozen=True)
class CompiledState:
    """A state of the policy. `chain` evaluates whether an anomaly is an observation, raises it, or clears it."""

    terms: State
    chain: Chain
    readers: tuple[tuple[str, Callable[[Facts], Value]], ...]


@dataclass(frozen=True)
class CompiledPolicy:
    """A compiled policy version. The two guards of every version come before its own rules.

    `written` are its own rules, with tables and overrides expanded, in the order of `rules` after the guards.
    `unpriced` finds the declared fault whose consequence has no price; its last condition is true and declares none.
    """

    document: PolicyDocument
    text: str
    digest: str
    rules: tuple[CompiledRule, ...]
    chain: Chain
    readers: tuple[tuple[str, Callable[[Facts], Value]], ...]
    timing: Chain
    unpriced: Chain
    timing_readers: tuple[tuple[str, Callable[[Context, datetime], Value]], ...]
    states: tuple[CompiledState, ...]
    written: tuple[WrittenRule, ...]
    names: Vocabulary
    read_inputs: ReadInputs
    """What its rules, states or properties use of what was read from other systems."""


def compile_policy(text: str, file: str) -> CompiledPolicy:
    """A policy version from its text.

    Args:
        text: the YAML document.
        file: its name, for complaints.

    Raises:
        TextRejected: with file, line, column, field and fix; a `domain.errors.PolicyRejected`.
    """
    document, source = read_document(text, file)
    digest = document_digest(source)
    problems: list[TextRejected] = []
    outside = _outside(document, source, problems)
    faults = list(_scope_faults(document, source))
    if faults:
        reject_all([*problems, *faults])
    names = vocabulary(document)
    written = written_out(document, names, source, problems)
    states = tuple(_states(document, names, source, problems))
    own = list(_own_conditions(document, names, written, source, problems))
    timing = list(_conditions(names.timing, _whens("timing", document.timing), source, problems))
    declared = list(_conditions(names.timing, _unpriced(document), source, problems))
    problems.extend(_too_much([*own, *timing, *declared], source))
    reject_all(problems)
    guards = [*outside, names.rules.condition("anomaly.quality == 'bad'")]
    chain = Chain(names.rules, [*guards, *own])
    asked = Chain(names.timing, timing)
    unpriced = Chain(names.timing, [*declared, names.timing.condition(UNCONDITIONAL)])
    needed = {*asked.names, *unpriced.names, *_named_amounts(document)}
    return CompiledPolicy(
        document=document,
        text=text,
        digest=digest,
        rules=tuple(
            _compiled(rule, document, digest) for rules in (_guards(document, guards), written) for rule in rules
        ),
        chain=chain,
        readers=tuple((name, names.readers[name]) for name in chain.names),
        timing=asked,
        unpriced=unpriced,
        timing_readers=tuple((name, read) for name, read in names.timing_readers.items() if name in needed),
        states=states,
        written=tuple(written),
        names=names,
        read_inputs=ReadInputs(
            operating=_uses(OPERATING, document, (chain, *(state.chain for state in states))),
            maintenance=_uses(MAINTENANCE, document, (chain,)),
        ),
    )


def _uses(group: Mapping[str, Variable], document: PolicyDocument, chains: Sequence[Chain]) -> bool:
    """Whether a version uses one of some names."""
    claims = [claim for each in document.properties for claim in (each.always, each.never) if claim is not None]
    raised = [each.monotone.variable for each in document.properties if each.monotone is not None]
    return (
        any(name in group for chain in chains for name in chain.names)
        or any(name in claim.when for claim in claims for name in group)
        or any(name in group for name in raised)
    )


def judge(policy: CompiledPolicy, memory: Memory, anomaly: Anomaly, context: Context) -> tuple[Verdict, Memory]:
    """The verdict of a policy version on an anomaly, and the memory after it.

    Pure: the same arguments give the same result, and none of them is changed. Total: every anomaly gets a verdict,
    because the last rule is always true and a condition that cannot be evaluated is false. Conditions read the
    memory that includes this anomaly.
    """
    observed, values = look(policy, memory, anomaly, context)
    verdict = verdict_on(policy, values)
    if verdict.rung.orders:
        observed = order(observed, anomaly.at, policy.document.memory.rearm)
    return verdict, observed


def verdict_on(policy: CompiledPolicy, values: Mapping[str, Value]) -> Verdict:
    """The verdict of the first rule that is true for the values of `look`."""
    return policy.rules[policy.chain.first(values)].verdict


def look(
    policy: CompiledPolicy, memory: Memory, anomaly: Anomaly, context: Context
) -> tuple[Memory, Mapping[str, Value]]:
    """The memory that includes the anomaly, and the value of each name that the policy's conditions use."""
    terms = policy.document.memory
    observed = observe(memory, anomaly, terms.window, terms.evidence_above)
    if policy.states:
        observed = _follow(policy, observed, anomaly, context)
    facts = facts_of(policy.document, anomaly, context, observed, memory)
    return observed, {name: read(facts) for name, read in policy.readers}


def facts_of(document: PolicyDocument, anomaly: Anomaly, context: Context, memory: Memory, before: Memory) -> Facts:
    """The inputs of a judgement under the terms of a version."""
    stale_after = document.operating.stale_after
    return Facts(anomaly, context, memory, before, document.memory.window, stale_after, document.maintenance)


def _follow(policy: CompiledPolicy, memory: Memory, anomaly: Anomaly, context: Context) -> Memory:
    """The memory after updating the states of which the anomaly is an observation."""
    if anomaly.quality is not Quality.GOOD:
        return memory
    window = policy.document.memory.window
    facts = facts_of(policy.document, anomaly, context, memory, memory)
    states = dict(memory.states)
    for state in policy.states:
        values = {name: read(facts) for name, read in state.readers}
        observed, raising, *clearing = (state.chain.answer(place, values).held for place in range(_questions(state)))
        if observed:
            before = states.get(state.terms.id, FollowedState())
            cleared = clearing[0] if clearing else not raising
            states[state.terms.id] = observe_state(before, state.terms, anomaly.at, raising, cleared, window)
    return memory.model_copy(update={"states": states})


def _questions(state: CompiledState) -> int:
    return len(state.chain.conditions)


def _states(
    document: PolicyDocument, names: Vocabulary, source: PolicyText, problems: list[TextRejected]
) -> Iterator[CompiledState]:
    for position, state in enumerate(document.states):
        asked = {"observe": state.observe, "raise_when": state.raise_when, "clear_when": state.clear_when}
        texts = [(("states", position, name), text) for name, text in asked.items() if text is not None]
        conditions = list(_conditions(names.observing, texts, source, problems))
        if len(conditions) == len(texts):
            chain = Chain(names.observing, conditions)
            yield CompiledState(state, chain, tuple((name, names.readers[name]) for name in chain.names))


def _whens(field: str, rules: Sequence[TimingRule]) -> list[tuple[Path, str]]:
    return [((field, position, "when"), rule.when) for position, rule in enumerate(rules)]


def _unpriced(document: PolicyDocument) -> list[tuple[Path, str]]:
    declared = document.prices.unpriced if document.prices is not None else ()
    return [(("prices", "unpriced", position, "when"), each.when) for position, each in enumerate(declared)]


def _named_amounts(document: PolicyDocument) -> list[str]:
    """The parameters that are amounts of the prices."""
    amounts = document.prices.amounts().values() if document.prices is not None else ()
    return [amount for amount in amounts if isinstance(amount, str)]


def _own_conditions(
    document: PolicyDocument,
    names: Vocabulary,
    written: Sequence[WrittenRule],
    source: PolicyText,
    problems: list[TextRejected],
) -> Iterator[Condition]:
    """The conditions of the rules as they are evaluated, after each was checked as its author wrote it."""
    texts: list[tuple[Path, str]] = [
        (("rules", position, "when"), entry.when) for position, entry in enumerate(document.rules)
    ]
    texts += [
        (("overrides", place, "rules", position, "when"), rule.when)
        for place, override in enumerate(document.overrides)
        for position, rule in enumerate(override.rules)
        if rule.when is not None
    ]
    if len(list(_conditions(names.rules, texts, source, problems))) < len(texts):
        return
    for rule in written:
        try:
            yield names.rules.condition(rule.when, COMPOSED)
        except ConditionRejected as error:
            problems.append(source.rejected(rule.path, error.problem, fix=error.fix))


def _conditions(
    environment: Environment,
    texts: Sequence[tuple[Path, str]],
    source: PolicyText,
    problems: list[TextRejected],
) -> Iterator[Condition]:
    for path, text in texts:
        try:
            yield environment.condition(text)
        except ConditionRejected as error:
            problems.append(source.rejected(path, error.problem, fix=error.fix, offset=error.offset))


def _too_much(conditions: Sequence[Condition], source: PolicyText) -> Iterator[TextRejected]:
    if len(conditions) > MAX_WRITTEN:
        problem = f"come to {len(conditions)} when tables and overrides are written out; {MAX_WRITTEN} are allowed"
        yield source.rejected(("rules",), problem, fix="split the policy by class of asset")
    parts = sum(1 for condition in conditions for _ in condition.node.walk())
    if parts > MAX_ASKED:
        problem = f"have {parts} parts in all their conditions; {MAX_ASKED} are allowed"
        yield source.rejected(("rules",), problem, fix="split the policy by class of asset")


def _outside(document: PolicyDocument, source: PolicyText, problems: list[TextRejected]) -> list[Condition]:
    """The condition of the first guard: that the policy does not cover the asset."""
    try:
        ASSETS.condition(document.applies_to)
        return [ASSETS.condition(f"!({document.applies_to})")]
    except ConditionRejected as error:
        problems.append(source.rejected(("applies_to",), error.problem, fix=error.fix, offset=error.offset))
        return []


def _scope_faults(document: PolicyDocument, source: PolicyText) -> Iterator[TextRejected]:
    """The problems in the conditions of cohorts, and in the scopes that use them."""
    faults: list[TextRejected] = []
    cohorts: list[tuple[Path, str]] = [
        (("cohorts", position, "when"), cohort.when) for position, cohort in enumerate(document.cohorts)
    ]
    if len(list(_conditions(ASSETS, cohorts, source, faults))) < len(cohorts):
        yield from faults
        return
    scopes: list[tuple[Path, Scope]] = [
        *((("overrides", place, "for"), override.scope) for place, override in enumerate(document.overrides)),
        *((("waivers", place, "for"), waiver.scope) for place, waiver in enumerate(document.waivers)),
    ]
    for path, scope in scopes:
        try:
            ASSETS.condition(scope_condition(scope, document.cohorts), COMPOSED)
        except ConditionRejected as error:
            yield source.rejected(path, error.problem, fix="use fewer or shorter cohorts")


def _guards(document: PolicyDocument, conditions: Sequence[Condition]) -> tuple[Rule, Rule]:
    outside, bad = (condition.text for condition in conditions)
    return (
        Rule(
            id=APPLIES_TO,
            when=outside,
            then=Action(rung=Rung.IGNORE),
            because=f"The policy {document.policy} does not cover this asset.",
            response="None from this policy.",
        ),
        Rule(
            id=BAD_QUALITY,
            when=bad,
            then=Action(rung=document.quality.on_bad),
            because=document.quality.because,
            response=document.quality.response,
        ),
    )


def _compiled(rule: Rule | WrittenRule, document: PolicyDocument, digest: str) -> CompiledRule:
    verdict = Verdict(
        policy=document.policy,
        version=document.version,
        digest=digest,
        rule=rule.id,
        rung=rule.then.rung,
        severity=rule.then.severity,
        priority=rule.then.priority,
        review=rule.then.review,
        due_within=rule.then.due_within,
    )
    return CompiledRule(rule.id, rule.when, rule.because, rule.response, verdict)
