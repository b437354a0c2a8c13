"""Expressions in Google's CEL, compiled when the description is read.

CEL has no loops without a bound, no side effects and no way out of its values. An expression sees the values of its
place and nothing else; a secret is never among them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from cel_expr_python import cel

from connectors.cmms.rest.yaml_text import PlacedText
from connectors.json_reading import OddNumber
from domain.vendor_texts import storable

_CONFIG: Final = "extensions:\n- name: strings\n- name: optional\n- name: lists\n"
_UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
"""What stands for a character or a number that cannot be kept. No name may have it."""
_YEARS: Final = range(1970, 2200)
_LONGEST: Final = 2_000
_ERROR: Final = "ERROR"

TEXT: Final = ("STRING", "NULL")
FLAG: Final = ("BOOL",)
LIST: Final = ("LIST",)
TIME: Final = ("STRING", "TIMESTAMP", "NULL")
SPAN: Final = ("DURATION", "NULL")
ANY: Final = ()
"""The types that an expression may have; none means any."""


class RestExpressionFailed(ValueError):
    """An expression that gave an error, or a value of the wrong kind.

    Args:
        place: of the expression in the description.
        reason: why, for the person who maintains it.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


@cache
def _environment(variables: tuple[tuple[str, str], ...]) -> "cel.Env":
    config = cel.NewEnvConfigFromYaml(_CONFIG)
    return cel.NewEnv(config=config, variables={name: getattr(cel.Type, kind) for name, kind in variables})


@dataclass(frozen=True)
class RestExpression:
    """An expression that compiles.

    Args:
        text: as it is written.
        place: the dotted path in the description.
        variables: the names that it may use, with their types.
    """

    text: str
    place: str
    variables: tuple[tuple[str, str], ...]
    _compiled: "cel.Expression" = field(repr=False, compare=False)

    def value(self, given: Mapping[str, object]) -> object:
        """Its value as plain data.

        Args:
            given: values by name, already in the form of `cel_value`. Names that it does not know are left out.

        Raises:
            RestExpressionFailed: it gave an error, such as a field that is not there.
        """
        known = {name: given.get(name) for name, _ in self.variables}
        try:
            result = self._compiled.eval(_environment(self.variables).Activation(known))
            kind, value = result.type().name(), result.plain_value()
        except (RuntimeError, TypeError) as error:
            raise RestExpressionFailed(self.place, _first_line(str(error))) from None
        if kind == _ERROR:
            raise RestExpressionFailed(self.place, _first_line(str(value)))
        plain: object = value
        return plain

    def text_of(self, given: Mapping[str, object]) -> str | None:
        """A text; None if its value is null or empty. A whole number counts as its digits."""
        value = self.value(given)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is None or isinstance(value, str):
            return value or None
        raise self._wrong(value, "a text")

    def name_of(self, given: Mapping[str, object]) -> str | None:
        """A text that names something, so that nothing in it may be replaced."""
        name = self.text_of(given)
        if name is not None and _UNKNOWN in name:
            raise RestExpressionFailed(self.place, "has a character that no name can have")
        return name

    def texts_of(self, given: Mapping[str, object]) -> tuple[str, ...]:
        """A list of texts. A single text is a list of one."""
        value = self.value(given)
        values = value if isinstance(value, list) else [value]
        texts = [each for each in values if isinstance(each, str)]
        wrong = [each for each in values if each is not None and not isinstance(each, str)]
        if wrong:
            raise self._wrong(wrong[0], "a text or a list of texts")
        return tuple(each for each in texts if each)

    def items_of(self, given: Mapping[str, object]) -> list[object]:
        """A list."""
        value = self.value(given)
        if not isinstance(value, list):
            raise self._wrong(value, "a list")
        return value

    def is_true(self, given: Mapping[str, object]) -> bool:
        """Whether it is true."""
        value = self.value(given)
        if not isinstance(value, bool):
            raise self._wrong(value, "true or false")
        return value

    def moment_of(self, given: Mapping[str, object], zone: ZoneInfo) -> datetime | None:
        """A time; without an offset it is in the zone of the site."""
        value = self.value(given)
        if value is None or value == "":
            return None
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            raise self._wrong(value, "a time such as 2026-01-31T12:00:00Z") from None
        if not isinstance(moment, datetime) or moment.year not in _YEARS:
            raise self._wrong(value, "a time such as 2026-01-31T12:00:00Z")
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)

    def span_of(self, given: Mapping[str, object]) -> timedelta | None:
        """A length of time."""
        value = self.value(given)
        if value is not None and not isinstance(value, timedelta):
            raise self._wrong(value, "a duration")
        return value

    def _wrong(self, value: object, wanted: str) -> RestExpressionFailed:
        return RestExpressionFailed(self.place, f"is {str(value)[:80]!r}, not {wanted}")


def compiled(text: object, variables: tuple[tuple[str, str], ...], kinds: tuple[str, ...] = ANY) -> RestExpression:
    """An expression that may use these names.

    Raises:
        ValueError: it does not compile, uses another name, or never has one of the types.
    """
    if not isinstance(text, PlacedText):
        raise ValueError("must be an expression, written as a text")  # noqa: TRY004  # a validator raises ValueError
    if len(text) > _LONGEST:
        raise ValueError(f"has {len(text)} characters; at most {_LONGEST} are allowed")
    try:
        made = _environment(variables).compile(str(text))
    except RuntimeError as error:
        words = _first_line(str(error))
        names = ", ".join(name for name, _ in variables)
        raise ValueError(f"{words}; names here are {names}" if "undeclared" in words else words) from None
    kind = made.return_type().name()
    if kinds and kind != "DYN" and kind.partition("<")[0] not in kinds:
        raise ValueError(f"is always {kind}; it must be {' or '.join(kinds)}")
    return RestExpression(str(text), text.place, variables, made)


def cel_value(value: object) -> object:
    """Data of another system in the form that CEL can hold.

    CEL cuts a text at U+0000, and fails on an unpaired surrogate and on a number of more than 64 bits.
    """
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, OddNumber):
        return _UNKNOWN
    if isinstance(value, dict):
        return {storable(str(name)): cel_value(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [cel_value(each) for each in value]
    return value


def moment_text(moment: datetime | None, zone: ZoneInfo) -> str | None:
    """A time as expressions see it: its text in the zone of the site, with the offset.

    A system that takes times without an offset gets the first 19 characters.
    """
    return None if moment is None else moment.astimezone(zone).isoformat().replace("+00:00", "Z")


def is_damaged(text: str) -> bool:
    """Whether a character of it could not be kept."""
    return _UNKNOWN in text


def _first_line(message: str) -> str:
    line = message.splitlines()[0] if message else "it cannot be evaluated"
    return line.removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]").replace("ERROR: <input>:", "at ")
