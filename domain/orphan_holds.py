"""Holds that nobody answers for, and how they are found in storage."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from domain.holds import PlacementState
from domain.model import Model
from domain.production import HoldPlan


class OrphanHold(Model):
    """A hold that a person must look at.

    Args:
        key: the hold's key; for the MES its mark.
        equipment: the machine, as storage or the MES names it.
        problem: what is wrong.
    """

    key: str
    system: str
    equipment: str
    problem: str

    @property
    def words(self) -> str:
        """What is wrong, and with which hold."""
        return f"{self.key} on {self.equipment} in {self.system}: {self.problem}"


class FoundOrphans(NamedTuple):
    """What one look found, and the systems that did not answer all of it: of their holds it says nothing certain."""

    orphans: tuple[OrphanHold, ...]
    unanswered: frozenset[str] = frozenset()


class EndedPlacement(Model):
    """A placement that has ended, with its plan."""

    plan: HoldPlan
    state: PlacementState


class HoldRecord(Protocol):
    """The holds in storage, as a comparison with the MES reads them. Every method may raise `StorageUnavailable`."""

    async def adrift(self) -> Sequence[OrphanHold]:
        """Live holds that no open case claims, and claims on holds that have ended."""
        ...

    async def live_keys(self) -> frozenset[str]:
        """The keys of the holds and walk-downs that hold a machine, or may."""
        ...

    async def is_live_on(self, system: str, equipment: str) -> bool:
        """Whether a hold or a walk-down of ours is live on a machine."""
        ...

    async def ended_placements(self, system: str, since: datetime) -> Sequence[EndedPlacement]:
        """The newest placement of each job, where it ended since then as released or as never placed."""
        ...

    async def tell(self, found: FoundOrphans) -> Sequence[OrphanHold]:
        """Puts the closed case of each hold into the lane of operations, once, and takes out those that are mended. A
        hold of a system that did not answer stays as it was told. A case that waits for something else is left alone.

        Returns:
            Those that were told now.
        """
        ...
