"""Axioms for a policy's own names: parameters, calendars, waivers and states."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import z3

from domain.maintenance_history import MOST_WORK
from domain.operating import MachineState
from domain.verdict import Context, Verdict
from policies.engine.judging import CompiledPolicy, CompiledState
from policies.language.grammar import COMPOSED
from policies.language.inheritance import ASSETS, Parameter
from policies.language.states import STATE
from policies.language.variables import MAINTENANCE, NEVER, OPERATING, RULE_VARIABLES, Value, Variable
from policies.proof.translation import NotTranslated, Translation, literal

Terms = Mapping[str, "z3.ExprRef"]

_OF_MOMENT = ("calendar.", "waiver.")
_OF_MANY_EVENTS = ("anomaly.kind", "anomaly.quality")
_HOUR = timedelta(hours=1)
_WEEK = 7 * 24
_MINUTE = timedelta(minutes=1)


def variables_of(policy: CompiledPolicy) -> Mapping[str, Variable]:
    """Every name that the conditions of a version's rules may use; those of the operating state and of the work on the
    asset only if it uses them, because each further name makes a search longer."""
    unused = {
        *(() if policy.read_inputs.operating else OPERATING),
        *(() if policy.read_inputs.maintenance else MAINTENANCE),
    }
    common = {name: variable for name, variable in RULE_VARIABLES.items() if name not in unused}
    return {**common, **policy.names.own}


def operating_axioms(terms: Terms, policy: CompiledPolicy) -> Iterator[tuple[str, "z3.BoolRef"]]:
    """The axioms for what a machine does, in words and as terms; none if the version does not use it."""
    if not policy.read_inputs.operating:
        return
    known, state, steady, mode, recipe, speed, age = (terms[name] for name in OPERATING)
    zero, empty = literal(0.0), literal("")
    running, unknown = literal(MachineState.RUNNING.value), literal(MachineState.UNKNOWN.value)
    yield "a machine is known if its state is not unknown", known == (state != unknown)
    nothing = z3.And(z3.fpEQ(steady, zero), mode == empty, recipe == empty, z3.fpEQ(speed, zero))
    yield "of a machine that is not known nothing is said", z3.Or(known, nothing)
    fresh = z3.fpLEQ(age, literal(policy.document.operating.stale_after / _MINUTE))
    yield "what is known is not stale", z3.Implies(known, fresh)
    yield "a reading is of no later time, or there is none", z3.And(z3.fpGEQ(age, zero), z3.fpLEQ(age, literal(NEVER)))
    yield "a machine runs for no negative time", z3.fpGEQ(steady, zero)
    yield "only a machine that runs is steady", z3.Or(state == running, z3.fpEQ(steady, zero))


def maintenance_axioms(terms: Terms, policy: CompiledPolicy) -> Iterator[tuple[str, "z3.BoolRef"]]:
    """The axioms for the work on the asset, in words and as terms; none if the version does not use it."""
    if not policy.read_inputs.maintenance:
        return
    known, work, same, breakdowns, age = (terms[name] for name in MAINTENANCE)
    zero, never, of = literal(0.0), literal(NEVER), policy.document.maintenance
    nothing = z3.And(z3.fpEQ(work, never), z3.fpEQ(same, never), breakdowns == 0)
    yield "of work that is not known nothing is said", z3.Or(known, nothing)
    fresh = z3.fpLEQ(age, literal(of.stale_after / _MINUTE))
    yield "what is known of the work is not stale", z3.Implies(known, fresh)
    asked = z3.And(z3.fpGEQ(age, zero), z3.fpLEQ(age, never))
    yield "the CMMS was asked at no later time, or never", asked
    yield "work was done at no later time, or never", z3.And(z3.fpGEQ(work, zero), z3.fpLEQ(work, never))
    later = z3.And(z3.fpGEQ(same, work), z3.fpLEQ(same, never))
    yield "work on the same fault is work, or there is none", later
    yield "breakdowns are counted up to the bound of the history", z3.And(breakdowns >= 0, breakdowns <= MOST_WORK)
    within = z3.fpLEQ(work, literal(of.window / _HOUR))
    yield "a breakdown is work within the window", z3.Implies(breakdowns >= 1, within)


def own_axioms(terms: Terms, policy: CompiledPolicy) -> Iterator[tuple[str, "z3.BoolRef"]]:
    """The axioms for a version's own names, in words and as terms."""
    for parameter in policy.names.parameters:
        name = f"param.{parameter.name}"
        yield f"{name} is what it is for the asset", terms[name] == _parameter(parameter, terms)
    for waiver in policy.document.waivers:
        for other in policy.document.waivers:
            if waiver.until < other.until:
                claim = z3.Implies(terms[f"waiver.{waiver.id}"], terms[f"waiver.{other.id}"])
                yield f"waiver {waiver.id} ends before {other.id}", claim
    for state in policy.states:
        named = {name: terms[f"state.{state.terms.id}.{name}"] for name in STATE}
        zero, one_ = literal(0.0), literal(1.0)
        observed, met, minutes, chatter = (named[name] for name in ("observed", "met", "minutes", "chatter"))
        counted = z3.And(observed >= 0, observed <= state.terms.of, observed <= terms["memory.seen"])
        yield f"state {state.terms.id} remembers so many observations", counted
        yield f"state {state.terms.id} was met at most as often", z3.And(met >= 0, met <= observed)
        raised = named["raised"]
        yield f"state {state.terms.id} is raised by an observation", z3.Implies(raised, observed >= 1)
        since = z3.And(z3.fpGEQ(minutes, zero), z3.Or(raised, z3.fpEQ(minutes, zero)))
        yield f"state {state.terms.id} has minutes while it is raised", since
        yield f"state {state.terms.id} chatters by a share", z3.And(z3.fpGEQ(chatter, zero), z3.fpLEQ(chatter, one_))
        yield from _observed_now(state, terms)


