"""Our own event schemas, for models, adapters and persons that send directly to Millwright.

`millwright.anomaly.v1` is the CloudEvents `data` of a detector, `millwright.alarm.v1` that of a person.
They are models, so that the API can publish their schemas.
"""

from datetime import datetime, timedelta
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from domain.anomaly import UNKNOWN_MODE, Anomaly, AnomalyKind, Quality
from domain.assets import Asset, Level, Observable, ObservableKind
from domain.errors import EventRejected
from domain.model import Duration
from millwright.intake.cloudevents import CloudEvent
from millwright.intake.fields import bounded_moment, mapping, parsed_moment
from millwright.intake.json_text import joined
from millwright.intake.message_content import MessageContent, Unmapped
from millwright.intake.register import Register
from millwright.intake.sensor_checks import check_reading
from millwright.intake.subject import line_of, refuse_retired

ANOMALY = "millwright.anomaly.v1"

_PERSON = "person"
_OUR_ID, _ELSEWHERE = "our-id", "elsewhere"
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is no field of this envelope",
    "finite_number": "is NaN, infinite or too large",
    "string_pattern_mismatch": "is blank",
    "string_too_short": "is empty",
    "float_type": "must be a number",
    "string_type": "must be a text",
}


def _moment(value: object) -> datetime:
    try:
        return parsed_moment(value, "at")
    except EventRejected as refused:
        raise ValueError(f"{refused.problem} ({refused.fix})" if refused.fix else refused.problem) from None


Name = Annotated[str, Field(min_length=1, max_length=256, strict=True, pattern=r"\S")]
Words = Annotated[str, Field(min_length=1, max_length=4000, strict=True, pattern=r"\S")]
Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Instant = Annotated[datetime, BeforeValidator(_moment)]
Lead = Annotated[Duration, Field(ge=timedelta(0), le=timedelta(days=3650))]


class Envelope(BaseModel):
    """The fields of an event of ours. It refuses others."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


Said = TypeVar("Said", bound=Envelope)


class ExternalAsset(Envelope):
    """An asset by the name it has in another system of the crosswalk (`cmms`, `mes`, `device`, `twin`)."""

    system: Name
    id: Name


NamedAsset = Annotated[
    Annotated[Name, Tag(_OUR_ID)] | Annotated[ExternalAsset, Tag(_ELSEWHERE)],
    Discriminator(lambda value: _ELSEWHERE if isinstance(value, dict | ExternalAsset) else _OUR_ID),
]


class LeadTime(Envelope):
    """Bounds of the predicted time to functional failure."""

    low: Lead
    high: Lead

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is longer than high")
        return self


class AnomalyEnvelope(Envelope):
    """What a detector says. `asset` is our id or a name elsewhere; `failure_mode` may be left out where a signal, or
    the component, tells it. `at` defaults to the event's `time`. A confidence left out counts as the lowest, never as
    certain."""

    asset: NamedAsset
    failure_mode: Name | None = None
    signal: Name | None = None
    value: Real | None = None
    unit: Name | None = None
    score: Annotated[Real, Field(ge=0)] | None = None
    confidence: Annotated[Real, Field(ge=0, le=1)] | None = None
    baseline: Real | None = None
    detector: Name | None = None
    model_version: Name | None = None
    lead: LeadTime | None = None
    quality: Quality = Quality.GOOD
    recommended_action: Words | None = None
    at: Instant | None = None


class AlarmEnvelope(Envelope):
    """What a person says by hand. `component` is an asset's id, or its name on the machine; one of `component` and
    `failure_mode` is needed. `at` defaults to the event's `time`, and that to when it came first."""

    asset: NamedAsset
    component: Name | None = None
    failure_mode: Name | None = None
    text: Words
    raised_by: Name
    at: Instant | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if self.component is None and self.failure_mode is None:
            raise ValueError("say which component, or which failure_mode")
        return self


def read_anomaly(event: CloudEvent, now: datetime, register: Register) -> MessageContent:
    """What a `millwright.anomaly.v1` says.

    Raises:
        EventRejected: a field is missing, unknown or wrong.
        Unmapped: the asset or the signal is not known, or the asset was retired.
    """
    said = validated(AnomalyEnvelope, event)
    at = time_of(said.at, event, now)
    if at is None:
        raise EventRejected("is missing", field="time", fix="send when it was observed, as `time` or `data.at`")
    asset = named_asset(said.asset, at, event.path, register)
    asset_id, mode = _subject(said, asset, at, event.path, register)
    anomaly = Anomaly.trusted(
        kind=AnomalyKind.DEVIATION,
        asset=asset_id,
        failure_mode=mode,
        at=at,
        detector=said.detector or event.identity.source,
        signal=said.signal,
        value=said.value,
        unit=said.unit,
        score=said.score,
        baseline=said.baseline,
        confidence=said.confidence,
        quality=said.quality,
        model_version=said.model_version,
        lead_low=said.lead.low if said.lead else None,
        lead_high=said.lead.high if said.lead else None,
        recommended_action=said.recommended_action,
    )
    line = line_of(asset, joined(event.path, "asset"), at)
    return MessageContent(None, at, check_reading(anomaly, _observable(said, asset, register), said.unit), line)


