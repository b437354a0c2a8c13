"""Suppressions: shelves (ISA-18.2 clause 11.7), windows of planned or running work, and masks of suspected sensors.

Judging continues during a suppression. A suppressed verdict opens no case and adds no evidence to one.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter, ValidationError

from domain.assets import Criticality
from domain.errors import Rejected
from domain.model import Duration, Model, Moment
from domain.operating import MachineState

_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)

LONGEST_REPORTED = timedelta(days=31)
"""Maximum duration of a window that another system's report opens, whatever the settings allow."""

SHIPPED_LIMITS: Final = "A=PT8H,B=P1D,C=P3D,D=P7D"
"""How long an asset may be shelved, unless the settings say otherwise; see `shelving_limits`."""


class SuppressionKind(StrEnum):
    """The cause of a suppression."""

    SHELF = "shelf"
    """A person shelved the asset for a limited time."""
    WINDOW = "window"
    """Planned work or a planned stop, from the plant's calendar."""
    WORK = "work"
    """An order in progress on the same machine."""
    STANDSTILL = "standstill"
    """The MES says that the machine is in a planned stop or in setup."""
    OUT_OF_SERVICE = "out_of_service"
    """The MES says that somebody works on the machine, or that it is locked out."""
    MASK = "mask"
    """A reading of the sensor failed a check, so its readings say nothing of its machine."""

    @property
    def isa_18_2(self) -> str:
        """The name of this suppression in ISA-18.2 (IEC 62682), which knows three: by a person for a limited time, by
        the logic or the plan of the plant, and for maintenance."""
        return _ISA_18_2[self]

    @property
    def reported(self) -> bool:
        """Whether no person begins it: another system reports it, or a check of a reading does."""
        return self not in (SuppressionKind.SHELF, SuppressionKind.WINDOW)


_ISA_18_2: Final = {
    SuppressionKind.SHELF: "shelved",
    SuppressionKind.WINDOW: "suppressed by design",
    SuppressionKind.WORK: "out of service",
    SuppressionKind.STANDSTILL: "suppressed by design",
    SuppressionKind.OUT_OF_SERVICE: "out of service",
    SuppressionKind.MASK: "out of service",
}

_DURING: Final = {
    MachineState.PLANNED_STOP: SuppressionKind.STANDSTILL,
    MachineState.SETUP: SuppressionKind.STANDSTILL,
    MachineState.MAINTENANCE: SuppressionKind.OUT_OF_SERVICE,
    MachineState.LOCKED_OUT: SuppressionKind.OUT_OF_SERVICE,
}


def kind_during(state: MachineState) -> SuppressionKind | None:
    """How the anomalies of a machine in this state can be suppressed; None if they are not."""
    return _DURING.get(state)


class Suppression(Model):
    """A period in which verdicts on an asset, and on everything below it, open no case and add no evidence.

    It covers event times from `from_at` to just before `end_at`; `until_at` is the planned end. The fault
    (`spared_asset`, `spared_mode`) is not suppressed, because the work in progress is on this fault. `source` is the
    order, the calendar entry or the readings that caused the suppression.
    """

    id: str
    kind: SuppressionKind
    asset: str
    failure_mode: str | None = None
    spared_asset: str | None = None
    spared_mode: str | None = None
    from_at: Moment
    until_at: Moment
    end_at: Moment
    reason: str
    made_by: str
    made_at: Moment
    source: str | None = None
    ended_by: str | None = None
    ended_because: str | None = None
    returned_at: Moment | None = None

    def covers(self, places: Collection[str | None], asset: str, failure_mode: str, at: datetime) -> bool:
        """Whether it covers an event of a fault, by the event's own time.

        Args:
            places: the asset, and all assets that it is part of.
        """
        return (
            self.asset in places
            and self.failure_mode in (None, failure_mode)
            and (self.spared_asset, self.spared_mode) != (asset, failure_mode)
            and self.from_at <= at < self.end_at
        )

    def holds_back(self, at: datetime, rearm: timedelta) -> bool:
        """Whether a covered event is still suppressed: always before the return, then only if it is more than `rearm`
        before the end. So a late event has the same effect as if it had arrived in time. A mask always suppresses."""
        if self.kind is SuppressionKind.MASK:
            # What a suspected sensor told does not become true when it is repaired.
            return True
        return self.returned_at is None or at < self.end_at - rearm

    @property
    def words(self) -> str:
        """Who or what suppresses, until when, and why; it continues a sentence that begins with "it was"."""
        name, until = self.kind.isa_18_2, f"until {self.end_at:%Y-%m-%d %H:%M} UTC"
        match self.kind:
            case SuppressionKind.SHELF:
                told = f"{name} by {self.made_by} {until} because: {self.reason}"
            case SuppressionKind.WINDOW:
                told = f"{name} in a window of planned work {until}, imported by {self.made_by}: {self.reason}"
            case SuppressionKind.WORK:
                told = f"{name} during work in progress on {self.asset} {until}: {self.reason}"
            case SuppressionKind.MASK:
                told = f"{name} {until} at the latest, because the sensor {self.asset} is suspected: {self.reason}"
            case SuppressionKind.STANDSTILL | SuppressionKind.OUT_OF_SERVICE:
                told = f"{name} {until} at the latest, because {self.reason}"
        return f"{told} ({self.id})"


def shelving_limits(text: str) -> Mapping[Criticality, timedelta]:
    """The longest time for which an asset may be shelved, by criticality, from `A=PT8H,B=P1D,…`.

    Raises:
        Rejected: the text has another form, or a criticality is missing.
    """
    limits: dict[Criticality, timedelta] = {}
    for part in text.split(","):
        letter, _, length = part.strip().partition("=")
        try:
            limits[Criticality(letter)] = _DURATION.validate_python(length)
        except (ValueError, ValidationError) as error:
            raise _no_limits(f"{part.strip()!r} is not a limit") from error
    missing = [criticality.value for criticality in Criticality if criticality not in limits]
    if missing:
        raise _no_limits(f"criticality {', '.join(missing)} has no limit")
    if min(limits.values()) <= timedelta():
        raise _no_limits("a limit must be longer than 0")
    return limits


def _no_limits(problem: str) -> Rejected:
    return Rejected(problem, field="shelving_limits", fix="write it as A=PT8H,B=P1D,C=P3D,D=P7D")
