"""Received messages, the anomalies that they report, and their fates."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from domain.canonical import timestamp
from domain.heartbeats import Heartbeat
from domain.model import Model, Moment
from domain.sensors import INSTRUMENT_MODE, SensorReading

OWN_WRITE_BACK: Final = "our own write-back"
"""The reason stored with an event that the twin service sent because Millwright patched a twin."""

UNKNOWN_MODE: Final = "UNK"
"""ISO 14224 table B.15: an unspecified failure mode."""


class Fate(StrEnum):
    """The result of a received message."""

    DECIDED = "decided"
    DUPLICATE = "duplicate"
    NOT_AN_ANOMALY = "not_an_anomaly"
    UNMAPPED = "unmapped"
    QUARANTINED = "quarantined"


class AnomalyKind(StrEnum):
    """The kind of an anomaly."""

    CODE = "code"
    """A device reported an error code."""
    DEVIATION = "deviation"
    """A detector found that a signal deviates from its baseline."""
    RISK = "risk"
    """A model reports how likely it is that maintenance is needed, again at each run."""
    MANUAL = "manual"
    """A person reported it."""


_KIND_ORDER = {AnomalyKind.CODE: 0, AnomalyKind.DEVIATION: 1, AnomalyKind.RISK: 2, AnomalyKind.MANUAL: 3}


class Quality(StrEnum):
    """How reliable the signal of an anomaly is (OPC UA part 8 status severity)."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


class Risk(StrEnum):
    """The risks that the detector `PredictMaintenance()` reports."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


Score = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Anomaly(Model):
    """A normalised event that reports unusual behaviour of an asset.

    `at` is the event time. `score` is the distance from `baseline` in standard errors, in the direction that indicates
    the failure. `confidence` is the detector's own; if the detector gave none, it is None, and policies read 0.
    `lead_low` and `lead_high` bound the predicted time to functional failure. `reading` says how the value was checked;
    it is None if the register declares no limits of the signal.
    """

    later: ClassVar[tuple[str, ...]] = ("reading",)

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
    reading: SensorReading | None = Field(default=None, exclude_if=lambda reading: reading is None)

    def checked(self, reading: SensorReading) -> "Anomaly":
        """This anomaly after the checks of its reading.

        A reading that fails one tells of its sensor: the anomaly is then of the sensor and of bad quality, and no
        evidence of the fault that the signal tells of.
        """
        made = reading.checked(self.value, self.at)
        if not made.failed:
            return self.model_copy(update={"reading": made, "asset": made.asset, "failure_mode": made.failure_mode})
        of_sensor = {"asset": made.sensor, "failure_mode": INSTRUMENT_MODE, "quality": Quality.BAD}
        return self.model_copy(update={"reading": made, **of_sensor})

    @property
    def wrongly_checked(self) -> bool:
        """Whether the checks of its reading, made again, say something else than is recorded."""
        return self.reading is not None and self.checked(self.reading) != self

    def order(self, natural_key: str) -> str:
        """Text that sorts the anomalies of one fault in the order of judging.

        Codes come before deviations of the same time. So an error code confirms a deviation that a detector finds in
        the same hour.
        """
        return f"{timestamp(self.at)[:-1]}|{_KIND_ORDER[self.kind]}|{natural_key}"


def position_time(position: str) -> datetime:
    """The event time at the beginning of a position from `Anomaly.order`."""
    return datetime.strptime(position.split("|", 1)[0], "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)


class Received(Model):
    """A received message, readable or not, before it is stored.

    `ingress` is the entity of a bus, or `http/` and the id of the sender. `sequence` is the bus's number within the
    entity, or our own for HTTP. `enqueued_at` is the time at which the bus accepted the message. A redelivery has the
    same three values and the same content; a recreated entity repeats only the numbers. `source` and `external_id` are
    the message's names from its sender; see `domain.identity`. `natural_key` names the observation, so that a repeated
    query adds no event; it is None only if the message cannot be read. Of a message with a
    `heartbeat` nothing else is stored. `fate` is set if intake alone decides it; None means that judging decides.
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
    heartbeat: Heartbeat | None = None
    line: str | None = None
    fate: Fate | None = None
    reason: str | None = None
    field: str | None = None
