"""Suspect lots: what a machine made between the onset of a fault and its hold.

They are a draft for a person with the role `quality`. Millwright neither blocks nor releases a lot in any system.
"""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.counterfactuals import Grounds
from domain.lots import MadeLot
from domain.model import Model, Moment


class LotsUntil(StrEnum):
    """Why the time in which lots are suspect ended."""

    HELD = "held"
    """The machine was read as held."""
    WORK_DONE = "work_done"
    """The work was done, and the machine had not been held before."""


class LotReview(Model):
    """What a person of quality says about the lots."""

    by: str
    note: str
    at: Moment


class SuspectLots(Model):
    """What the MES said that the machine of a case made from the onset of its fault on.

    Args:
        system: the MES instance.
        equipment: the machine's id there.
        from_at: the onset of the fault, from `onset_of`.
        until_at: when the machine was first read as held, or when the work was done.
        until: which of these.
        lots: oldest first; None if the MES did not say.
        not_known: why the lots are not known; None if they are.
        listed_at: when the MES was asked.
        review: what a person of quality said; None until then.
    """

    system: str
    equipment: str
    from_at: Moment
    until_at: Moment
    until: LotsUntil
    lots: tuple[MadeLot, ...] | None
    not_known: str | None
    listed_at: Moment
    review: LotReview | None = None

    @property
    def words(self) -> str:
        """The period and what is known of it, in sentences."""
        if self.from_at >= self.until_at and self.until is LotsUntil.HELD:
            return f"{self.equipment} was held before the fault began, at {self.until_at:%Y-%m-%d %H:%M} UTC."
        ended = "the machine was held" if self.until is LotsUntil.HELD else "the work was done"
        period = (
            f"From {self.from_at:%Y-%m-%d %H:%M} UTC, when the fault began, until {self.until_at:%Y-%m-%d %H:%M} UTC, "
            f"when {ended}"
        )
        if self.lots is None:
            return f"{period}: it is not known what {self.equipment} made. {self.not_known}."
        if not self.lots:
            return f"{period}: {self.system} lists nothing that {self.equipment} made."
        said = f"{period}: {self.system} lists {_number(len(self.lots))} of {self.equipment}."
        if self.earliest is not None and self.earliest > self.from_at:
            said += (
                f" The first began {self.earliest:%Y-%m-%d %H:%M} UTC; of the time before, {self.system} lists nothing."
            )
        return said

    @property
    def earliest(self) -> datetime | None:
        """When the machine began the first of the lots."""
        return min((lot.from_at for lot in self.lots or () if lot.from_at is not None), default=None)


def _number(count: int) -> str:
    return "one lot" if count == 1 else f"{count} lots"


def onset_of(grounds: Grounds | None, event_at: datetime) -> datetime:
    """The earliest time at which the fault was seen.

    Args:
        grounds: what the verdict was given that opened the case or raised it last. Its memory has the start of the run
            of deviations, and the newest time of each code and detector within the window.
        event_at: the time of the first event of the case.
    """
    if grounds is None:
        return event_at
    memory = grounds.memory
    seen = [event_at, grounds.anomaly.at, *memory.codes.values(), *memory.detectors.values()]
    if memory.deviating_since is not None:
        seen.append(memory.deviating_since)
    return min(seen)


class SuspectLotStore(Protocol):
    """The lists of suspect lots in storage."""

    async def keep(self, case: str, lots: SuspectLots) -> None:
        """Stores what the MES said for a case; the first list stays.

        Raises:
            ActRejected: there is no such case.
            StorageUnavailable: nothing was written.
        """
        ...
