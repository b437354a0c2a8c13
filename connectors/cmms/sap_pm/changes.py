"""What a poll has not given out yet, of two lists of changes: those of notifications and those of orders.

A notification and its order are one record of ours, with the later of both stamps. It is given out where the later of
both changes is read, so that records come oldest first.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic

from connectors.call import Call
from connectors.cmms.sap_pm.client import SapPmClient
from connectors.cmms.sap_pm.cursor import SapPmCursor
from connectors.cmms.sap_pm.mapping import SapPmWork, order_of, unreadable_record
from connectors.cmms.sap_pm.models import REFERENCE, SapPmNotification, SapPmOrder, SapPmUnreadableRow
from connectors.cmms.sap_pm.odata import moment_literal, text_literal
from connectors.cmms.sap_pm.rows import RowT
from connectors.cmms.sap_pm.settings import SapPmSettings
from domain.errors import ActionRequired, Refused
from domain.keys import CASE_PREFIX

_AFTER_PREFIX: Final = CASE_PREFIX[:-1] + chr(ord(CASE_PREFIX[-1]) + 1)
OUR_REFERENCES: Final = f"{REFERENCE} ge {text_literal(CASE_PREFIX)} and {REFERENCE} lt {text_literal(_AFTER_PREFIX)}"
"""A range, because comparisons are what every OData filter can do. It has references of people too; see `is_key`."""
_AT_ONCE: Final = 50
"""How many records are named in one filter."""
_MOST_STRETCHES: Final = 20
"""How many stretches after the watermark, without anything of ours, one call reads. The next poll goes on there."""
_MOST_PAGES: Final = 40


@dataclass(frozen=True)
class SapPmUnseen:
    """What was not given out yet, oldest first, and unreadable rows that were not reported yet.

    Args:
        passed: all changes before it were given out before, or are of others; None if none were passed.
    """

    works: list[SapPmWork]
    unreadable: list[SapPmUnreadableRow]
    passed: datetime | None


@dataclass(frozen=True)
class _Stretch(Generic[RowT]):
    """The rows of one list up to a time.

    Args:
        until: all changes before it are among the rows; None if these are all.
    """

    rows: tuple[RowT, ...]
    unreadable: tuple[SapPmUnreadableRow, ...]
    until: datetime | None


class SapPmChanges:
    """Reads the two lists for one cursor."""

    def __init__(self, client: SapPmClient, call: Call, settings: SapPmSettings) -> None:
        self._client = client
        self._call = call
        self._settings = settings

    async def first_unseen(self, mark: SapPmCursor) -> SapPmUnseen:
        """What is new in the first stretch that has anything new.

        From the beginning, our notifications are all there is to read: each comes with its order.
        """
        start, passed = mark.start(self._settings.overlap), None
        undated: list[SapPmUnreadableRow] = []
        counted = 0
        while counted < _MOST_STRETCHES:
            notifications = await self._stretch(SapPmNotification, OUR_REFERENCES, start)
            orders = _Stretch[SapPmOrder]((), (), None)
            if start is not None:
                orders = await self._stretch(SapPmOrder, "MaintenanceNotification ne ''", start)
            until = min((each for each in (notifications.until, orders.until) if each is not None), default=None)
            works, broken = await self._works(notifications, orders)
            fresh = mark.unseen(work for work in works if until is None or work.changed_at < until)
            lost = [row for row in orders.unreadable if row.notification is None]
            ours = [row for row in (*notifications.unreadable, *lost, *broken) if row.ours]
            reports = mark.unreported(ours)
            undated += [row for row in reports if row.date is None]
            dated = [row for row in reports if row.date is not None and (until is None or row.date < until)]
            if fresh or dated or until is None:
                return SapPmUnseen(fresh, dated + mark.unreported(undated), passed)
            start = passed = until
            # Those before the watermark do not count: each call reads them, and must move the watermark all the same.
            counted += mark.watermark is None or until > mark.watermark
        return SapPmUnseen([], mark.unreported(undated), passed)

    async def _stretch(self, model: type[RowT], where: str, start: datetime | None) -> _Stretch[RowT]:
        """The rows from a time on: a page, and further ones as long as they have the same time.

        A change in between moves a row to the end of the list. Whoever skipped rows then would leave one out, so rows
        are skipped only within one second.
        """
        name = "MaintenanceNotification" if model is SapPmNotification else "MaintenanceOrder"
        since = "" if start is None else f" and LastChangeDateTime ge {moment_literal(start)}"
        rows: dict[str, RowT] = {}
        unreadable: list[SapPmUnreadableRow] = []
        skip = 0
        while True:
            page = await self._client.find(
                self._call,
                model,
                where + since,
                order_by=f"LastChangeDateTime,{name}",
                top=self._settings.page_size,
                skip=skip,
            )
            rows |= {row.number: row for row in page.rows}
            unreadable += page.unreadable
            stamps = [*(row.stamp for row in rows.values()), *(row.date for row in unreadable)]
            latest = max((stamp for stamp in stamps if stamp is not None), default=None)
            if not page.more or not page.count:
                return _Stretch(tuple(rows.values()), tuple(unreadable), None)
            if latest is not None and (start is None or latest > start):
                return _Stretch(tuple(rows.values()), tuple(unreadable), latest)
            known = len(rows) + len({row.report.digest for row in unreadable})
            if known == skip:
                raise self._call.error(Refused, "unreadable reply: its pages repeat the same records")
            skip = known

    async def _works(
        self, notifications: _Stretch[SapPmNotification], orders: _Stretch[SapPmOrder]
    ) -> tuple[list[SapPmWork], list[SapPmUnreadableRow]]:
        """Our notifications that changed, or whose order did, each with its order."""
        known = {row.number: row for row in notifications.rows if row.key}
        named = {row.notification for row in orders.rows} | {row.notification for row in orders.unreadable}
        wanted = [("MaintenanceNotification", number) for number in sorted(filter(None, named - known.keys()))]
        for some in _parts(wanted):
            where = f"{OUR_REFERENCES} and ({any_of(some)})"
            # One that cannot be read is reported when it changes itself.
            found, _ = await all_of(self._client, self._call, SapPmNotification, where, self._settings)
            known = {row.number: row for row in found if row.key} | known
        return await works_of(self._client, self._call, self._settings, list(known.values()))


async def works_of(
    client: SapPmClient, call: Call, settings: SapPmSettings, rows: Collection[SapPmNotification]
) -> tuple[list[SapPmWork], list[SapPmUnreadableRow]]:
    """Notifications with their orders, and the reports on those whose order cannot be read or told."""
    orders: list[SapPmOrder] = []
    broken: dict[tuple[str, str], SapPmUnreadableRow] = {}
    wanted = {("MaintenanceNotification", row.number) for row in rows}
    wanted |= {("MaintenanceOrder", row.order) for row in rows if row.order}
    questions = list(_parts(sorted(wanted)))
    while questions:
        some = questions.pop(0)
        found, unreadable = await all_of(client, call, SapPmOrder, any_of(some), settings)
        if len(some) > 1 and not all(wanted.intersection(_names(row)) for row in unreadable):
            # An order that cannot be read may belong to any of these. Which one shows when fewer are asked for.
            questions += [some[: len(some) // 2], some[len(some) // 2 :]]
            continue
        orders += found
        for lost in unreadable:
            broken |= dict.fromkeys(wanted.intersection(_names(lost)) or some, lost)
    works: list[SapPmWork] = []
    reports: list[SapPmUnreadableRow] = list({row.report.digest: row for row in broken.values()}.values())
    for row in rows:
        if ("MaintenanceNotification", row.number) in broken or ("MaintenanceOrder", row.order) in broken:
            continue
        of_row = {
            order.number: order for order in orders if row.number == order.notification or row.order == order.number
        }
        try:
            works.append(SapPmWork(row, order_of(row, tuple(of_row.values()), settings)))
        except ValueError as error:
            report = unreadable_record(row, call.system, error)
            reports.append(SapPmUnreadableRow(report=report, date=row.stamp, ours=True))
    return works, reports


async def all_of(
    client: SapPmClient, call: Call, model: type[RowT], where: str, settings: SapPmSettings
) -> tuple[list[RowT], list[SapPmUnreadableRow]]:
    """All records for a filter that finds few, by their numbers.

    Raises:
        ActionRequired: it finds many.
    """
    name = "MaintenanceNotification" if model is SapPmNotification else "MaintenanceOrder"
    rows: dict[str, RowT] = {}
    unreadable: list[SapPmUnreadableRow] = []
    for _ in range(_MOST_PAGES):
        count = len(rows) + len(unreadable)
        page = await client.find(call, model, where, order_by=name, top=settings.page_size, skip=count)
        rows |= {row.number: row for row in page.rows}
        unreadable += page.unreadable
        if not page.more or not page.count:
            return list(rows.values()), unreadable
    raise call.error(ActionRequired, f"more than {len(rows)} records match; narrow the search by asset and time")


def any_of(fields: Iterable[tuple[str, str]]) -> str:
    """The filter for records of which some field has the value named."""
    return " or ".join(f"{name} eq {text_literal(value)}" for name, value in fields)


def _names(row: SapPmUnreadableRow) -> set[tuple[str, str]]:
    """By which fields an order that cannot be read is named."""
    named = {("MaintenanceOrder", row.report.record)}
    return named | {("MaintenanceNotification", row.notification)} if row.notification else named


def _parts(values: list[tuple[str, str]]) -> Iterable[list[tuple[str, str]]]:
    return (values[first : first + _AT_ONCE] for first in range(0, len(values), _AT_ONCE))
