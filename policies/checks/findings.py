"""What a check finds in a version that compiles: where, how bad, and an anomaly that shows it."""

from dataclasses import dataclass
from enum import StrEnum

from policies.engine.trial import Situation
from policies.language.text import TextRejected


class Kind(StrEnum):
    """What is found."""

    UNREACHABLE = "unreachable"
    """A rule whose condition no anomaly meets."""
    SHADOWED = "shadowed"
    """A rule whose condition is met only where one before it decides."""
    OVERLAP = "overlap"
    """Two rules that ask for different things and both hold of some anomaly."""
    GAP = "gap"
    """Anomalies that a table takes no stand on, or that only the last rule of all decides."""
    CONTRADICTION = "contradiction"
    """Actions that cannot both be meant."""
    UNATTENDED = "unattended"
    """Machines that start again without a person saying that people are clear."""
    UNKNOWN = "unknown"
    """What could not be settled."""


@dataclass(frozen=True)
class Finding:
    """One finding. `complaint` says what and where; `witness` is a situation in which it shows, where there is one."""

    kind: Kind
    blocks: bool
    rules: tuple[str, ...]
    complaint: TextRejected
    witness: Situation | None = None

    @property
    def told_unasked(self) -> bool:
        """Whether a person is told of it unasked: it blocks publication, or somebody may come to harm."""
        return self.blocks or self.kind is Kind.UNATTENDED
