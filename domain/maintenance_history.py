"""The work that was done on an asset, by anyone, as a CMMS tells it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from domain.model import Model, Moment
from domain.vendor_texts import VendorName

HISTORY: Final = timedelta(days=365)
"""How far back the work on an asset is asked for."""
MOST_WORK: Final = 50
"""How much work on an asset is kept, the newest."""


class WorkKind(StrEnum):
    """Why work was done."""

    CORRECTIVE = "corrective"
    """Something had failed."""
    PREVENTIVE = "preventive"
    """It was planned before anything failed."""
    UNKNOWN = "unknown"
    """The CMMS does not say, or its word has no place in the site's table. It counts as no breakdown."""


class CmmsAsset(NamedTuple):
    """An asset as a CMMS names it: its name, and the attributes that belong to it, such as `siteid`."""

    external_id: str
    attributes: Mapping[str, str]


class WorkDone(Model):
    """Work on an asset, as it is kept.

    Args:
        record: its number in the CMMS.
        done_at: when the work was done.
        kind: why it was done.
        failure_mode: the failure mode (ISO 14224) that its codes name by the site's table; None if they name none.
    """

    record: VendorName
    done_at: Moment
    kind: WorkKind = WorkKind.UNKNOWN
    failure_mode: str | None = None


class MaintenanceHistory(Model):
    """The work on an asset and on its machine, as a CMMS told it.

    Args:
        read_at: when the CMMS was asked.
        complete: whether all work could be read. Otherwise nothing is known.
        work: what was done in the year before, newest first; at most `MOST_WORK`.
    """

    read_at: Moment
    complete: bool = True
    work: tuple[WorkDone, ...] = ()

    def known_at(self, at: datetime, stale_after: timedelta) -> bool:
        """Whether it tells of the work at a time: it is complete, not later than that, and not too old."""
        return self.complete and timedelta() <= at - self.read_at <= stale_after

    def before(self, at: datetime) -> tuple[WorkDone, ...]:
        """The work that was done by a time, newest first."""
        return tuple(done for done in self.work if done.done_at <= at)


class HistoryAsset(NamedTuple):
    """An asset whose history is to be read: its id, and the names of it and of its machine in the CMMS."""

    asset: str
    names: Sequence[CmmsAsset]


class MaintenanceHistories(Protocol):
    """The work on assets, as storage keeps it. Every method may raise `StorageUnavailable`, having written nothing."""

    async def due(self, system: str, read_before: datetime, limit: int) -> Sequence[HistoryAsset]:
        """The assets of a CMMS that were not read since a time, those read longest ago first; at most `limit`."""
        ...

    async def record_reading(self, system: str, read_at: datetime, said: Mapping[str, MaintenanceHistory]) -> None:
        """Stores one reading, in one transaction. What was read of an asset at this time or later stays as it is.

        Args:
            system: the CMMS instance.
            read_at: the plant's time just before the CMMS was asked.
            said: the history of each asset that was asked for.
        """
        ...


def newest(work: Collection[WorkDone]) -> tuple[WorkDone, ...]:
    """What is kept of the work on an asset: the newest, in an order that does not depend on the CMMS."""
    ordered = sorted(work, key=lambda done: (done.done_at, done.record), reverse=True)
    return tuple(ordered[:MOST_WORK])
