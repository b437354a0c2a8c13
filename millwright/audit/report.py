"""The result of an audit."""

from collections.abc import Iterable

from domain.model import Model

KEPT = 1_000
"""Maximum number of named findings; the rest are only counted, so that a damaged record does not fill the memory."""


class AuditFinding(Model):
    """One difference: its kind, the row, and a sentence."""

    kind: str
    where: str
    what: str


class VerdictCount(Model):
    """The number of stored verdicts, and of reproduced ones."""

    stored: int
    reproduced: int


class TimingCount(Model):
    """The number of times for work that were decided, of those that were decided again with the same result, and of
    those of earlier builds, which did not record what they were decided from."""

    decided: int = 0
    reproduced: int = 0
    undated: int = 0


class EngineCount(Model):
    """The number of verdicts of an engine, and of those that the present engine reproduced.

    `engine` is its digest, None for verdicts from before engines were recorded; `build` and `python` are those of its
    first use, and `libraries` are those that it judges with.
    """

    engine: str | None
    build: str | None
    python: str | None
    libraries: str | None
    stored: int
    reproduced: int

    @property
    def name(self) -> str:
        """The engine as a short text."""
        if self.engine is None:
            return "an engine of before engines were recorded"
        return f"engine {self.engine[:12]} (build {self.build})"


class SettingsCount(Model):
    """The acts by which processes of a kind took settings that steer, and the ledger row of the first and the last."""

    process: str
    taken: int
    first: int
    last: int


class Report(Model):
    """The result of `verify`. `head` is the last row of the ledger, as `SEQ:HASH`.

    `local_acts` is the number of acts by `local`, whom nothing in the record identifies. `unattested_acts` is the
    number of acts of persons that were recorded while no installation key was in force. `unshown_codes` is the number
    of enrolments of earlier builds, which have only the hash of the code. `unsealed` is the number of messages and
    receipts that were received before the given time and are not sealed.

    `engine` is the digest of the present engine, `made_by` the engines of the stored verdicts, the oldest first.
    `settings` says for each kind of process since when its settings that steer are in the record.
    `register_held` is false for a register of an earlier build that has not changed since: its rows are not recorded.
    """

    rows: int
    acts: int
    local_acts: int = 0
    unattested_acts: int = 0
    unshown_codes: int = 0
    unsealed: int = 0
    verdicts: VerdictCount
    timings: TimingCount = TimingCount()
    versions: int
    head: str
    engine: str
    made_by: tuple[EngineCount, ...]
    settings: tuple[SettingsCount, ...] = ()
    register_held: bool
    found: int
    findings: tuple[AuditFinding, ...]

    @property
    def verified(self) -> bool:
        """Whether everything agrees and every verdict was reproduced."""
        return self.found == 0 and self.verdicts.reproduced == self.verdicts.stored


class Findings:
    """Collects findings, the first of them with their texts."""

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
