"""Checks what verdicts were told of the work on an asset, from the earlier readings. Uses only standard Python.

A verdict is told what was read before its event, and nothing that was read after it.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import product

from millwright.audit.offline_following import FollowedReadings
from millwright.audit.offline_signatures import UNREADABLE, Row

MAINTENANCE_READ = "maintenance-read"
"""The kind of the acts that record readings."""


class _Histories:
    """What one CMMS said of the work on one asset: the times, and the digest of each history."""

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self.digests: list[str] = []

    def either(self, at: datetime) -> tuple[tuple[datetime, str] | None, tuple[datetime, str] | None]:
        """The last reading that was made before a time, of all and of all but the last one; None if there is none."""
        counted = len(self.times)
        return self._then(at, counted), self._then(at, max(counted - 1, 0))

    def _then(self, at: datetime, counted: int) -> tuple[datetime, str] | None:
        read = bisect_left(self.times, at, hi=counted)
        return (self.times[read - 1], self.digests[read - 1]) if read else None


class WorkThen(FollowedReadings):
    """Follows the readings of the work on assets, and checks whether a verdict was told what they say of its asset."""

    told_of = "asset"
    told_as = "maintenance"

    def __init__(self, acts: Iterable[tuple[int, Row]] = ()) -> None:
        super().__init__(acts)
        self._assets: dict[str, dict[str, _Histories]] = {}
        self._told: dict[str, tuple[int, int]] = {}
        """By asset: how many readings it had at its last ledger row with verdicts before, and that row."""

    def follow(self, act: Row) -> None:
        try:
            system, detail = act["subject"].split("/", 1)[1], act["detail"]
            at = datetime.fromisoformat(detail["read_at"])
            said = {asset: _digest(history) for asset, history in detail["said"].items()}
        except UNREADABLE:
            return
        for asset, digest in said.items():
            histories = self._assets.setdefault(asset, {}).setdefault(system, _Histories())
            histories.times.append(at)
            histories.digests.append(digest)

    def fault(self, asset: str, told: Row | None, at: datetime, seq: int, *, uses: bool | None) -> str | None:
        possible = [*self._possible(asset, at, seq)]
        if told is None:
            if not uses or None in possible:
                return None
            return f"it was not told the work on {asset}, which had been read"
        if uses is False:
            return f"it was told the work on {asset}, which its version does not use"
        if _digest(told) in possible:
            return None
        return f"what it was told of the work on {asset} is not what had been read before its event"

    def _possible(self, asset: str, at: datetime, seq: int) -> Iterator[str | None]:
        """The digests of what may be told of an asset at a time, by all readings, and for the asset's first row after a
        reading also without the last one of any system: a transaction may have missed that of one system and not that
        of another.
        """
        systems = [each for _, each in sorted(self._assets.get(asset, {}).items())]
        readings = sum(len(each.times) for each in systems)
        before, row = self._told.get(asset, (0, 0))
        first = before != readings or row == seq
        yield _newest(each.either(at)[0] for each in systems)
        if first:
            self._told[asset] = (readings, seq)
            # Few systems know an asset: it has moved from one to the other.
            for chosen in product(*(each.either(at) for each in systems)):
                yield _newest(chosen)


def _newest(found: Iterable[tuple[datetime, str] | None]) -> str | None:
    # Of two systems that were read at the same time, the first by name counts.
    last = max((known for known in found if known is not None), key=lambda known: known[0], default=None)
    return None if last is None else last[1]


def _digest(history: Row) -> str:
    text = json.dumps(history, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
