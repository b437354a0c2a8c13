"""Whether a reading can be what a machine did, or tells of its sensor only: the declared limits of a signal, and the
checks of one reading.

The tests are those of IOOS QARTOD: gross range (test 4) and rate of change (test 7). A reading that fails one has the
NAMUR NE 107 status "out of specification".
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, model_validator

from domain.model import Model, Moment

INSTRUMENT_MODE: Final = "AIR"
"""ISO 14224 annex B: abnormal instrument reading. The failure mode of a suspected sensor."""

_Number = Annotated[float, Field(allow_inf_nan=False)]
_Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SensorCheck(StrEnum):
    """A check of one reading."""

    RANGE = "range"
    """The value is outside the range that the sensor can measure."""
    RATE = "rate"
    """The value changed faster since the reading before than the quantity can."""
    UNIT = "unit"
    """The sender names another unit than the declared one."""


class SensorLimits(Model):
    """What a signal can show at all, in the declared unit. It is wider than normal, and a fault does not leave it.

    Args:
        sensor: the asset that measures.
        low, high: the smallest and the largest possible value.
        max_rate: the greatest possible change in one second.
        unit: in UCUM.
    """

    sensor: str
    low: _Number | None = None
    high: _Number | None = None
    max_rate: _Rate | None = None
    unit: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("the lowest possible value must be below the highest")
        return self

    @property
    def impossible(self) -> Mapping[SensorCheck, str]:
        """The checks that cannot be made of any reading of this signal, each with the reason."""
        missing = {
            SensorCheck.RANGE: (self.low is None and self.high is None, "no range is declared"),
            SensorCheck.RATE: (self.max_rate is None, "no greatest rate of change is declared"),
            SensorCheck.UNIT: (self.unit is None, "no unit is declared"),
        }
        return {check: reason for check, (absent, reason) in missing.items() if absent}


class PreviousReading(Model):
    """The last reading of the same signal before another one."""

    at: Moment
    value: _Number


class SensorReading(Model):
    """How a reading was checked, with all that the checks used. So the checks can be made again.

    Args:
        limits: those that were declared when it came.
        unit: the unit that the sender named; None if none.
        previous: the reading before; None if none was stored.
        asset, failure_mode: the fault that the signal tells of while its sensor is sound.
        failed: the checks that it failed, in the order of their names.
    """

    later: ClassVar[tuple[str, ...]] = ("previous",)

    limits: SensorLimits
    unit: str | None = None
    previous: PreviousReading | None = Field(default=None, exclude_if=lambda previous: previous is None)
    asset: str
    failure_mode: str
    failed: tuple[SensorCheck, ...] = ()

    @property
    def sensor(self) -> str:
        """The asset that measures."""
        return self.limits.sensor

    def not_made(self, value: float | None) -> Mapping[SensorCheck, str]:
        """The checks that were not made of this reading, each with the reason. Such a check was not passed."""
        if value is None:
            return dict.fromkeys(SensorCheck, "the message has no value")
        reasons = dict(self.limits.impossible)
        if self.unit is None:
            reasons.setdefault(SensorCheck.UNIT, "the sender names no unit")
        if self.previous is None:
            reasons.setdefault(SensorCheck.RATE, "no reading before this one is known")
        return reasons

    def recheck(self, value: float | None, at: datetime) -> tuple[SensorCheck, ...]:
        """The checks that this reading fails, made again from what is recorded of it."""
        made = set(SensorCheck) - self.not_made(value).keys()
        if value is None:
            return ()
        limits = self.limits
        wrong = {
            SensorCheck.RANGE: not _within(value, limits.low, limits.high),
            SensorCheck.RATE: self._too_fast(value, at),
            SensorCheck.UNIT: self.unit != limits.unit,
        }
        return tuple(check for check in sorted(SensorCheck) if check in made and wrong[check])

    def checked(self, value: float | None, at: datetime) -> Self:
        """This reading with the checks that it fails."""
        return self.model_copy(update={"failed": self.recheck(value, at)})

    def _too_fast(self, value: float, at: datetime) -> bool:
        """Whether the change since the reading before is impossible. Two readings of one instant tell no rate."""
        if self.previous is None or self.limits.max_rate is None:
            return False
        seconds = (at - self.previous.at).total_seconds()
        return seconds > 0 and abs(value - self.previous.value) > self.limits.max_rate * seconds

    def words(self, value: float | None) -> str:
        """What it failed, as a sentence for people; empty if nothing."""
        limits, unit = self.limits, f" {self.limits.unit}" if self.limits.unit else ""
        told = {
            SensorCheck.RANGE: f"{value} is outside {_bounds(limits.low, limits.high)}{unit}",
            SensorCheck.RATE: f"it changed faster than {limits.max_rate}{unit} in one second",
            SensorCheck.UNIT: f"the sender names the unit {self.unit}, and {limits.unit} is declared",
        }
        return "; ".join(told[check] for check in self.failed)


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or low <= value) and (high is None or value <= high)


def _bounds(low: float | None, high: float | None) -> str:
    return f"{'any value' if low is None else low} to {'any value' if high is None else high}"
