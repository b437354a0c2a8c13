"""The one judging function, for live, shadow, backtest and audit alike: pure and total."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.anomaly import Anomaly
from domain.verdict import Context, Memory, Rung, Verdict
from policies.document import document_digest, read_document
from policies.expressions import Chain, Condition, Environment
from policies.grammar import ConditionRejected
from policies.memory import observe, order
from policies.schema import APPLIES_TO, BAD_QUALITY, Action, PolicyDocument, Rule, TimingRule
from policies.text import Path, PolicyText, TextRejected, reject_all
from policies.variables import ASSET, RULE_READERS, RULE_VARIABLES, TIMING_VARIABLES, Facts, Value

_ASSETS = Environment(ASSET)
_RULES = Environment(RULE_VARIABLES)
_TIMING = Environment(TIMING_VARIABLES)


@dataclass(frozen=True)
class CompiledRule:
    """A rule with the verdict it gives: one frozen value, shared by all anomalies it decides."""

    id: str
    when: str
    because: str
    response: str
    verdict: Verdict


@dataclass(frozen=True)
class CompiledPolicy:
    """A policy version, ready to judge. The two guards that every version has stand before its own rules."""

    document: PolicyDocument
    text: str
    digest: str
    rules: tuple[CompiledRule, ...]
    chain: Chain
    readers: tuple[tuple[str, Callable[[Facts], Value]], ...]
    timing: Chain


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
    own = list(_conditions(_RULES, _whens("rules", document.rules), source, problems))
    timing = list(_conditions(_TIMING, _whens("timing", document.timing), source, problems))
    reject_all(problems)
    guards = [*outside, _RULES.condition("anomaly.quality == 'bad'")]
    chain = Chain(_RULES, [*guards, *own])
    return CompiledPolicy(
        document=document,
        text=text,
        digest=digest,
        rules=tuple(_compiled(rule, document, digest) for rule in (*_guards(document, guards), *document.rules)),
        chain=chain,
        readers=tuple((name, RULE_READERS[name]) for name in chain.names),
        timing=Chain(_TIMING, timing),
    )


def judge(policy: CompiledPolicy, memory: Memory, anomaly: Anomaly, context: Context) -> tuple[Verdict, Memory]:
    """What a policy version says of an anomaly, and the memory after it.

    Pure: the same arguments give the same result, and none of them is changed. Total: every anomaly gets a verdict,
    because the last rule always holds and a condition that cannot be evaluated counts as not met. Conditions see the
    memory with this anomaly in it.
    """
    observed, values = look(policy, memory, anomaly, context)
    verdict = policy.rules[policy.chain.first(values)].verdict
    if verdict.rung.orders:
        observed = order(observed, anomaly.at, policy.document.memory.rearm)
    return verdict, observed


def look(
    policy: CompiledPolicy, memory: Memory, anomaly: Anomaly, context: Context
) -> tuple[Memory, Mapping[str, Value]]:
    """The memory with the anomaly in it, and the value of each name that the policy's conditions ask for."""
    terms = policy.document.memory
    observed = observe(memory, anomaly, terms.window, terms.evidence_above)
    facts = Facts(anomaly, context, observed, memory, terms.window)
    return observed, {name: read(facts) for name, read in policy.readers}


def _whens(field: str, rules: Sequence[Rule | TimingRule]) -> list[tuple[Path, str]]:
    return [((field, position, "when"), rule.when) for position, rule in enumerate(rules)]


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


def _outside(document: PolicyDocument, source: PolicyText, problems: list[TextRejected]) -> list[Condition]:
    """The condition of the first guard: that the policy does not cover the asset."""
    try:
        _ASSETS.condition(document.applies_to)
        return [_ASSETS.condition(f"!({document.applies_to})")]
    except ConditionRejected as error:
        problems.append(source.rejected(("applies_to",), error.problem, fix=error.fix, offset=error.offset))
        return []


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


def _compiled(rule: Rule, document: PolicyDocument, digest: str) -> CompiledRule:
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
