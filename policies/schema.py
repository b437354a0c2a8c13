"""The shape of a policy document (design §5): what may be written and what it means."""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictFloat, StrictInt, StrictStr
from pydantic_core import PydanticCustomError

from domain.model import Model
from domain.verdict import Rung, Severity, Urgency

MAX_RULES = 200
APPLIES_TO = "applies-to"
BAD_QUALITY = "bad-quality"
UNCONDITIONAL = "true"
IDENTIFIER = r"^[a-z][a-z0-9-]{0,63}$"
SEMVER = r"^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$"
YAML_FILE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.yaml$"

_DURATION = re.compile(r"(-)?P(?=.)(?:([0-9]{1,5})D)?(?:T(?=.)(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,7})S)?)?")
_LONGEST = timedelta(days=366)
_DURATION_FIX = "write an ISO 8601 duration such as PT24H or P2D"


def parse_duration(value: object) -> timedelta:
    """An ISO 8601 duration of days, hours, minutes and seconds, at most 366 days; a minus sign may lead.

    Years and months are refused, because their length depends on when they begin.
    """
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("duration", "{value} is no duration", {"value": repr(value), "fix": _DURATION_FIX})
    sign, days, hours, minutes, seconds = found.groups(default="0")
    length = timedelta(days=int(days), hours=int(hours), minutes=int(minutes), seconds=int(seconds))
    if length > _LONGEST:
        raise PydanticCustomError("duration", "{value} is longer than 366 days", {"value": value, "fix": "shorten it"})
    return -length if sign == "-" else length


def _positive_duration(value: object) -> timedelta:
    length = parse_duration(value)
    if length <= timedelta(0):
        raise PydanticCustomError("duration", "must be longer than nothing", {"fix": _DURATION_FIX})
    return length


def parse_rung(value: object) -> Rung:
    """A rung of the ladder from its word."""
    if isinstance(value, Rung):
        return value
    words = [rung.word for rung in Rung]
    if value not in words:
        raise PydanticCustomError(
            "rung", "{value} is no rung", {"value": repr(value), "fix": f"one of {', '.join(words)}"}
        )
    return Rung[str(value).upper()]


def _one_line(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else value


def _stripped(value: object) -> object:
    if value is True:
        return UNCONDITIONAL  # YAML reads a bare true as a truth and not as the condition that it is
    return value.strip() if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_positive_duration)]
RungWord = Annotated[Rung, BeforeValidator(parse_rung)]
Words = Annotated[StrictStr, BeforeValidator(_one_line), Field(min_length=1, max_length=1000)]
"""A sentence for people; line breaks of the document are no part of it."""
Condition = Annotated[StrictStr, BeforeValidator(_stripped), Field(min_length=1)]
"""A condition in the language of `policies.grammar`."""
Identifier = Annotated[StrictStr, Field(pattern=IDENTIFIER)]
Semver = Annotated[StrictStr, Field(pattern=SEMVER)]
CasesFile = Annotated[StrictStr, Field(pattern=YAML_FILE)]
Threshold = Annotated[StrictFloat | StrictInt, Field(ge=0)]


class MemoryTerms(Model):
    """What judging remembers, in event time.

    `window` is how long evidence counts, `lateness` how late an event may come and still be judged in its place,
    `rearm` how long after an ordering verdict the next one still belongs to the same episode, `evidence_above` the
    score a deviation must exceed to count as evidence at all.
    """

    window: Duration
    lateness: Duration
    rearm: Duration
    evidence_above: Threshold


class QualityTerms(Model):
    """What a signal of bad quality leads to: at most an inspection, never a repair order."""

    on_bad: RungWord
    because: Words
    response: Words


class CostTerms(Model):
    """What a stop costs, in lost production time: an unplanned failure, and breaking off a running job."""

    failure: Duration
    interruption: Duration


class Action(Model):
    """What a rule asks for. `due_within` counts from the verdict."""

    rung: RungWord
    severity: Severity = Severity.S4
    priority: Annotated[StrictInt, Field(ge=1, le=4)] = 4
    due_within: Duration | None = None
    review: Literal["none", "planner"] = "none"


class Rule(Model):
    """One rule: the first whose condition holds decides. ISA-18.2 allows no alarm without a response."""

    id: Identifier
    when: Condition
    then: Action
    because: Words
    response: Words


class TimingRule(Model):
    """One rule of when production lets the work happen; the first whose condition holds decides."""

    id: Identifier
    when: Condition
    urgency: Urgency
    because: Words


class Promotion(Model):
    """What must be measured before a class and failure mode may act without review."""

    precision_lower_bound: Annotated[StrictFloat, Field(gt=0, le=1)]
    confirmed: Annotated[StrictInt, Field(ge=1)]


class Autonomy(Model):
    """How far the policy may go without review, and how more is earned."""

    default: Literal["review", "automatic"]
    promote_at: Promotion


class PolicyDocument(Model):
    """A policy version as its author wrote it."""

    policy: Identifier
    version: Semver
    title: Words
    author: Words
    applies_to: Condition
    memory: MemoryTerms
    quality: QualityTerms
    rules: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=MAX_RULES)]
    timing: Annotated[tuple[TimingRule, ...], Field(min_length=1, max_length=MAX_RULES)]
    costs: CostTerms
    autonomy: Autonomy
    cases: CasesFile
