"""Finds and reads requests and orders of Atlas, with what is known beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.call import Call
from connectors.cmms.atlas import mapping
from connectors.cmms.atlas.client import ORDERS, REQUESTS, AtlasClient, AtlasFilter, AtlasKind, at_or_after
from connectors.cmms.atlas.models import AtlasAsset, AtlasOrder, AtlasRequest
from connectors.cmms.atlas.rows import AtlasRecord, AtlasRecordReading
from connectors.cmms.atlas.settings import AtlasSettings
from connectors.rows import Rows, UnreadableRow
from domain.clock import Clock
from domain.errors import ActionRequired, ConnectorError
from domain.work_orders import RecordKind, WorkOrderRecord, WorkOrderRef

_FUTURE: Final = timedelta(days=1)
"""How far the clocks of Atlas and the plant may differ."""
_NOTHING_READ: Final[Mapping[int, str]] = {}


@dataclass(frozen=True)
class AtlasOpenRecords:
    """Open orders and waiting requests of an asset.

    Args:
        unreadable: those that cannot be read, each with the reason.
        complete: whether these are all.
    """

    rows: tuple[AtlasRecord, ...]
    unreadable: tuple[str, ...]
    complete: bool


class AtlasReading:
    """Reads records of one Atlas. It changes nothing there."""

    def __init__(self, client: AtlasClient, settings: AtlasSettings, system: str, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._system = system
        self._clock = clock
        self._asset_names: dict[int, str] = {}

    @property
    def rows(self) -> AtlasRecordReading:
        """How the rows of an answer are read now."""
        return AtlasRecordReading(self._system, self._clock.now() + _FUTURE, self._client.without_secrets)

    async def asset(self, call: Call, name: str) -> AtlasAsset:
        """The asset of a name of the crosswalk.

        Raises:
            ActionRequired: Atlas has none, or several.
        """
        field = self._settings.asset_field
        found = await self._client.assets_named(call, name)
        if len(found) == 1:
            self._asset_names[found[0].id] = self.name_of(found[0], name)
            return found[0]
        problem = "has no asset" if not found else f"has {len(found)} assets"
        raise call.error(
            ActionRequired,
            f"it {problem} with the {field} {name}; correct the asset there, or its name with `assets map`",
            field=field,
        )

    def name_of(self, asset: AtlasAsset, asked: str) -> str:
        """The crosswalk's name of an asset that was found by a name."""
        return mapping.asset_name(asset, self._settings) or asked

    def forget_asset_names(self) -> None:
        """Asks for each name again. People may rename an asset, or give its name to another one."""
        self._asset_names.clear()

    async def search(self, call: Call, filters: Sequence[AtlasFilter]) -> list[AtlasRecord]:
        """The requests and orders that match, oldest first. A request that became an order is left out for the order.

        Raises:
            ActionRequired: one cannot be read. It may be the one that is looked for.
        """
        orders = await self._all(call, ORDERS, filters)
        requests = await self._all(call, REQUESTS, filters)
        parents = {row.parentRequest.id for row in orders if isinstance(row, AtlasOrder) and row.parentRequest}
        found = [*orders]
        for row in requests:
            if row.id in parents:
                continue
            # The search may be older than the approval, or a person took our key off the order.
            made = row.workOrder.id if isinstance(row, AtlasRequest) and row.workOrder is not None else None
            order = await self.by_id(call, ORDERS, made) if made is not None else None
            found.append(order or row)
        return sorted(found, key=lambda row: (row.createdAt, row.id))

    async def newest_open(self, call: Call, asset: int, since: datetime) -> AtlasOpenRecords:
        """The newest open orders of an asset, and the newest requests for it that wait, newest first."""
        filters = (AtlasFilter("asset", "eq", asset), at_or_after("createdAt", since))
        is_open = AtlasFilter("status", "in", "", values=mapping.OPEN_STATUSES, kind="STATUS")
        found: list[AtlasRecord] = []
        unreadable: list[str] = []
        complete = True
        for kind, wanted in ((ORDERS, (*filters, is_open)), (REQUESTS, filters)):
            page = await self._client.search(call, kind, wanted, "id", direction="DESC")
            rows, bad = self.rows.each(kind, page.content)
            found += rows
            unreadable += [row.report.words for row in bad]
            complete = complete and page.last
        records = tuple(row for row in found if not mapping.is_closed(row))
        newest_first = tuple(sorted(records, key=lambda row: (row.createdAt, row.id), reverse=True))
        return AtlasOpenRecords(newest_first, tuple(unreadable), complete)

    async def with_key(self, call: Call, key: str, filters: Sequence[AtlasFilter] = ()) -> list[AtlasRecord]:
        """The records with our key that match the filters too.

        Raises:
            ActionRequired: one has the key in one field, and the key of another case in another field.
        """
        found = []
        for row in await self.search(call, (AtlasFilter("title", "cn", key), *filters)):
            keys = mapping.keys_on(row)
            if key in keys and len(keys) > 1:
                raise call.error(
                    ActionRequired,
                    f"{row.number} has the keys of two cases, {' and '.join(keys)}, in its title and its "
                    "description; take off the wrong one",
                    field="title",
                )
            if key in keys:
                found.append(row)
        return found

    async def by_id(self, call: Call, kind: AtlasKind, number: int) -> AtlasRecord | None:
        """A request or an order by its id; None if it is gone.

        Raises:
            ActionRequired: it cannot be read.
        """
        content = await self._client.content(call, kind, number)
        return None if content is None else self._readable(call, self.rows.one(kind, content))

    async def unchanged(self, call: Call, row: AtlasRecord) -> dict[str, Any] | None:
        """A record as it is now, to be changed at once; None if somebody changed it since it was read, or it is gone.

        A row may be older than what was asked beside it, and Atlas itself refuses no change of a changed record.

        Raises:
            ActionRequired: it cannot be read.
        """
        kind = REQUESTS if isinstance(row, AtlasRequest) else ORDERS
        content = await self._client.content(call, kind, row.id)
        if content is None or self._readable(call, self.rows.one(kind, content)).stamp != row.stamp:
            return None
        return content

    async def current(self, call: Call, ref: WorkOrderRef) -> AtlasRecord | None:
        """What a reference stands for now: a request that waits or was rejected, or the order; None if it is gone.

        Atlas forgets a deleted order also in its request, which waits again then. So a locator names both, once there
        is an order, and the request of a deleted order is not taken for one that waits. Only a reference without a
        locator is looked for by its key and its number: another record with the key is not the one that was made.

        Raises:
            ActionRequired: another key is on it.
        """
        request, order = _ids(ref)
        row: AtlasRecord | None = None
        if request is not None:
            row = await self.by_id(call, REQUESTS, request)
            if isinstance(row, AtlasRequest) and row.workOrder is not None:
                row = await self.by_id(call, ORDERS, row.workOrder.id)
            elif order is not None:
                row = await self.by_id(call, ORDERS, order)
        elif order is not None:
            row = await self.by_id(call, ORDERS, order)
        elif ref.key:
            found = await self.with_key(call, ref.key)
            row = next((each for each in found if mapping.ref_of(each, self._system, ref.key).same_record(ref)), None)
        if row is not None:
            self._check_key(call, row, ref.key)
        return row

    async def record(
        self,
        call: Call,
        row: AtlasRecord,
        ref: WorkOrderRef | None = None,
        names: Mapping[int, str] = _NOTHING_READ,
    ) -> WorkOrderRecord:
        """A record as ours.

        Args:
            names: the crosswalk's names of assets that this call has read, by their ids.

        Raises:
            ActionRequired: it has values that no record can have.
            ConnectorError: what is asked beside it is refused.
        """
        view = await self.view(call, row, names)
        if isinstance(view, ConnectorError):
            raise view
        try:
            return mapping.record_of(row, view, self._settings, ref)
        except mapping.UNMAPPABLE as error:
            report = mapping.unreadable_record(row, self._system, error)
            raise self._client.unreadable(call, report) from None

    async def view(
        self, call: Call, row: AtlasRecord, names: Mapping[int, str] = _NOTHING_READ
    ) -> mapping.AtlasView | ConnectorError:
        """What is known beside a row, or why Atlas does not tell it."""
        user = await self._client.user(call)
        known = names.get(row.asset.id) if row.asset is not None else None
        asset = await self._asset_name(call, row.asset) if known is None else known
        if isinstance(asset, ConnectorError):
            return asset
        work = await self._work(call, row.id) if mapping.needs_work(row, user, self._settings) else None
        return work if isinstance(work, ConnectorError) else mapping.AtlasView(self._system, user, asset, work)

    async def _work(self, call: Call, order: int) -> mapping.AtlasWork | ConnectorError:
        """What people did on an order beside the order itself."""
        comments = await self._client.comments(call, order)
        if isinstance(comments, ConnectorError):
            return comments
        labor = await self._client.labor(call, order)
        if isinstance(labor, ConnectorError):
            return labor
        parts = await self._client.parts(call, order)
        return parts if isinstance(parts, ConnectorError) else mapping.AtlasWork(comments or Rows((), ()), labor, parts)

    async def _asset_name(self, call: Call, asset: AtlasAsset | None) -> str | ConnectorError | None:
        """The crosswalk's name of a record's asset. A record itself has only the asset's name and custom id."""
        if asset is None or self._settings.asset_field in ("name", "customId"):
            return mapping.asset_name(asset, self._settings)
        name = self._asset_names.get(asset.id)
        if name is None:
            found = await self._client.asset(call, asset.id)
            if isinstance(found, ConnectorError):
                return found
            name = mapping.asset_name(found, self._settings)
            if name is not None:
                self._asset_names[asset.id] = name
        return name

    async def _all(self, call: Call, kind: AtlasKind, filters: Sequence[AtlasFilter]) -> list[AtlasRecord]:
        found: dict[int, AtlasRecord] = {}
        number = 0
        while True:
            page = await self._client.search(call, kind, filters, "id", number)
            rows, unreadable = self.rows.each(kind, page.content)
            for bad in unreadable:
                self._readable(call, bad)
            found |= {row.id: row for row in rows}
            if page.last or not page.content:
                return list(found.values())
            number += 1

    def _readable(self, call: Call, read: AtlasRecord | UnreadableRow) -> AtlasRecord:
        if isinstance(read, UnreadableRow):
            raise self._client.unreadable(call, read.report)
        return read

    def _check_key(self, call: Call, row: AtlasRecord, key: str) -> None:
        """Refuses a record that has another key than the case's, or one though it is a person's. Without any key it is
        still the one of its place."""
        keys = mapping.keys_on(row)
        if keys and keys[0] != key:
            expected = "not the key of its case" if key else "though a person made it"
            raise call.error(
                ActionRequired,
                f"{row.number} carries {keys[0]} in its title or description now, {expected}",
                field="title",
            )


def _ids(ref: WorkOrderRef) -> tuple[int | None, int | None]:
    """The ids of the request and of the order that a locator names."""
    first, _, second = (ref.locator or "").partition("/")
    if ref.kind is RecordKind.REQUEST:
        return _number(first), _number(second)
    return None, _number(first)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
