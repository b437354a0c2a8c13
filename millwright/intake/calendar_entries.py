"""What is read from one entry of a calendar: an event or a line of a table."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from domain.errors import Rejected
from millwright.storage.suppression.suppressions import PlannedWindow


class Entry(NamedTuple):
    """The windows of one entry, and a sentence for each of its times that clocks skip or repeat."""

    windows: list[PlannedWindow]
    odd: list[str]


def planned(where: str, told: Mapping[str, str | None], begins: datetime, ends: datetime) -> PlannedWindow:
    """A window.

    Args:
        where: the place of the entry, for the error.
        told: the properties or columns for the asset, the reason and the id, in that order, with their values.
        begins: its start.
        ends: its end.

    Raises:
        Rejected: one of them is missing.
    """
    values = [(value or "").strip() for value in told.values()]
    for field, value, what in zip(told, values, ("an asset", "a reason", "an id"), strict=True):
        if not value:
            raise wrong(where, f"it lacks {what}", f"{field} is its {what.split()[1]}", field)
    asset, reason, source = values
    return PlannedWindow(
        asset=asset, from_at=begins.astimezone(UTC), until_at=ends.astimezone(UTC), reason=reason, source=source
    )


def wrong(where: str, problem: str, fix: str, field: str) -> Rejected:
    """The refusal of an entry: its place, what is wrong in which property or column, and what to write instead."""
    return Rejected(f"{where}: {problem}", field=field, fix=fix)