def _observed_now(state: CompiledState, terms: Terms) -> Iterator[tuple[str, "z3.BoolRef"]]:
    """The effect of an anomaly that is an observation on a state without a delay."""
    translation = Translation(terms)
    try:
        observed, raising, *clearing = (translation.condition(condition) for condition in state.chain.conditions)
    except NotTranslated:
        return  # A state that cannot be translated may have any value.
    seen = z3.And(terms["anomaly.quality"] == literal("good"), observed)
    cleared = clearing[0] if clearing else z3.Not(raising)
    raised = terms[f"state.{state.terms.id}.raised"]
    if state.terms.off_delay is None:
        claim = z3.Implies(z3.And(seen, cleared, z3.Not(raising)), z3.Not(raised))
        yield f"state {state.terms.id} is cleared at once", claim
    if state.terms.on_delay is None:
        yield f"state {state.terms.id} is raised at once", z3.Implies(z3.And(seen, raising, z3.Not(cleared)), raised)


def _parameter(parameter: Parameter, terms: Terms) -> "z3.ExprRef":
    translation = Translation(terms)
    value = literal(parameter.default)
    for choice in reversed(parameter.choices):
        value = z3.If(translation.condition(ASSETS.condition(choice.when, COMPOSED)), literal(choice.value), value)
    return value


def moved_along(policy: CompiledPolicy, name: str) -> set[str]:
    """The policy's own names that may change when one name changes, at the same time."""
    if name.startswith("memory."):
        return {own for own in policy.names.own if own.startswith("state.")}
    moved: set[str] = set()
    if name.startswith("asset."):
        moved.update(own for own in policy.names.own if own.startswith("param."))
    for state in policy.states:
        asked = set(state.chain.names)
        if name in _OF_MANY_EVENTS or name in asked or moved & asked:
            moved.update(f"state.{state.terms.id}.{each}" for each in STATE)
    return moved


def shared(policy: CompiledPolicy, other: CompiledPolicy) -> set[str]:
    """The own names with the same meaning in two versions, so that they always have the same value."""
    mine, theirs = policy.document, other.document
    calendars = {each.id: each for each in theirs.calendars}
    waivers = {each.id: each.until for each in theirs.waivers}
    parameters = {each.name: _meaning(each) for each in other.names.parameters}
    names = {f"calendar.{each.id}" for each in mine.calendars if calendars.get(each.id) == each}
    names |= {f"waiver.{each.id}" for each in mine.waivers if waivers.get(each.id) == each.until}
    names |= {f"param.{each.name}" for each in policy.names.parameters if parameters.get(each.name) == _meaning(each)}
    states = {each.terms.id: each for each in other.states}
    for state in policy.states:
        twin = states.get(state.terms.id)
        if twin is not None and mine.memory.window == theirs.memory.window and _alike(state, twin, names):
            names |= {f"state.{state.terms.id}.{each}" for each in STATE}
    return names


def _meaning(parameter: Parameter) -> tuple[object, ...]:
    return (parameter.default, *((choice.when, choice.value) for choice in parameter.choices))


def _alike(state: CompiledState, twin: CompiledState, same: set[str]) -> bool:
    terms = state.terms.model_copy(update={"says": twin.terms.says})
    return terms == twin.terms and all(name in RULE_VARIABLES or name in same for name in state.chain.names)


def given_by(terms: Terms, verdict: Verdict) -> "z3.BoolRef":
    """The term that a verdict is this one, for the names of timing rules."""
    return z3.And(
        terms["verdict.severity"] == literal(verdict.severity.value),
        terms["verdict.rung"] == literal(verdict.rung.word),
        terms["verdict.priority"] == verdict.priority,
    )


def moment(policy: CompiledPolicy, values: Mapping[str, Value], context: Context, now: datetime) -> datetime:
    """A time with the wanted values of calendars and waivers, within a week of `now` or of a waiver's end; else
    `now`."""
    wanted = {name: value for name, value in values.items() if name.startswith(_OF_MOMENT)}
    begins = [now, *(edge for each in policy.document.waivers for edge in (each.until - _WEEK * _HOUR, each.until))]
    for begin in begins:
        for hours in range(_WEEK if wanted else 1):
            at = begin + hours * _HOUR
            if all(policy.names.timing_readers[name](context, at) == value for name, value in wanted.items()):
                return at
    return now
