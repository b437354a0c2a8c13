"""Heartbeats: what a detector sends that has looked and found nothing unusual, or only that it is alive."""

from datetime import datetime
from typing import Self

from pydantic import model_validator

from domain.anomaly import Fate
from domain.assets import Asset, ObservableKind
from domain.errors import EventRejected
from domain.heartbeats import Heartbeat
from millwright.intake.cloudevents import CloudEvent
from millwright.intake.envelope import Envelope, Instant, Name, NamedAsset, named_asset, time_of, validated
from millwright.intake.json_text import joined
from millwright.intake.message_content import MessageContent, Unmapped
from millwright.intake.register import Register
from millwright.intake.subject import refuse_retired

_REASON = "a heartbeat; only the newest of its source, asset and signal is kept"


class HeartbeatEnvelope(Envelope):
    """What a detector says that has looked and found nothing unusual. Without `asset` it says that it is alive. `asset`
    is our id or a name elsewhere, and `signal` a signal of it. `at` is when it looked, and defaults to the event's
    `time`."""

    asset: NamedAsset | None = None
    signal: Name | None = None
    at: Instant | None = None

    @model_validator(mode="after")
    def _says_of_what(self) -> Self:
        if self.signal is not None and self.asset is None:
            raise ValueError("say of which asset the signal is")
        return self


def read_heartbeat(event: CloudEvent, now: datetime, register: Register) -> MessageContent:
    """What a `millwright.heartbeat.v1` says.

    Raises:
        EventRejected: a field is missing, unknown or wrong.
        Unmapped: the asset or the signal is not known, or the asset was retired.
    """
    said = validated(HeartbeatEnvelope, event)
    at = time_of(said.at, event, now)
    if at is None:
        raise EventRejected("is missing", field="time", fix="send when it looked, as `time` or `data.at`")
    asset = None if said.asset is None else named_asset(said.asset, at, event.path, register)
    if asset is not None and said.signal is not None:
        asset = _component(asset, said.signal, at, event.path, register)
    heartbeat = Heartbeat(
        source=event.identity.source, asset=None if asset is None else asset.id, signal=said.signal, at=at
    )
    return MessageContent(at=at, fate=Fate.NOT_AN_ANOMALY, reason=_REASON, heartbeat=heartbeat)


def _component(asset: Asset, signal: str, at: datetime, path: str, register: Register) -> Asset:
    """The component of which a signal tells, as for an anomaly of it."""
    field = joined(path, "signal")
    seen = None if asset.machine is None else register.observable(asset.machine, ObservableKind.SIGNAL, signal)
    component = None if seen is None else register.asset(seen.asset)
    if component is None:
        raise Unmapped(
            f"no component of {asset.machine or asset.id} is known by the signal {signal}", field=field, at=at
        )
    refuse_retired(component.id, register, field=field, at=at)
    return component
