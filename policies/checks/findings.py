"""The findings of a check in a version that compiles: place, kind, and an example anomaly."""

from dataclasses import dataclass
from enum import StrEnum

from policies.engine.trial import Situation
from policies.language.text import TextRejected


class Kind(StrEnum):
    """The kind of a finding."""

    UNREACHABLE = "unreachable"
    """A rule whose condition is true for no anomaly."""
    SHADOWED = "shadowed"
    """A rule whose condition is true only when an earlier rule decides."""
    OVERLAP = "overlap"
    """Two rules that ask for different things and both match some anomaly."""
    GAP = "gap"
    """Anomalies that no row of a table matches, or that only the last rule decides."""
    CONTRADICTION = "contradiction"
    """Actions that contradict each other."""
    UNATTENDED = "unattended"
    """Machines that start again without a person stating that people are clear."""
    UNASKED = "unasked"
    """Machines that are held without production having accepted it."""
    UNPRICED = "unpriced"
    """A fault whose consequence has no price and that may be delayed or priced; or no fault that is declared so."""
    UNREAD = "unread"
    """A rule that also decides while it is not known what the machine does, or which work was done on the asset, and
    does not say so."""
    UNBOUNDED = "unbounded"
    """Classes of assets whose new orders are not bounded, in a version that bounds those of others."""
    UNKNOWN = "unknown"
    """A claim that could be neither proved nor refuted."""


@dataclass(frozen=True)
class Finding:
    """One finding. `complaint` has the text and place; `witness` is an example situation, if there is one."""

    kind: Kind
    blocks: bool
    rules: tuple[str, ...]
    complaint: TextRejected
    witness: Situation | None = None

    @property
    def told_unasked(self) -> bool:
        """Whether it is shown without `--notes`: it blocks publication, or something may be done or left undone
        that its author did not mean."""
        return self.blocks or self.kind in (Kind.UNATTENDED, Kind.UNPRICED, Kind.UNREAD, Kind.UNBOUNDED)
