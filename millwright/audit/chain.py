"""Checks the hash chain: each row of the ledger against the row before it and against its leaves."""

from collections.abc import AsyncIterator, Sequence
from typing import Generic, Protocol, TypeVar

from domain.canonical import EMPTY_ROOT, merkle_root
from millwright.audit.report import Findings
from millwright.storage.audit.record_rows import LedgerRow
from millwright.storage.ledger.ledger import Head, row_hash


class Leaf(Protocol):
    """A row that is a leaf of the ledger."""

    @property
    def ledger_seq(self) -> int: ...
    @property
    def leaf(self) -> int: ...


LeafT = TypeVar("LeafT", bound=Leaf)


class Queue(Generic[LeafT]):
    """Rows in the order of the ledger, one ledger row at a time."""

    def __init__(self, pages: AsyncIterator[list[LeafT]]) -> None:
        self._pages = pages
        self._page: list[LeafT] = []
        self._next = 0

    async def until(self, seq: int | None) -> list[LeafT]:
        """All remaining rows up to this ledger row; None returns one page of the rest."""
        taken: list[LeafT] = []
        while True:
            if self._next == len(self._page):
                if seq is None and taken:
                    return taken
                self._page, self._next = await anext(self._pages, []), 0
                if not self._page:
                    return taken
            row = self._page[self._next]
            if seq is not None and row.ledger_seq > seq:
                return taken
            taken.append(row)
            self._next += 1


class Chain:
    """Follows the ledger from its first row to its head.

    Args:
        findings: collects the findings.
        published: a head published earlier, or None.
    """

    def __init__(self, findings: Findings, published: Head | None) -> None:
        self._findings = findings
        self._published = published
        self.last = Head(0, EMPTY_ROOT)
        self.rows = 0

    def follow(self, row: LedgerRow, leaves: Sequence[tuple[int, str, str]]) -> None:
        """Checks the next row.

        Args:
            leaves: place, digest and name of all leaves of this row, in the order of places.
        """
        where = f"ledger row {row.seq}"
        if row.seq != self.last.seq + 1:
            self._findings.add("ledger-gap", where, f"follows row {self.last.seq}")
        if row.previous != self.last.hash:
            self._findings.add("ledger-chain", where, "is not chained to the row before it")
        if row.hash != row_hash(row.seq, row.at, row.leaves, row.root, row.previous):
            self._findings.add("ledger-hash", where, "its hash is not that of its content")
        self._follow_leaves(row, leaves, where)
        published = self._published
        if published is not None and published.seq == row.seq and published.hash != row.hash:
            self._findings.add("published-head", where, "has another hash than was published: history was rewritten")
        self.last = Head(row.seq, row.hash)
        self.rows += 1

    def _follow_leaves(self, row: LedgerRow, leaves: Sequence[tuple[int, str, str]], where: str) -> None:
        for expected, (place, _, name) in enumerate(leaves):
            if place != expected:
                self._findings.add("ledger-leaf", where, f"leaf {expected} is missing before {name}")
                break
        if len(leaves) != row.leaves:
            problem = f"had {row.leaves} leaves and has {len(leaves)}: one was removed"
            if len(leaves) > row.leaves:
                problem = f"had {row.leaves} leaves and has {len(leaves)}: one was added"
            self._findings.add("ledger-leaf", where, problem)
        elif row.root != merkle_root([digest for _, digest, _ in leaves]):
            self._findings.add("ledger-root", where, "its root is not that of the verdicts and acts stored for it")

    def orphan(self, name: str, seq: int) -> None:
        """Reports a row without a row in the ledger."""
        self._findings.add("orphan", name, f"belongs to ledger row {seq}, which is not there")

    def end(self, head: Head) -> None:
        """Compares the last row with the stored head, and with the published one."""
        last = f"{self.last.seq}:{self.last.hash}"
        if head != self.last:
            self._findings.add("head", "ledger head", f"is not the last row, {last}")
        if self._published is not None and self._published.seq > self.last.seq:
            told = f"{self._published.seq}:{self._published.hash}"
            self._findings.add(
                "published-head", f"ledger row {self.last.seq}", f"is the last, but {told} was published: cut off"
            )
        if self._published is not None and self._published.seq == 0 and self._published.hash != EMPTY_ROOT:
            self._findings.add("published-head", "ledger row 0", "begins with another hash than was published")
