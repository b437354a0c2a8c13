"""The work that was done on assets, as SAP tells it: notifications with their orders, and orders without one."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from connectors.call import Call
from connectors.cmms.sap_pm.changes import all_of, any_of, works_of
from connectors.cmms.sap_pm.client import SapPmClient
from connectors.cmms.sap_pm.mapping import SapPmWork, codes_on, object_kind
from connectors.cmms.sap_pm.models import SapPmNotification, SapPmOrder
from connectors.cmms.sap_pm.odata import moment_literal, text_literal
from connectors.cmms.sap_pm.open_work import ALONE
from connectors.cmms.sap_pm.settings import SapPmSettings
from connectors.cmms.sap_pm.statuses import status_of
from domain.completed_work import ToldWork
from domain.maintenance_history import CmmsAsset, WorkKind
from domain.work_orders import WorkOrderStatus

logger = logging.getLogger(__name__)

_AT_ONCE: Final = 20
"""How many assets are named in one request, whose address has them all."""
_DAY: Final = timedelta(days=1)

_Told = dict[str, tuple[ToldWork, ...] | None]
"""By the name of an asset in upper case, as SAP keeps it."""


async def completed_work(
    client: SapPmClient, call: Call, settings: SapPmSettings, assets: Sequence[CmmsAsset], since: datetime
) -> tuple[tuple[ToldWork, ...] | None, ...]:
    """See `domain.cmms_offers.WorkLister`."""
    kinds = [object_kind(asset.attributes, settings) for asset in assets]
    names: defaultdict[str, set[str]] = defaultdict(set)
    for kind, asset in zip(kinds, assets, strict=True):
        names[kind].add(asset.external_id.upper())
    told: dict[str, _Told] = {}
    for kind, of_kind in names.items():
        told[kind] = {}
        ordered = sorted(of_kind)
        for first in range(0, len(ordered), _AT_ONCE):
            told[kind] |= await _told(client, call, settings, kind, ordered[first : first + _AT_ONCE], since)
    return tuple(told[kind][asset.external_id.upper()] for kind, asset in zip(kinds, assets, strict=True))


async def _told(
    client: SapPmClient, call: Call, settings: SapPmSettings, kind: str, names: Sequence[str], since: datetime
) -> _Told:
    """The work on some technical objects of one kind."""
    where = (
        f"({any_of(('TechnicalObject', name) for name in names)}) "
        f"and TechObjIsEquipOrFuncnlLoc eq {text_literal(kind)} and LastChangeDateTime ge {moment_literal(since)}"
    )
    rows, unreadable = await all_of(client, call, SapPmNotification, where, settings)
    works, broken = await works_of(client, call, settings, rows)
    orders, lost = await all_of(client, call, SapPmOrder, f"{ALONE} and {where}", settings)
    problems = [row.report.words for row in (*unreadable, *broken, *lost)]
    # SAP may write a name otherwise than we do. Then the record is of one of these objects all the same.
    told = [(row.number, row.object_name or "") for row in rows]
    told += [(order.number, order.object_name or "") for order in orders]
    problems += [
        f"{number} is of object '{name}', which was not asked for" for number, name in told if name.upper() not in names
    ]
    if problems:
        if len(names) == 1:
            logger.warning("%s: the work on %s is unknown: %s", call.system, names[0], problems[0])
            return {names[0]: None}
        # A record that cannot be read may be of any of these. Of which one shows when fewer are asked for.
        middle = len(names) // 2
        parts = [await _told(client, call, settings, kind, part, since) for part in (names[:middle], names[middle:])]
        return parts[0] | parts[1]
    found: dict[str, list[ToldWork]] = {name: [] for name in names}
    for work in works:
        _add(found, work.notification.object_name, _of_notification(work, settings), since)
    for order in orders:
        _add(found, order.object_name, _of_order(order, settings), since)
    return {name: tuple(work) for name, work in found.items()}


def _add(found: Mapping[str, list[ToldWork]], name: str | None, work: ToldWork | None, since: datetime) -> None:
    if work is not None and work.done_at >= since:
        found[(name or "").upper()].append(work)


def _of_notification(work: SapPmWork, settings: SapPmSettings) -> ToldWork | None:
    row = work.notification
    if work.status(settings)[0] is not WorkOrderStatus.COMPLETED:
        return None
    kind = settings.work_kinds.get(row.notification_type or "", WorkKind.UNKNOWN)
    return ToldWork(record=row.number, done_at=_done_at(work), kind=kind, codes=codes_on(row, settings))


def _of_order(order: SapPmOrder, settings: SapPmSettings) -> ToldWork | None:
    if status_of(None, order, settings)[0] is not WorkOrderStatus.COMPLETED:
        return None
    kind = settings.work_kinds.get(order.order_type or "", WorkKind.UNKNOWN)
    return ToldWork(record=order.number, done_at=order.changed_at, kind=kind)


def _done_at(work: SapPmWork) -> datetime:
    """The end of the malfunction; without it the end of the day on which the notification was completed, or the last
    change if that was before."""
    row = work.notification
    if row.ended_at is not None:
        return row.ended_at
    changed = max(row.changed_at, work.order.changed_at) if work.order is not None else row.changed_at
    return changed if row.completed_on is None else min(changed, row.completed_on + _DAY)
