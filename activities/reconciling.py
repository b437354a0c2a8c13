"""The nightly reconcile: our record, a CMMS and the twins are read side by side, and what differs is listed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from time import monotonic
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from temporalio import activity

from activities.instances import instance
from domain.asset_drift import ASSET_PREFIX, ASSETS_IDENTITY, ComparedNames, NamedAsset, compared_names, unlisted_assets
from domain.canonical import Json
from domain.casework import CaseStore
from domain.clock import Clock
from domain.cmms import OrderQuery
from domain.cmms_offers import AssetLister
from domain.drift import (
    WEBHOOKS_IDENTITY,
    ComparedFrom,
    Drift,
    DriftKind,
    ReadOrder,
    hint_drift,
    order_drift,
    order_identity,
    subscription_drift,
    twin_drift,
    twin_identity,
    unread_drift,
)
from domain.errors import ActionRequired, ConnectorError, Refused
from domain.instances import SiteInstances
from domain.ports import Cmms, TwinGraph
from domain.reconcile import ComparedPage, DriftRecord, ReconcileRun, ReconcileStage, latest_night
from domain.webhooks import WebhookSubscriber
from domain.work_orders import WorkOrderRef

_STEPS: Final = 10
"""How many pages one poll reads for a reconcile, so that other calls to the CMMS do not wait for it."""
_ORDERS: Final = 100
"""After how many orders it reads no further page: some CMMS give each order by a request of its own, and allow about
so many in a minute."""
_BEGINS_FOR: Final = 15.0
"""After so many seconds it reads no further page: a poll has to end within its time."""
_ASSETS_LISTED_WITHIN: Final = 30.0
"""How many seconds the list of all assets may take, which is read in one go."""
_PAUSE: Final = timedelta(minutes=1)
"""How long a reconcile rests after them."""
_AFTER_A_FAILURE: Final = timedelta(minutes=5)
_ORDERS_AT_ONCE: Final = 5
"""How many orders are read one by one as a page."""
_TWINS_AT_ONCE: Final = 20

_BY_KEY: Final = frozenset((DriftKind.UNKNOWN_ORDER, DriftKind.DOUBLE_ORDER, DriftKind.KEY_DIFFERS))
"""Drift that ends when the key is taken off an order. So it is looked for by the key where that is possible."""

_Step = Callable[[ReconcileRun, datetime], Awaitable[ReconcileRun]]


class ReconcileTerms(NamedTuple):
    """When orders are compared, and which.

    Args:
        at: the time of day at which a reconcile begins, by the site's clocks.
        zone: of the site's clocks.
        served: which CMMS serves which site.
        window: how far back orders and outcomes are compared.
        poll_interval: how often a CMMS is polled: a change may be unknown for so long.
        reread: how often each open order is read again anyhow.
    """

    at: time
    zone: ZoneInfo
    served: SiteInstances
    window: timedelta
    poll_interval: timedelta
    reread: timedelta


class Reconciling:
    """Compares and lists. It changes nothing in another system. An order of a case whose status no poll has brought is
    read again and kept as after a poll; then its case goes on.

    Args:
        record: our record, and the list.
        cases: keeps an order that was read again, and wakes its case.
        cmms: each CMMS, by the id of its instance.
        twins: the twin graph.
        clock: the plant's time.
        terms: when orders are compared, and which.
    """

    def __init__(
        self,
        record: DriftRecord,
        cases: CaseStore,
        cmms: Mapping[str, Cmms],
        twins: TwinGraph,
        clock: Clock,
        terms: ReconcileTerms,
    ) -> None:
        self._record = record
        self._cases = cases
        self._cmms = cmms
        self._twins = twins
        self._clock = clock
        self._terms = terms
        self._steps: Mapping[ReconcileStage, _Step] = {
            ReconcileStage.ORDERS: self._list_orders,
            ReconcileStage.OPEN_ORDERS: self._read_open_orders,
            ReconcileStage.LISTED: self._look_again,
            ReconcileStage.ASSETS: self._read_assets,
            ReconcileStage.TWINS: self._read_twins,
            ReconcileStage.WEBHOOKS: self._look_at_webhooks,
        }

    async def go_on(self, system: str) -> timedelta | None:
        """Reads some pages of the reconcile of a CMMS, if one is due or runs.

        Each page is stored with what it found and how far the reconcile has come. So it can be cut at any point.

        Returns:
            After how long it is to go on; None if there is nothing to do before the next night.
        """
        terms, now = self._terms, self._clock.now()
        run = await self._record.current_run(system, latest_night(now, terms.at, terms.zone), terms.window)
        if run is None:
            return None
        if run.next_at is not None and now < run.next_at:
            return run.next_at - now
        # Stored with the first page, so that the pause holds for the worker after this one too.
        run, read_before = run.model_copy(update={"next_at": now + _PAUSE}), run.orders
        until = monotonic() + _BEGINS_FOR
        try:
            for number in range(_STEPS):
                if run.orders - read_before >= _ORDERS or (number and monotonic() > until):
                    break
                run = await self._steps[run.stage](run, self._clock.now())
                if run.finished_at is not None:
                    return None
        except ConnectorError as error:
            activity.logger.warning("the reconcile of %s waits: %s", system, error)
            waits = {"problem": str(error), "next_at": now + _AFTER_A_FAILURE}
            await self._record.keep(run.model_copy(update=waits), ComparedPage())
            return _AFTER_A_FAILURE
        return _PAUSE

    async def _list_orders(self, run: ReconcileRun, now: datetime) -> ReconcileRun:
        page = await self._of(run).changed_since(run.position)
        if page.cursor == run.position or not (page.records or page.unreadable):
            return await self._next(run, ReconcileStage.OPEN_ORDERS)
        compared = await self._compared(run, [ReadOrder(record=each, asked_at=now) for each in page.records])
        run = _moved(run, position=page.cursor, orders=run.orders + len(page.records))
        await self._record.keep(run, compared)
        return run

    async def _read_open_orders(self, run: ReconcileRun, now: datetime) -> ReconcileRun:
        """An order that is read within its interval needs nothing here: what was read was kept."""
        before = now - self._terms.reread
        unread = await self._record.unread(run.system, before, run.position or "", _ORDERS_AT_ONCE)
        if not unread:
            return await self._next(run, ReconcileStage.LISTED)
        read, drift = await self._read_each(run, [(each.order.ref, each.case) for each in unread if each.order])
        compared = await self._compared(run, read)
        for each in read:
            # Its poll has passed, or will find nothing new: the case has to hear of it from here.
            if each.case is not None:
                await self._cases.record_order(each.case, each.record, each.asked_at)
        going_on = {each.case for each in unread if each.goes_on}
        await self._cases.wake([each.case for each in read if each.case in going_on])
        run = _moved(run, position=unread[-1].case, orders=run.orders + len(unread))
        await self._record.keep(run, _with(compared, drift))
        return run

    async def _look_again(self, run: ReconcileRun, _now: datetime) -> ReconcileRun:
        """An order may have left the pages of changes since its drift was listed. Only its reading ends the drift."""
        listed = await self._record.listed(run, run.position or "", _ORDERS_AT_ONCE)
        if not listed:
            return await self._next(run, ReconcileStage.ASSETS)
        identities = {each.identity for each in listed}
        drift: list[Drift] = []
        for each in listed:
            again = await self._again(run, each)
            identities |= set(again.identities)
            drift += again.drift
        run = _moved(run, position=listed[-1].identity, orders=run.orders + len(listed))
        await self._record.keep(run, ComparedPage(identities, drift))
        return run

    async def _again(self, run: ReconcileRun, drift: Drift) -> ComparedPage:
        ref, cmms = drift.ref, self._of(run)
        if ref is None:
            return ComparedPage()
        if drift.kind not in _BY_KEY or not ref.key or not cmms.capabilities.search_by_key:
            read, unread = await self._read_each(run, [(ref, drift.case)])
            return _with(await self._compared(run, read), unread)
        asked_at = self._clock.now()
        try:
            found = await cmms.find_work_orders(OrderQuery(key=ref.key))
        except (ActionRequired, Refused) as error:
            return ComparedPage((), (unread_drift(run.system, ref, drift.case, error.problem),))
        return await self._compared(run, [ReadOrder(record=each, asked_at=asked_at) for each in found])

    async def _read_each(
        self, run: ReconcileRun, refs: Sequence[tuple[WorkOrderRef, str | None]]
    ) -> tuple[list[ReadOrder], list[Drift]]:
        """Orders, read one by one, and those that cannot be read as drift of their cases."""
        read: list[ReadOrder] = []
        drift: list[Drift] = []
        for ref, case in refs:
            asked_at = self._clock.now()
            try:
                found = await self._of(run).read_work_order(ref)
            except (ActionRequired, Refused) as error:
                drift.append(unread_drift(run.system, ref, case, error.problem))
            else:
                read.append(ReadOrder(record=found, asked_at=asked_at, case=case))
        return read, drift

    async def _compared(self, run: ReconcileRun, read: Sequence[ReadOrder]) -> ComparedPage:
        """Compares orders with our record. Where only the status differs, our record takes it over."""
        if not read:
            return ComparedPage()
        # Our record is read after the orders, so that it is never the older one without our knowing.
        recorded = await self._record.recorded(run.system, [each.record for each in read])
        drift = [found for each in read for found in order_drift(each, recorded, self._since(run))]
        behind = [each for each in drift if each.kind is DriftKind.STATUS_DIFFERS]
        if behind:
            # Listed before our record takes the status over: it is seen to have ended with the page.
            await self._record.keep(run, ComparedPage((), behind))
        going_on = {each.case for each in recorded if each.goes_on}
        taken_over = [each for each in behind if await self._takes_over(run, each, wakes=each.case in going_on)]
        identities = {order_identity(each.record.ref) for each in read}
        return ComparedPage(identities, [each for each in drift if each not in taken_over])

    async def _takes_over(self, run: ReconcileRun, behind: Drift, *, wakes: bool) -> bool:
        """Keeps an order as the CMMS has it now, and has its case go on if it has something to do. False if it cannot
        be read."""
        if behind.ref is None or behind.case is None:
            return False
        asked_at = self._clock.now()
        try:
            found = await self._of(run).read_work_order(behind.ref)
        except (ActionRequired, Refused) as error:
            activity.logger.warning("an order stays as it was: %s", error)
            return False
        await self._cases.record_order(behind.case, found, asked_at)
        if wakes:
            await self._cases.wake([behind.case])
        return True

    async def _read_assets(self, run: ReconcileRun, _now: datetime) -> ReconcileRun:
        """Before there is a fault: no order can be made for an asset whose name is none there any more."""
        cmms = self._of(run)
        if not isinstance(cmms, AssetLister):
            return await self._next(run, ReconcileStage.TWINS)
        every = await self._record.named_assets(run.system)
        named = [each for each in every if self._terms.served.serving(each.site) == run.system]
        found = await _found(run.system, named, cmms) if named else ComparedNames((), frozenset(), complete=True)
        prefix = ASSET_PREFIX if found.complete else ""
        compared = ComparedPage({ASSETS_IDENTITY, *found.identities}, found.drift, complete_prefix=prefix)
        return await self._next(run, ReconcileStage.TWINS, compared)

    async def _read_twins(self, run: ReconcileRun, _now: datetime) -> ReconcileRun:
        since = run.started_at - self._terms.window
        page = await self._record.told_twins(run.system, since, run.position or "", _TWINS_AT_ONCE)
        drift: list[Drift] = []
        for told in page.told:
            drift += twin_drift(run.system, told, await self._properties(told.twin))
        compared = ComparedPage({twin_identity(each.twin) for each in page.told}, drift)
        run = _moved(run, twins=run.twins + len(page.told))
        if page.last is None:
            return await self._next(run, ReconcileStage.WEBHOOKS, compared._replace(complete_prefix=twin_identity("")))
        run = _moved(run, position=page.last)
        await self._record.keep(run, compared)
        return run

    async def _properties(self, twin: str) -> Mapping[str, Json] | None:
        try:
            return (await self._twins.read_twin(twin)).properties
        except ActionRequired as error:
            activity.logger.warning("a twin is listed as drift: %s", error)
            return None

    async def _look_at_webhooks(self, run: ReconcileRun, now: datetime) -> ReconcileRun:
        drift = list(hint_drift(run.system, await self._record.hints(run.system), now))
        cmms = self._of(run)
        if isinstance(cmms, WebhookSubscriber):
            try:
                await cmms.check_webhooks()
            except ActionRequired as error:
                drift.append(subscription_drift(run.system, error.problem))
        run = _moved(run, finished_at=now)
        await self._record.keep(run, ComparedPage({WEBHOOKS_IDENTITY}, drift))
        return run

    async def _next(self, run: ReconcileRun, stage: ReconcileStage, page: ComparedPage | None = None) -> ReconcileRun:
        run = _moved(run, stage=stage, position=None)
        await self._record.keep(run, page or ComparedPage())
        return run

    def _since(self, run: ReconcileRun) -> ComparedFrom:
        settled_before = self._clock.now() - 2 * self._terms.poll_interval
        return ComparedFrom(since=run.started_at - self._terms.window, settled_before=settled_before)

    def _of(self, run: ReconcileRun) -> Cmms:
        return instance(self._cmms, run.system, "CMMS", "reconcile")


async def _found(system: str, named: Sequence[NamedAsset], cmms: AssetLister) -> ComparedNames:
    """What a CMMS says of the names of assets. One that does not list them says nothing of any of them."""
    try:
        async with asyncio.timeout(_ASSETS_LISTED_WITHIN):
            return compared_names(system, named, await cmms.list_assets())
    except (ActionRequired, Refused) as error:
        problem = error.problem
    except TimeoutError:
        problem = f"the list of assets took longer than {_ASSETS_LISTED_WITHIN:.0f} seconds"
    return ComparedNames((unlisted_assets(system, len(named), problem),), frozenset(), complete=False)


def _with(compared: ComparedPage, unread: Sequence[Drift]) -> ComparedPage:
    """A comparison, with the orders that could not be read."""
    identities = {*compared.identities, *(each.identity for each in unread)}
    return compared._replace(identities=identities, drift=[*compared.drift, *unread])


def _moved(run: ReconcileRun, **values: object) -> ReconcileRun:
    """A reconcile that has come further."""
    return run.model_copy(update={"problem": None, **values})
