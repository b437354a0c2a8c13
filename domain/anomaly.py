"""Events from outside, the anomalies they carry, and what becomes of them."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from domain.canonical import timestamp
from domain.model import Model, Moment

OWN_WRITE_BACK: Final = "our own write-back"
"""The reason of an event that is our own patch of a twin, coming back from the twin service."""


class Fate(StrEnum):
    """What became of a received message."""

    DECIDED = "decided"
    DUPLICATE = "duplicate"
    NOT_AN_ANOMALY = "not_an_anomaly"
    UNMAPPED = "unmapped"
    QUARANTINED = "quarantined"


class AnomalyKind(StrEnum):
    """What sort of evidence an anomaly is."""

    CODE = "code"
    """A device reported an error code."""
    DEVIATION = "deviation"
    """A detector saw a signal away from its baseline."""
    RISK = "risk"
    """A model states how likely maintenance is: a state, repeated at each run."""
    MANUAL = "manual"
    """A person raised it by hand."""


_KIND_ORDER = {AnomalyKind.CODE: 0, AnomalyKind.DEVIATION: 1, AnomalyKind.RISK: 2, AnomalyKind.MANUAL: 3}


class Quality(StrEnum):
    """How far the signal behind an anomaly may be believed (OPC UA part 8 status severity)."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


class Risk(StrEnum):
    """The states of `PredictMaintenance()`."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


Score = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Anomaly(Model):
    """A normalised event that says something is unusual.

    `at` is the event's own time. `score` is the distance from `baseline` in standard errors, positive in the
    direction that matters. `confidence` is the detector's own; where it gave none it is None, which policies see
    as 0: never as certain. `lead_low` and `lead_high` bound the predicted time to functional failure.
    """

    kind: AnomalyKind
    asset: str
    failure_mode: str
    at: Moment
    detector: str
    signal: str | None = None
    value: Number | None = None
    unit: str | None = None
    score: Score | None = None
    baseline: Number | None = None
    confidence: Share | None = None
    code: str | None = None
    risk: Risk | None = None
    quality: Quality = Quality.GOOD
    model_version: str | None = None
    lead_low: timedelta | None = None
    lead_high: timedelta | None = None
    recommended_action: str | None = None
    text: str | None = None
    raised_by: str | None = None

    def order(self, natural_key: str) -> str:
        """Text that sorts anomalies of one failure mode as judging takes them.

        Codes come before deviations of the same instant: a device that reports its error in the hour in which the
        detector sees the shift has confirmed it.
        """
        return f"{timestamp(self.at)[:-1]}|{_KIND_ORDER[self.kind]}|{natural_key}"


def position_time(position: str) -> datetime:
    """The instant that leads a position made by `Anomaly.order`."""
    return datetime.strptime(position.split("|", 1)[0], "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)


class Received(Model):
    """A received message, readable or not, before it is stored.

    `ingress` is the entity of a bus, or `http`. `sequence` is the bus's own number within the entity, or one of ours
    for HTTP, and `enqueued_at` the time at which a bus accepted the message: a redelivery has the same three, and the
    same content. A recreated entity only repeats the numbers. `source` and `external_id` are what the sender calls the
    message; see `domain.identity`. `natural_key` names the observation itself, so that a query run again makes nothing
    new; it is None only where the message could not be read. `fate` is set where intake alone decides it; None waits
    for judging.
    """

    ingress: str
    sequence: int
    source: str
    external_id: str
    type: str | None
    subject: str | None
    received_at: Moment
    raw: bytes = Field(repr=False)
    enqueued_at: Moment | None = None
    natural_key: str | None = None
    at: Moment | None = None
    traceparent: str | None = None
    anomaly: Anomaly | None = None
    line: str | None = None
    fate: Fate | None = None
    reason: str | None = None
    field: str | None = None
