"""A version for one asset: its parameters, the rules that apply to it, and the reasons for differences."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from domain.hold_proposals import HoldTerms
from domain.model import Model, Moment
from domain.return_to_normal import NormalTerms
from domain.verdict import Context
from policies.engine.judging import CompiledPolicy
from policies.language.expanded_rules import WrittenRule
from policies.language.expressions import Chain
from policies.language.fields import Scalar
from policies.language.grammar import COMPOSED
from policies.language.inheritance import ASSETS, asset_values, most_particular_first, scope_condition, spoken
from policies.language.schema import Override, Scope, Waiver

RuleStatus = Literal["holds", "off", "replaced", "waived"]


class EffectiveParameter(Model):
    """A parameter's value for the asset, and the scope that set it: `all` without an override."""

    name: str
    value: Scalar
    given_by: str
    because: str | None = None


class EffectiveRule(Model):
    """A rule and its state for the asset; `by` is the scope of the override or the name of the waiver."""

    rule: str
    when: str
    rung: str
    standing: RuleStatus
    by: str | None = None
    because: str | None = None


class EffectiveWaiver(Model):
    """A waiver for this asset, and whether it is still in effect."""

    waiver: str
    rules: tuple[str, ...]
    owner: str
    reason: str
    until: Moment
    holds: bool


class EffectivePolicy(Model):
    """A version for one asset at an instant; `covered` is whether `applies_to` is true."""

    policy: str
    version: str
    digest: str
    asset: str
    at: Moment
    covered: bool
    cohort: str | None
    parameters: tuple[EffectiveParameter, ...]
    rules: tuple[EffectiveRule, ...]
    waivers: tuple[EffectiveWaiver, ...]
    machine: str
    releases_unattended: bool
    """Whether a hold on the machine is released without a statement of a person of production."""
    hold: HoldTerms
    """Whether production is asked before a hold, and how long it has to answer."""
    normal: NormalTerms | None
    """When a fault has returned to normal; None if the version does not say it."""


def effective(policy: CompiledPolicy, context: Context, at: datetime) -> EffectivePolicy:
    """A version for an asset at an instant. Pure.

    Args:
        policy: the version.
        context: the asset.
        at: the event time for the waivers.
    """
    document = policy.document
    overrides = [each for each in most_particular_first(document.overrides) if _within(policy, each.scope, context)]
    waivers = [each for each in document.waivers if _within(policy, each.scope, context)]
    return EffectivePolicy(
        policy=document.policy,
        version=document.version,
        digest=policy.digest,
        asset=context.asset,
        at=at,
        covered=_holds(document.applies_to, context),
        cohort=next((each.id for each in document.cohorts if _holds(each.when, context)), None),
        parameters=tuple(_parameters(policy, overrides)),
        rules=tuple(_rules(policy, overrides, [each for each in waivers if at < each.until])),
        waivers=tuple(
            EffectiveWaiver(
                waiver=each.id,
                rules=each.rules,
                owner=each.owner,
                reason=each.reason,
                until=each.until,
                holds=at < each.until,
            )
            for each in waivers
        ),
        machine=context.machine,
        releases_unattended=context.machine in document.holds.release_unattended,
        hold=document.holds.terms_of(context.asset_class),
        normal=document.normal_terms(context.asset_class),
    )


def _holds(condition: str, context: Context) -> bool:
    return Chain(ASSETS, [ASSETS.condition(condition, COMPOSED)]).answer(0, asset_values(context)).held


def _within(policy: CompiledPolicy, scope: Scope, context: Context) -> bool:
    return _holds(scope_condition(scope, policy.document.cohorts), context)


def _parameters(policy: CompiledPolicy, overrides: Sequence[Override]) -> Iterator[EffectiveParameter]:
    for name, default in policy.document.parameters.items():
        giver = next((each for each in overrides if name in each.parameters), None)
        if giver is None:
            yield EffectiveParameter(name=name, value=default, given_by="all")
        else:
            value, scope = giver.parameters[name], spoken(giver.scope)
            yield EffectiveParameter(name=name, value=value, given_by=scope, because=giver.because)


def _rules(policy: CompiledPolicy, overrides: Sequence[Override], waivers: Sequence[Waiver]) -> Iterator[EffectiveRule]:
    """The rules in the order of evaluation, without replacement rules for other assets."""
    chosen = {rule: override for override in reversed(overrides) for rule in _touched(override)}
    for rule in policy.written:
        if rule.replaces is not None:
            override = policy.document.overrides[rule.override or 0]
            if chosen.get(rule.replaces) is override:
                yield _standing(rule, waivers, by=spoken(override.scope), because=override.because)
            continue
        touched_by = chosen.get(rule.id)
        if touched_by is None:
            yield _standing(rule, waivers)
            continue
        how: RuleStatus = "off" if rule.id in touched_by.off else "replaced"
        yield _told(rule, how, by=spoken(touched_by.scope), because=touched_by.because)


def _touched(override: Override) -> list[str]:
    return [*override.off, *(rule.replaces for rule in override.rules)]


def _standing(
    rule: WrittenRule, waivers: Sequence[Waiver], by: str | None = None, because: str | None = None
) -> EffectiveRule:
    waiver = next((each for each in waivers if rule.id in each.rules), None)
    if waiver is not None:
        return _told(rule, "waived", by=waiver.id, because=waiver.reason)
    return _told(rule, "holds", by=by, because=because)


def _told(rule: WrittenRule, standing: RuleStatus, by: str | None, because: str | None) -> EffectiveRule:
    return EffectiveRule(
        rule=rule.id, when=rule.written, rung=rule.then.rung.word, standing=standing, by=by, because=because
    )
