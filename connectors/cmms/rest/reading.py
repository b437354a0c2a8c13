"""Finds and reads orders, with what is asked beside them. It changes nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeVar

from connectors.call import Call
from connectors.cmms.rest import mapping
from connectors.cmms.rest.client import RestClient
from connectors.cmms.rest.description import RestAsset
from connectors.cmms.rest.expressions import RestExpressionFailed
from connectors.cmms.rest.mapping import RestRow
from connectors.cmms.rest.models import UnreadableRestOrder
from connectors.cmms.rest.requests import RestListing
from connectors.cmms.rest.rows import RestRowReading
from connectors.cmms.rest.settings import RestSettings
from domain.clock import Clock
from domain.errors import ActionRequired, ConnectorError
from domain.open_work import OpenWork
from domain.unreadable import UnreadableRecord
from domain.work_orders import WorkOrderRecord, WorkOrderRef

_FUTURE: Final = timedelta(days=1)
"""How far the clocks of the system and the plant may differ."""

PartT = TypeVar("PartT")


class RestReading:
    """Reads the orders of one system."""

    def __init__(self, client: RestClient, settings: RestSettings, system: str, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._description = settings.description.description
        order = needed(self._description.order)
        # Without a table of codes nobody asks what they are.
        self._order = order if settings.failure_modes else order.model_copy(update={"problem": None})
        self._system = system
        self._clock = clock

    @property
    def rows(self) -> RestRowReading:
        """How the rows of an answer are read now."""
        return RestRowReading(
            self._system,
            self._clock.now() + _FUTURE,
            self._client.without_secrets,
            self._order,
            self._client.known({}),
            self._settings.zone,
        )

    async def asset(self, call: Call, name: str, attributes: Mapping[str, str]) -> object:
        """The asset of a name of the crosswalk; None if the description looks none up.

        Raises:
            ActionRequired: the system has none, or several.
        """
        asset = self._description.asset
        if asset is None:
            return None
        found = await self.assets_named(call, asset, name, attributes)
        if len(found) == 1:
            return found[0]
        problem = "has no asset" if not found else f"has {len(found)} assets"
        raise call.error(
            ActionRequired,
            f"it {problem} named {name}; correct the asset there, or its name with `assets map`",
            field="asset",
        )

    async def assets_named(
        self, call: Call, asset: RestAsset, name: str, attributes: Mapping[str, str]
    ) -> list[object]:
        """The assets that have exactly a name of the crosswalk."""
        given = {"wanted.asset": name, "wanted.attributes": dict(attributes)}
        found = []
        for row in await self._client.rows(call, asset.listing, given):
            try:
                if asset.name.name_of(self._client.known({"row": row})) == name:
                    found.append(row)
            except RestExpressionFailed as error:
                raise self._client.failed(call, error) from None
        return found

    async def search(self, call: Call, listing: RestListing, given: Mapping[str, object]) -> list[RestRow]:
        """The orders of a list, oldest first.

        Raises:
            ActionRequired: one cannot be read. It may be the one that is looked for.
        """
        rows, unreadable = self.rows.each(await self._client.rows(call, listing, given))
        for bad in unreadable:
            raise self._client.unreadable(call, bad.report)
        return sorted(rows, key=lambda row: (row.created_at, row.id))

    async def open_work(self, call: Call, given: Mapping[str, object]) -> OpenWork:
        """The open orders on the first page of those of an asset, newest first."""
        listing = self._description.find_open or needed(self._description.find_by_asset)
        page = await self._client.page(call, listing, given)
        rows, unreadable = self.rows.each(page.rows)
        words = [bad.report.words for bad in unreadable]
        orders = []
        for row in sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True):
            try:
                order = mapping.open_order(row, self._order, self._client.known({}), self._system)
            except RestExpressionFailed as error:
                words.append(self.rows.report(row.content, row.id, error.place, error.reason).words)
            else:
                orders += [] if order.status.finished else [order]
        return OpenWork(orders=tuple(orders), unreadable=tuple(words), complete=page.onward is None)

    async def with_key(self, call: Call, key: str) -> list[RestRow]:
        """The orders with our key. A search may find others too, which only contain it.

        Raises:
            ActionRequired: one has the key in one field, and the key of another case in another field.
        """
        found = []
        for row in await self.search(call, needed(self._description.find), {"wanted.key": key}):
            if key in row.keys and len(row.keys) > 1:
                raise call.error(
                    ActionRequired,
                    f"{row.id} has the keys of two cases, {' and '.join(row.keys)}; take off the wrong one",
                    field=self._key_field,
                )
            if key in row.keys:
                found.append(row)
        return found

    async def current(self, call: Call, ref: WorkOrderRef) -> RestRow | None:
        """The order of a reference as it is now; None if it is gone.

        Only a reference without a locator is looked for by its key and its number: another order with the key is not
        the one that was made.

        Raises:
            ActionRequired: another key is on it, or it cannot be read.
        """
        if ref.locator is None:
            found = await self.with_key(call, ref.key) if ref.key else []
            return next((row for row in found if row.id == ref.id), None)
        row = await self.at(call, ref.locator)
        if row is not None and row.keys and row.keys != (ref.key,):
            raise call.error(
                ActionRequired,
                f"{row.id} carries {' and '.join(row.keys)} now, "
                + ("not only the key of its case" if ref.key else "though a person made it"),
                field=self._key_field,
            )
        return row

    async def unchanged(self, call: Call, row: RestRow) -> bool:
        """Whether an order is still as it was when it was judged."""
        now = await self.at(call, row.locator)
        return now is not None and now.version == row.version

    async def record(self, call: Call, row: RestRow, key: str | None = None) -> WorkOrderRecord:
        """An order as ours, with what is asked beside it.

        Raises:
            ActionRequired: it has values that no record can have.
            ConnectorError: what is asked beside it is refused.
        """
        read = await self.record_or_report(call, row, key)
        if isinstance(read, UnreadableRecord):
            raise self._client.unreadable(call, read)
        if isinstance(read, ConnectorError):
            raise read
        return read

    async def record_or_report(
        self, call: Call, row: RestRow, key: str | None = None
    ) -> WorkOrderRecord | UnreadableRecord | ConnectorError:
        """An order as ours, or why it cannot be read: of its own values, or of what is refused beside it."""
        given: dict[str, object] = {"row": row.content, "us": await self._client.user(call)}
        for name, listing in self._description.beside.items():
            rows = await self._client.rows_beside(call, listing, {"row": row.content, "order.locator": row.locator})
            if isinstance(rows, ConnectorError):
                return rows
            given[f"beside.{name}"] = rows
        try:
            return mapping.record_of(
                row,
                self._client.known(given),
                self._description,
                self._order,
                self._system,
                self._settings.zone,
                key,
            )
        except RestExpressionFailed as error:
            return self.rows.report(row.content, row.id, error.place, error.reason)
        except (ValueError, OverflowError) as error:
            return self.rows.report(row.content, row.id, None, str(error).splitlines()[0])

    async def at(self, call: Call, locator: str) -> RestRow | None:
        """The order at a locator; None if it is gone.

        Raises:
            ActionRequired: it cannot be read, or is not there without a proof that it is gone.
        """
        read = needed(self._description.read)
        statuses = read.gone.statuses
        reply = await self._client.send(call, read.request, {"order.locator": locator}, also=statuses)
        if reply.status_code in statuses:
            proof = await self._client.send(call, read.gone.proof, {}, also=statuses)
            if proof.status_code in statuses:
                raise call.error(
                    ActionRequired,
                    f"it shows neither the order nor what must be there (HTTP {proof.status_code}): our user may not "
                    "see it, or a value of the settings is wrong",
                    field=f"read.gone.proof of {self._settings.description.file}",
                )
            return None
        content = await self._client.record(call, await self._client.body(call, reply))
        row = self.rows.one(content)
        if isinstance(row, UnreadableRestOrder):
            raise self._client.unreadable(call, row.report)
        if row.locator != locator:
            raise call.error(
                ActionRequired,
                f"it answers with the order {row.locator} for {locator}",
                field=self._order.locator.place,
            )
        return row

    @property
    def _key_field(self) -> str:
        key = self._order.key
        source = key.field or key.title or key.text
        return self._order.id.place if source is None else source.place


def needed(part: PartT | None) -> PartT:
    """A part that every description has that the settings accept."""
    if part is None:
        raise ValueError("the description is not complete")
    return part


async def all_records(reading: RestReading, call: Call, rows: Sequence[RestRow]) -> list[WorkOrderRecord]:
    """Orders as ours, in the same order."""
    return list(await asyncio.gather(*(reading.record(call, row) for row in rows)))
