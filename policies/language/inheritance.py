"""From class over cohort and machine to the single asset: what an override or a waiver is for, as a condition.

The more particular scope wins. Scopes are written as conditions on the asset, so that overriding needs no semantics of
its own: what explains and proves conditions explains and proves an override.
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
"""The least particular first."""
_CACHED_ASSETS = 8_192
_PLACES = {"asset_class": "asset.class", "machine": "asset.machine", "asset": "asset.id"}
ASSETS = Environment(ASSET)
"""What a condition on the asset alone may ask: of `applies_to` and of cohorts."""


@dataclass(frozen=True)
class Choice:
    """A value that a parameter has for some assets: those for which `when` holds and no earlier choice did."""

    when: str
    value: Value
    override: Override


@dataclass(frozen=True)
class Parameter:
    """A named value with what it is for some assets, the most particular choice first."""

    name: str
    default: Value
    choices: tuple[Choice, ...]


def level(scope: Scope) -> int:
    """How particular a scope is, the higher the more; -1 where it names nothing."""
    return max((rank for rank, name in enumerate(LEVELS) if getattr(scope, name) is not None), default=-1)


def spoken(scope: Scope) -> str:
    """A scope in words: `class pump`."""
    name = LEVELS[level(scope)]
    return f"{name.removeprefix('asset_')} {getattr(scope, name)}"


def quoted(text: str) -> str:
    """A text as a condition writes it. What holds both kinds of quotation mark, or a backslash, cannot be written."""
    return f'"{text}"' if "'" in text else f"'{text}'"


def scope_condition(scope: Scope, cohorts: Sequence[Cohort]) -> str:
    """The condition that an asset is within a scope. An asset belongs to the first cohort whose condition holds."""
    name = LEVELS[level(scope)]
    if name != "cohort":
        return f"{_PLACES[name]} == {quoted(getattr(scope, name))}"
    position = next(place for place, cohort in enumerate(cohorts) if cohort.id == scope.cohort)
    earlier = [f"!({cohort.when})" for cohort in cohorts[:position]]
    return " && ".join([f"({cohorts[position].when})", *earlier])


def most_particular_first(overrides: Sequence[Override]) -> list[Override]:
    """Overrides as they are asked: the most particular scope first, of equals the first written."""
    return sorted(overrides, key=lambda override: -level(override.scope))


def parameters(document: PolicyDocument) -> tuple[Parameter, ...]:
    """The parameters of a document with all that they may be."""
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
    """What a condition on the asset alone may ask of it."""
    return {name: read(context) for name, read in ASSET_READERS.items()}


def parameter_reader(parameter: Parameter) -> Callable[[Context], Value]:
    """How a parameter is read: of an asset it is always the same, so it is asked once."""
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
