"""The scopes of overrides and waivers (class, cohort, machine, asset) as conditions.

The narrower scope wins. Scopes are conditions on the asset, so overrides need no semantics of
their own: the code that explains and proves conditions also explains and proves overrides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from domain.verdict import Context
from policies.language.expressions import Chain, Environment
from policies.language.fields import UNCONDITIONAL
from policies.language.grammar import COMPOSED
from policies.language.schema import Cohort, Override, PolicyDocument, Scope
from policies.language.variables import ASSET, ASSET_READERS, Value

LEVELS = ("asset_class", "cohort", "machine", "asset")
"""The scopes, the widest first."""
_CACHED_ASSETS = 8_192
_PLACES = {"asset_class": "asset.class", "machine": "asset.machine", "asset": "asset.id"}
ASSETS = Environment(ASSET)
"""The names that a condition on the asset may use: in `applies_to` and in cohorts."""


@dataclass(frozen=True)
class Choice:
    """A parameter's value for some assets: those for which `when` is true and no earlier choice was."""

    when: str
    value: Value
    override: Override


@dataclass(frozen=True)
class Parameter:
    """A named value with its values for some assets, the narrowest scope first."""

    name: str
    default: Value
    choices: tuple[Choice, ...]


def level(scope: Scope) -> int:
    """The rank of a scope; a narrower scope has a higher rank. -1 if it names nothing."""
    return max((rank for rank, name in enumerate(LEVELS) if getattr(scope, name) is not None), default=-1)


def spoken(scope: Scope) -> str:
    """A scope in words: `class pump`."""
    name = LEVELS[level(scope)]
    return f"{name.removeprefix('asset_')} {getattr(scope, name)}"


def quoted(text: str) -> str:
    """A text as a literal of a condition. A text with both kinds of quotation mark, or a backslash, has no literal."""
    return f'"{text}"' if "'" in text else f"'{text}'"


def scope_condition(scope: Scope, cohorts: Sequence[Cohort]) -> str:
    """The condition that an asset is within a scope. An asset belongs to the first cohort whose condition is true."""
    name = LEVELS[level(scope)]
    if name != "cohort":
        return f"{_PLACES[name]} == {quoted(getattr(scope, name))}"
    position = next(place for place, cohort in enumerate(cohorts) if cohort.id == scope.cohort)
    earlier = [f"!({cohort.when})" for cohort in cohorts[:position]]
    return " && ".join([f"({cohorts[position].when})", *earlier])


def most_particular_first(overrides: Sequence[Override]) -> list[Override]:
    """Overrides in the order of evaluation: the narrowest scope first, of equal scopes the first written."""
    return sorted(overrides, key=lambda override: -level(override.scope))


def parameters(document: PolicyDocument) -> tuple[Parameter, ...]:
    """The parameters of a document with all their possible values."""
    ordered = most_particular_first(document.overrides)
    return tuple(
        Parameter(
            name,
            default,
            tuple(
                Choice(scope_condition(override.scope, document.cohorts), override.parameters[name], override)
                for override in ordered
                if name in override.parameters
            ),
        )
        for name, default in document.parameters.items()
    )


def asset_values(context: Context) -> dict[str, Value]:
    """The values that a condition on the asset may use."""
    return {name: read(context) for name, read in ASSET_READERS.items()}


def parameter_reader(parameter: Parameter) -> Callable[[Context], Value]:
    """The reader of a parameter. It is constant for an asset, so it is evaluated once."""
    if not parameter.choices:
        return lambda _: parameter.default
    scopes = Chain(
        ASSETS,
        [ASSETS.condition(when, COMPOSED) for when in (*(choice.when for choice in parameter.choices), UNCONDITIONAL)],
    )
    values = (*(choice.value for choice in parameter.choices), parameter.default)

    @lru_cache(maxsize=_CACHED_ASSETS)
    def read(context: Context) -> Value:
        return values[scopes.first(asset_values(context))]

    return read
