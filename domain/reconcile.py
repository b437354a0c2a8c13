"""The nightly reconcile of a CMMS: how far it has come, and what it needs of storage."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from domain.asset_drift import NamedAsset
from domain.drift import Drift, HintsKnown, RecordedOrder, ToldTwin
from domain.model import Model, Moment
from domain.work_orders import WorkOrderRecord


class ReconcileStage(StrEnum):
    """What a reconcile reads, in this order."""

    ORDERS = "orders"
    """Page by page, the orders of ours that changed since the first day of the window."""
    OPEN_ORDERS = "open_orders"
    """One by one, the orders that are open here and were not read in the CMMS lately."""
    LISTED = "listed"
    """One by one, the orders with drift of an earlier reconcile that this one has not read yet."""
    ASSETS = "assets"
    """The names of assets, where the CMMS lists its assets."""
    TWINS = "twins"
    """One by one, the twins to which outcomes were written."""
    WEBHOOKS = "webhooks"
    """Whether the webhooks of the CMMS still come."""


class ReconcileRun(Model):
    """One reconcile of a CMMS.

    Args:
        stage: what it reads now, or read last.
        position: how far it has read in this stage: the cursor of `changed_since`, or the last name; None at its start.
        orders: how many orders it has read, each time that one was read.
        twins: how many twins it has read.
        problem: why it could not go on the last time; None if it could.
        next_at: before which it reads nothing more: hints make polls come faster than it may read.
        finished_at: None while it has not read everything.
    """

    system: str
    started_at: Moment
    stage: ReconcileStage = ReconcileStage.ORDERS
    position: str | None = None
    orders: int = 0
    twins: int = 0
    problem: str | None = None
    next_at: Moment | None = None
    finished_at: Moment | None = None


class AskedReconcile(Model):
    """The answer to a person who asks for a reconcile. Where one runs already, none is begun."""

    system: str
    begun: bool


class ComparedPage(NamedTuple):
    """What one page of a reconcile compared.

    Args:
        identities: what was compared. Of these, drift that is not in `drift`, and that this reconcile has not seen
            before, has ended. A status that differed has ended in any case: it was taken over.
        drift: what differs.
        complete_prefix: the prefix of the identities that have all been compared now. Open drift with this prefix that
            this reconcile has not seen has ended. Empty if more identities follow.
    """

    identities: Collection[str] = ()
    drift: Sequence[Drift] = ()
    complete_prefix: str = ""


class TwinPage(NamedTuple):
    """Some of the twins to be compared, and the name after which the others come; None if these are the last."""

    told: Sequence[ToldTwin]
    last: str | None


def latest_night(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The latest time until now at which the site's clocks showed a time of day."""
    local = now.astimezone(zone)
    night = datetime.combine(local.date(), at, zone)
    # Compared in UTC: on the day on which clocks are set, the difference of local times is not the time between them.
    if night.astimezone(UTC) > now.astimezone(UTC):
        night = datetime.combine(local.date() - timedelta(days=1), at, zone)
    return night.astimezone(UTC)


class DriftRecord(Protocol):
    """What a reconcile compares of our record, and the drift that it found.

    Every method may raise `StorageUnavailable`.
    """

    async def current_run(self, system: str, due_since: datetime, window: timedelta) -> ReconcileRun | None:
        """The reconcile of a system to go on with; None if nothing is due.

        A new one is begun if the newest began before `due_since`, or if there is none. It lists what changed since
        the poll's cursor of the newest one that began a window ago or more; else since that of the oldest one that was
        finished; else from the beginning.
        """
        ...

    async def keep(self, run: ReconcileRun, compared: ComparedPage) -> None:
        """Stores how far a reconcile has come together with what it found, in one transaction."""
        ...

    async def recorded(self, system: str, orders: Sequence[WorkOrderRecord]) -> Sequence[RecordedOrder]:
        """The cases of the keys of these orders, and the cases that have one of these orders."""
        ...

    async def unread(self, system: str, read_before: datetime, after: str, limit: int) -> Sequence[RecordedOrder]:
        """Open orders of ours that were last read before a time, by case, of which the first is after `after`."""
        ...

    async def listed(self, run: ReconcileRun, after: str, limit: int) -> Sequence[Drift]:
        """Drift of orders that this reconcile has not seen yet, by identity, of which the first is after `after`."""
        ...

    async def named_assets(self, system: str) -> Sequence[NamedAsset]:
        """The machines and components of the register that have a name in a CMMS, with that name."""
        ...

    async def told_twins(self, system: str, since: datetime, after: str, limit: int) -> TwinPage:
        """The twins to which a case wrote since a time, or that are listed with drift, by name: the first `limit` of
        them after `after`. A twin to which a case of another system wrote last, or is about to write, is left out.
        """
        ...

    async def hints(self, system: str) -> HintsKnown | None:
        """What is known of the hints of a system; None if none ever came."""
        ...