def _observable(said: AnomalyEnvelope, asset: Asset, register: Register) -> Observable | None:
    """The signal that an anomaly names, if the register has it."""
    if said.signal is None or asset.machine is None:
        return None
    return register.observable(asset.machine, ObservableKind.SIGNAL, said.signal)


def read_alarm(event: CloudEvent, now: datetime, register: Register, came_at: datetime) -> MessageContent:
    """What a `millwright.alarm.v1` says.

    Args:
        came_at: when it came first: its time, where it gives none.

    Raises:
        EventRejected: a field is missing, unknown or wrong.
        Unmapped: the asset or the component is not known, or was retired.
    """
    said = validated(AlarmEnvelope, event)
    at = time_of(said.at, event, now) or came_at
    asset = named_asset(said.asset, at, event.path, register)
    if said.component is not None:
        machine = asset.machine
        part = register.asset(said.component) or (register.part(machine, said.component) if machine else None)
        if part is None or machine is None or part.machine != machine:
            raise Unmapped(
                f"{asset.id} has no component {said.component}", field=joined(event.path, "component"), at=at
            )
        refuse_retired(part.id, register, field=joined(event.path, "component"), at=at)
        asset = part
    anomaly = Anomaly.trusted(
        kind=AnomalyKind.MANUAL,
        asset=asset.id,
        failure_mode=said.failure_mode or register.only_failure_mode(asset.id) or UNKNOWN_MODE,
        at=at,
        detector=_PERSON,
        text=said.text,
        raised_by=said.raised_by,
    )
    return MessageContent(None, at, anomaly, line_of(asset, joined(event.path, "asset"), at))


def validated(model: type[Said], event: CloudEvent) -> Said:
    """The data of an event.

    Raises:
        EventRejected: a field is missing, unknown or wrong.
    """
    try:
        return model.model_validate(mapping(event.data, event.path))
    except ValidationError as refused:
        error = refused.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in error["loc"] if part not in (_OUR_ID, _ELSEWHERE))
        problem = _WORDS.get(error["type"]) or error["msg"].removeprefix("Value error, ").removeprefix("Input should ")
        raise EventRejected(problem, field=joined(event.path, place) if place else event.path or None) from None


def time_of(said: datetime | None, event: CloudEvent, now: datetime) -> datetime | None:
    """When something was observed: as the data say, else as the event says; None if neither does.

    Raises:
        EventRejected: it lies in the future, or long ago.
    """
    if said is not None:
        return bounded_moment(said, joined(event.path, "at"), now)
    return None if event.time is None else bounded_moment(event.time, "time", now)


def named_asset(named: str | ExternalAsset, at: datetime, path: str, register: Register) -> Asset:
    """The asset that an event names.

    Raises:
        Unmapped: it is not known at that time, or it was retired.
    """
    if isinstance(named, str):
        asset, field = register.asset(named), joined(path, "asset")
        problem = f"no asset {named} is known"
    else:
        asset, field = register.resolve(named.system, named.id, at), joined(path, "asset.id")
        problem = f"no one asset was called {named.id} in {named.system} at that time"
    if asset is None:
        raise Unmapped(problem, field=field, at=at)
    refuse_retired(asset.id, register, field=field, at=at)
    return asset


def _subject(said: AnomalyEnvelope, asset: Asset, at: datetime, path: str, register: Register) -> tuple[str, str]:
    """The asset and failure mode of an anomaly, as exactly as the sender and the register determine them."""
    if said.signal is not None and asset.machine is not None:
        seen = _observable(said, asset, register)
        if seen is not None and asset.level in (Level.MACHINE, Level.SENSOR):
            refuse_retired(seen.asset, register, field=joined(path, "signal"), at=at)
        if seen is not None and asset.level is Level.MACHINE:
            return seen.asset, said.failure_mode or seen.failure_mode
        if seen is None and said.failure_mode is None:
            problem = f"no component of {asset.machine} is known by the signal {said.signal}"
            raise Unmapped(problem, field=joined(path, "signal"), at=at)
        if seen is not None and asset.level is Level.SENSOR:
            return seen.asset, said.failure_mode or seen.failure_mode
        if seen is not None and seen.asset == asset.id:
            return asset.id, said.failure_mode or seen.failure_mode
    mode = said.failure_mode or register.only_failure_mode(asset.id)
    if mode is None:
        raise EventRejected(
            "is missing", field=joined(path, "failure_mode"), fix="send it, or a signal that the register knows"
        )
    return asset.id, mode
