"""Collects the completed work on the assets that a CMMS was asked for, record by record: one that cannot be read hides
no other, and makes unknown what it may be of."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from pydantic import ValidationError

from connectors.json_reading import first_fault
from domain.completed_work import ToldWork
from domain.unreadable import content_text

logger = logging.getLogger(__name__)

AssetWork = tuple[str, ToldWork | None]
"""The name of an asset, and the work of a record on it; None if the record tells of no completed work."""

WorkOfAssets = tuple[tuple[ToldWork, ...] | None, ...]
"""What `domain.cmms_offers.WorkLister` tells."""


def id_of(content: object) -> object:
    """By what a record is the same on two pages: its number under `id`, else all that it has."""
    number = content.get("id") if isinstance(content, dict) else None
    return number if isinstance(number, int) else content_text(content)


class CollectedWork:
    """The work on some assets.

    Args:
        system: the instance, for the log.
        names: the names of the assets that were asked for, as the records have them.
        since: work that was done earlier is left out.
    """

    def __init__(self, system: str, names: Iterable[str], since: datetime) -> None:
        self._system = system
        self._since = since
        self._work: dict[str, list[ToldWork]] = {name: [] for name in names}
        self._unknown: set[str] = set()
        self._named: set[str] = set()
        """Those that a record names."""

    def add(
        self, contents: Iterable[object], read: Callable[[object], AssetWork], asset_of: Callable[[object], object]
    ) -> None:
        """Takes the records of an answer over.

        Args:
            read: reads one record, or raises a `ValidationError` or another `ValueError`. Work on an asset that was not
                asked for may be of any: the CMMS may write its name otherwise.
            asset_of: the name of the asset of a record that cannot be read; anything else if that cannot be told.
        """
        for content in contents:
            try:
                name, work = read(content)
            except (ValueError, OverflowError) as error:
                self._left_unread(asset_of(content), error)
                continue
            self._named.add(name)
            if work is None:
                continue
            if name not in self._work:
                self._left_unread(name, ValueError(f"it is of asset {name}, which was not asked for"))
            elif work.done_at >= self._since:
                self._work[name].append(work)

    def unproved(self) -> set[str]:
        """The assets of which no record was read: the CMMS may not know them."""
        return set(self._work) - self._named - self._unknown

    def leave_unknown(self, name: str, problem: str) -> None:
        """Tells nothing of an asset for which the CMMS cannot be asked."""
        self._unknown.add(name)
        logger.warning("%s: the work on %s is unknown: %s", self._system, name, problem)

    def told(self, names: Sequence[str]) -> WorkOfAssets:
        """The work on each of these assets; None if a record that may be of it cannot be read, or if the CMMS cannot
        be asked for it."""
        unknown = {name for name in names if name in self._unknown or name not in self._work}
        return tuple(None if name in unknown else tuple(self._work[name]) for name in names)

    def _left_unread(self, name: object, error: Exception) -> None:
        place, problem = first_fault(error) if isinstance(error, ValidationError) else ("", str(error))
        concerned = {name} if isinstance(name, str) and name in self._work else set(self._work)
        self._unknown |= concerned
        whose = next(iter(concerned)) if len(concerned) == 1 else f"{len(concerned)} assets"
        logger.warning(
            "%s: the work on %s is unknown: a record cannot be read: %s %s", self._system, whose, place, problem
        )
