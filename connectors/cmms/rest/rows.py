"""Rows of orders, read one by one: one that cannot be read is set aside with its reason, and the others are taken."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.cmms.rest.description import RestOrder
from connectors.cmms.rest.expressions import RestExpression, RestExpressionFailed, is_damaged
from connectors.cmms.rest.mapping import RestRow, keys_on, row_of
from connectors.cmms.rest.models import UnreadableRestOrder
from connectors.rows import RecordReading


@dataclass(frozen=True)
class RestRowReading(RecordReading):
    """How the rows of one answer are read.

    Args:
        order: how the description reads an order.
        site: the values of the site.
        zone: of times without an offset.
    """

    order: RestOrder
    site: Mapping[str, object]
    zone: ZoneInfo

    def each(self, contents: Iterable[object]) -> tuple[list[RestRow], list[UnreadableRestOrder]]:
        """The rows, each once, and those that cannot be read. If an order comes with two keys, neither is believed."""
        found: dict[str, list[RestRow]] = {}
        unreadable: list[UnreadableRestOrder] = []
        for place, content in enumerate(contents, start=1):
            read = self.one(content, place)
            if isinstance(read, UnreadableRestOrder):
                unreadable.append(read)
            elif read not in found.setdefault(read.locator, []):
                found[read.locator].append(read)
        rows: list[RestRow] = []
        for same in found.values():
            if len({row.keys for row in same}) > 1:
                unreadable += [
                    self.set_aside(row.content, row.id, self.order.locator.place, "came with two keys", row.changed_at)
                    for row in same
                ]
            else:
                rows.append(max(same, key=lambda row: row.changed_at))
        return rows, unreadable

    def one(self, content: object, place: int = 1) -> RestRow | UnreadableRestOrder:
        """One row, or why it cannot be read."""
        try:
            row = row_of(content, self.order, self.site, self.zone)
        except RestExpressionFailed as error:
            name = self._name(content) or f"row {place} of a page"
            return self.set_aside(content, name, error.place, error.reason, self._date(content))
        if row.changed_at > self.latest:
            return self.set_aside(content, row.id, self.order.changed_at.place, self.in_future, None)
        return row

    def set_aside(
        self, content: object, name: str, field: str | None, reason: str, changed_at: datetime | None
    ) -> UnreadableRestOrder:
        """A row that cannot be read, with its report."""
        return UnreadableRestOrder(self.report(content, name, field, reason), changed_at, self._may_be_ours(content))

    def _may_be_ours(self, content: object) -> bool:
        """Whether a row has our key, or a key that cannot be read."""
        try:
            return bool(keys_on(self.order, {**self.site, "row": content}))
        except RestExpressionFailed:
            return True

    def _name(self, content: object) -> str | None:
        return self._text(self.order.id, content) or self._text(self.order.locator, content)

    def _text(self, source: RestExpression, content: object) -> str | None:
        try:
            text = source.text_of({**self.site, "row": content})
        except RestExpressionFailed:
            return None
        return text if text is not None and not is_damaged(text) else None

    def _date(self, content: object) -> datetime | None:
        try:
            moment = self.order.changed_at.moment_of({**self.site, "row": content}, self.zone)
        except RestExpressionFailed:
            return None
        return moment if moment is not None and moment <= self.latest else None
