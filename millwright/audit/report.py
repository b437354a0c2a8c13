"""What an audit found."""

from collections.abc import Iterable

from domain.model import Model

KEPT = 1_000
"""How many findings a report names; the rest are counted, so that a ruined record does not fill the memory."""


class AuditFinding(Model):
    """One thing that does not agree: its kind, the row, and in words."""

    kind: str
    where: str
    what: str


class VerdictCount(Model):
    """How many verdicts are stored, and how many were made again and came out the same."""

    stored: int
    reproduced: int


class EngineCount(Model):
    """How many verdicts an engine gave, and how many of them the present engine gave again and came to the same.

    `engine` is its digest, None for verdicts older than the record of engines; `build` and `python` are what it was
    first seen in, and `libraries` are those that it judges with.
    """

    engine: str | None
    build: str | None
    python: str | None
    libraries: str | None
    stored: int
    reproduced: int

    @property
    def name(self) -> str:
        """The engine in a few words."""
        if self.engine is None:
            return "an engine of before engines were recorded"
        return f"engine {self.engine[:12]} (build {self.build})"


class Report(Model):
    """What `verify` says of a record. `head` is the last row of the ledger, as `SEQ:HASH`.

    `engine` is the digest of the engine that judged again, `made_by` those whose verdicts are stored, the oldest first.
    """

    rows: int
    acts: int
    verdicts: VerdictCount
    versions: int
    head: str
    engine: str
    made_by: tuple[EngineCount, ...]
    found: int
    findings: tuple[AuditFinding, ...]

    @property
    def verified(self) -> bool:
        """Whether everything agrees and every verdict was reproduced."""
        return self.found == 0 and self.verdicts.reproduced == self.verdicts.stored


class Findings:
    """Collects findings, the first of them by name."""

    def __init__(self) -> None:
        self.kept: list[AuditFinding] = []
        self.found = 0

    def add(self, kind: str, where: str, what: str) -> None:
        """Counts a finding, and keeps it while there is room."""
        self.found += 1
        if len(self.kept) < KEPT:
            self.kept.append(AuditFinding(kind=kind, where=where, what=what))

    def extend(self, found: Iterable[tuple[str, str, str]]) -> None:
        """Counts several."""
        for kind, where, what in found:
            self.add(kind, where, what)
