"""What a machine does at a time, in words that hold for every system. Each connector maps the vendor's own words to
them, in one tested table."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field

from domain.model import Model, Moment
from domain.vendor_texts import VendorName, VendorText


class MachineState(StrEnum):
    """What a machine does. The words are those of machine builders and planners, not of one standard."""

    RUNNING = "running"
    """It produces."""
    STARTUP = "startup"
    """It starts, warms up or runs without product until it is steady."""
    IDLE = "idle"
    """It could produce, and does not: it waits for material, for a person or for its order."""
    SETUP = "setup"
    """It is changed over to another product, cleaned or set up."""
    PLANNED_STOP = "planned_stop"
    """Production planned that it stands."""
    UNPLANNED_STOP = "unplanned_stop"
    """It stands because of a fault or an unforeseen event."""
    MAINTENANCE = "maintenance"
    """Somebody works on it."""
    LOCKED_OUT = "locked_out"
    """The system has a field for lock-out, and it says that the machine is locked out."""
    UNKNOWN = "unknown"
    """The system does not say, or its word has no place in the table. It is never read as any of the others."""

    @property
    def steady(self) -> bool:
        """Whether the signals of the machine mean what they mean in production."""
        return self is MachineState.RUNNING


class OperatingState(Model):
    """What a system said of a machine.

    Args:
        state: what it does.
        word: the vendor's own word for it.
        read_at: when we read it.
        said_at: the time that the system itself gives for it; None if it gives none.
        since: since when it is in this state by the system; None if the system does not say.
        mode: the vendor's word for the mode, such as automatic or manual.
        recipe: the name of the recipe or program.
        speed: in `speed_unit`.
        speed_unit: the UCUM unit of the speed.
    """

    state: MachineState
    word: VendorText
    read_at: Moment
    said_at: Moment | None = None
    since: Moment | None = None
    mode: VendorText | None = None
    recipe: VendorName | None = None
    speed: Annotated[float, Field(allow_inf_nan=False)] | None = None
    speed_unit: VendorName | None = None

    def age(self, now: datetime) -> timedelta:
        """How old it is: by the system's own time if it gives one, else by our reading."""
        return now - (self.said_at or self.read_at)

    def known_at(self, at: datetime, stale_after: timedelta) -> bool:
        """Whether it tells what the machine did at a time: it is not unknown, not later than that, and not too old."""
        return self.state is not MachineState.UNKNOWN and timedelta() <= self.age(at) <= stale_after


class OperatingStates(Protocol):
    """What machines do, as storage keeps it. Every method may raise `StorageUnavailable`, having written nothing."""

    async def machines(self, system: str) -> Mapping[str, str]:
        """The machines that an MES is asked for, by their names in it."""
        ...

    async def record_reading(
        self, system: str, read_at: datetime, said: Mapping[str, OperatingState], longest_gap: timedelta
    ) -> int:
        """Stores one reading of an MES, in one transaction; returns how many machines have changed.

        A machine of which the reading does not tell is unknown from then on. A reading that is not later than the last
        one of the MES is stored already, and changes nothing.

        Args:
            system: the MES instance.
            read_at: the plant's time just before the MES was asked.
            said: what it said, by the machine's id.
            longest_gap: a state without a time of its own goes on over a time of this length without a reading, and no
                longer: then nobody knows whether it was left meanwhile.
        """
        ...

    async def record_silence(self, system: str, longest_gap: timedelta) -> None:
        """Ends the suppressions that the readings of an MES opened, if the last reading is older than `longest_gap`.

        Nobody knows then whether its machines still stand.
        """
        ...

    async def generation(self, system: str) -> int:
        """The generation of the poll, to be given back to `finish`."""
        ...

    async def finish(self, system: str, seen: int, next_at: datetime) -> None:
        """Ends a pass of the poll: due again at `next_at`."""
        ...


class Remaining(Model):
    """How much of a job is left to make."""

    quantity: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    unit: VendorName | None = None
    """The unit as the system writes it; None if it gives none."""
    said_at: Moment | None = None
    """The system's own time of the value; None if it gives none."""


class Effectiveness(Model):
    """The overall equipment effectiveness that a system computed itself (ISO 22400-2)."""

    oee: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """As a share, usually 0 to 1; some systems say more than 1 if a machine is faster than its standard."""
    from_at: Moment | None = None
    until_at: Moment | None = None
    """The period that it is of."""
