"""The names that one policy's conditions may use: the common ones, and its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.verdict import Context
from policies.language.calendars import within
from policies.language.expressions import Environment
from policies.language.inheritance import Parameter, parameter_reader, parameters
from policies.language.schema import Calendar, PolicyDocument, Waiver
from policies.language.states import state_readers, state_variables
from policies.language.variables import (
    ANOMALY,
    ASSET,
    OPERATING,
    RULE_READERS,
    RULE_VARIABLES,
    TIMING_VARIABLES,
    Facts,
    Value,
    Variable,
)

_RULES = Environment(RULE_VARIABLES)
_TIMING = Environment(TIMING_VARIABLES)
_TYPES: Mapping[type, str] = {bool: "BOOL", int: "INT", float: "DOUBLE", str: "STRING"}


@dataclass(frozen=True)
class Vocabulary:
    """Environments for the conditions of a policy, and the readers of its own names.

    `observing` is the environment of a state's conditions; it uses the readers of rules. Timing rules have the asset
    and a time, but no anomaly: `timing_readers` reads a policy's own names from these.
    """

    parameters: tuple[Parameter, ...]
    rules: Environment
    observing: Environment
    timing: Environment
    readers: Mapping[str, Callable[[Facts], Value]]
    timing_readers: Mapping[str, Callable[[Context, datetime], Value]] = field(default_factory=dict)
    own: Mapping[str, Variable] = field(default_factory=dict)

    def variable(self, name: str) -> Variable | None:
        """The variable with this name in a rule's condition."""
        return self.own.get(name) or RULE_VARIABLES.get(name)


def vocabulary(document: PolicyDocument) -> Vocabulary:
    """The names of a document."""
    held = parameters(document)
    asset_readers = {f"param.{each.name}": parameter_reader(each) for each in held}
    moment_readers = {
        **{f"calendar.{each.id}": _calendar_reader(each) for each in document.calendars},
        **{f"waiver.{each.id}": _waiver_reader(each) for each in document.waivers},
    }
    shared: Mapping[str, Variable] = {
        **{f"param.{each.name}": Variable(_TYPES[type(each.default)], "a parameter of the policy") for each in held},
        **{f"calendar.{each.id}": Variable("BOOL", "whether it is within these hours") for each in document.calendars},
    }
    own = {
        **shared,
        **{f"waiver.{each.id}": Variable("BOOL", "whether this waiver still holds") for each in document.waivers},
    }
    for state in document.states:
        own.update(state_variables(state))
    if not own:
        return Vocabulary((), _RULES, _RULES, _TIMING, RULE_READERS)
    readers: dict[str, Callable[[Facts], Value]] = dict(RULE_READERS)
    readers.update({name: _of_asset(read) for name, read in asset_readers.items()})
    readers.update({name: _of_moment(read) for name, read in moment_readers.items()})
    for state in document.states:
        readers.update(state_readers(state.id))
    return Vocabulary(
        parameters=held,
        rules=Environment({**RULE_VARIABLES, **own}),
        observing=Environment({**ASSET, **ANOMALY, **OPERATING, **shared}),
        timing=Environment({**TIMING_VARIABLES, **shared}),
        readers=readers,
        timing_readers={
            **{name: _in_timing(read) for name, read in asset_readers.items()},
            **{name: _at_instant(read) for name, read in moment_readers.items()},
        },
        own=own,
    )


def _of_asset(read: Callable[[Context], Value]) -> Callable[[Facts], Value]:
    return lambda facts: read(facts.context)


def _of_moment(read: Callable[[datetime], Value]) -> Callable[[Facts], Value]:
    return lambda facts: read(facts.anomaly.at)


def _in_timing(read: Callable[[Context], Value]) -> Callable[[Context, datetime], Value]:
    return lambda context, _: read(context)


def _at_instant(read: Callable[[datetime], Value]) -> Callable[[Context, datetime], Value]:
    return lambda _, now: read(now)


def _calendar_reader(calendar: Calendar) -> Callable[[datetime], Value]:
    return lambda at: within(calendar, at)


def _waiver_reader(waiver: Waiver) -> Callable[[datetime], Value]:
    return lambda at: at < waiver.until
