"""The memory that the verdicts so far left behind, of each fault under each version."""

from collections import OrderedDict
from typing import NamedTuple

from domain.canonical import canonical, sha256
from domain.verdict import Memory
from millwright.storage.audit.record_rows import VerdictRow

_KEPT = 20_000


class LeftMemory(NamedTuple):
    """A memory and its digest."""

    digest: str
    memory: Memory


_EMPTY = LeftMemory(sha256(canonical(Memory())), Memory())


class LastMemories:
    """Follows all verdicts in the order of the ledger.

    It keeps the last position of each fault, which grows with the plant and not with the verdicts, and the memories of
    the faults that were judged last. Others are looked up: of late events, and of faults that were quiet for long.
    """

    def __init__(self) -> None:
        self._positions: dict[tuple[str, str, str], str] = {}
        self._memories: OrderedDict[tuple[str, str, str], LeftMemory] = OrderedDict()

    def keep(self, row: VerdictRow, left: LeftMemory | None) -> None:
        """Keeps what a verdict left behind, if none is on a later event of its fault; None if it must be looked up."""
        key = _key(row)
        if row.position < self._positions.get(key, ""):
            return
        self._positions[key] = row.position
        self._memories.pop(key, None)
        if left is None:
            return
        self._memories[key] = left
        if len(self._memories) > _KEPT:
            self._memories.popitem(last=False)

    def before(self, row: VerdictRow) -> LeftMemory | None:
        """The memory that the last verdict before a position left behind, the empty one if there was none; None if it
        must be looked up."""
        last = self._positions.get(_key(row))
        if last is None:
            return _EMPTY
        return self._memories.get(_key(row)) if last < row.position else None


def _key(row: VerdictRow) -> tuple[str, str, str]:
    return row.version, row.asset, row.failure_mode
