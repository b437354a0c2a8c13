"""Which policy versions judge an asset: assignments, their scopes, and their precedence.

An assignment never changes. It is recorded at one time and in force from another. A separate record ends it early. So
"what was in force at T" can be answered from all records, and from those that existed at any earlier time.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from domain.model import Model

AssignedAs = Literal["active", "canary", "shadow"]
EndedBy = Literal["withdrawn", "rolled_back", "graduated", "halted"]
_EVER = datetime.max.replace(tzinfo=UTC)


class Place(Model):
    """The place of an asset in the hierarchy. For a line, only `line` and `site` are set."""

    asset: str | None = None
    machine: str | None = None
    asset_class: str | None = None
    line: str | None = None
    site: str | None = None


class Scope(Model):
    """The assets of an assignment: all, those of one site, line or asset class, or a percentage of the machines.

    `percent` is above 0 and below 100. A larger percentage contains every machine of a smaller one.
    """

    line: str | None = None
    site: str | None = None
    asset_class: str | None = None
    percent: float | None = None

    @property
    def specificity(self) -> int:
        """How narrow the scope is, from 0: all assets, a percentage, a site, a class, a line."""
        ranks = (self.percent, self.site, self.asset_class, self.line)
        return max((rank for rank, value in enumerate(ranks, start=1) if value is not None), default=0)

    @property
    def words(self) -> str:
        """The scope as people read it and sign it."""
        if self.line is not None:
            return f"line {self.line}"
        if self.asset_class is not None:
            return f"class {self.asset_class}"
        if self.site is not None:
            return f"site {self.site}"
        if self.percent is not None:
            return f"{self.percent:g} percent of machines"
        return "every line"

    def contains(self, other: "Scope") -> bool:
        """Whether every asset of another scope is in this one, whatever the register says."""
        if self == other or self == Scope():
            return True
        return self.percent is not None and other.percent is not None and other.percent <= self.percent

    def covers(self, place: Place) -> bool:
        """Whether an asset at this place is in the scope."""
        if self.line is not None:
            return place.line == self.line
        if self.asset_class is not None:
            return place.asset_class == self.asset_class
        if self.site is not None:
            return place.site == self.site
        if self.percent is not None:
            return (drawn := place.machine or place.asset) is not None and share_of(drawn) < self.percent
        return True


EVERYWHERE = Scope()


def share_of(machine: str) -> float:
    """A number from 0 to below 100 that is derived from the machine's id and never changes.

    All components of a machine have the same number, because a hold stops the whole machine.
    """
    return int.from_bytes(hashlib.sha256(machine.encode()).digest()[:8], "big") / 2**64 * 100


@dataclass(frozen=True, slots=True)
class End:
    """When an assignment ends, and when that was recorded."""

    at: datetime
    recorded_at: datetime
    cause: EndedBy


@dataclass(frozen=True, slots=True)
class FreezeWindow:
    """A period in which no version comes into force. `thawed_at` is None unless somebody has lifted it."""

    id: int
    begins_at: datetime
    ends_at: datetime
    recorded_at: datetime
    thawed_at: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether a time is in the window, and the window is not lifted by then."""
        return self.begins_at <= at < self.ends_at and (self.thawed_at is None or at < self.thawed_at)

    def keeps_out(self, start: datetime, known_at: datetime) -> bool:
        """Whether what was to start at a time does not, by the records up to `known_at`.

        A window that was declared when it had already started changes nothing.
        """
        if self.recorded_at >= start or self.recorded_at > known_at or not self.begins_at <= start < self.ends_at:
            return False
        return self.thawed_at is None or self.thawed_at > min(start, known_at)


@dataclass(frozen=True, slots=True)
class Placement:
    """An assignment of a version.

    `expires_at` is set for an emergency change, which ends then unless the version was approved before. `approved_at`
    is the time of that approval. `freezes` are the windows in which it may not start: none for a shadow, a rollback and
    an emergency change.
    """

    id: int
    digest: str
    role: AssignedAs
    scope: Scope
    effective_from: datetime
    effective_to: datetime | None
    recorded_at: datetime
    ends: tuple[End, ...] = ()
    expires_at: datetime | None = None
    approved_at: datetime | None = None
    freezes: tuple[FreezeWindow, ...] = ()

    @property
    def starts_at(self) -> datetime:
        """When it comes into force: on its date, and not before it was recorded."""
        return max(self.effective_from, self.recorded_at)

    def kept_out(self, known_at: datetime) -> bool:
        """Whether it never comes into force because its start is in a freeze, by the records up to `known_at`."""
        return any(window.keeps_out(self.starts_at, known_at) for window in self.freezes)

    def until(self, known_at: datetime) -> datetime | None:
        """When it ends, by the records up to `known_at`; None if nothing ends it.

        What a freeze keeps out ends when it would have started.
        """
        found = [self.effective_to] if self.effective_to is not None else []
        if self.kept_out(known_at):
            found.append(self.effective_from)
        found += [end.at for end in self.ends if end.recorded_at <= known_at]
        if self.expires_at is not None and not self._approved_in_time(known_at):
            found.append(self.expires_at)
        return min(found, default=None)

    def in_force(self, at: datetime, known_at: datetime) -> bool:
        """Whether it is in force at a time, by the records up to `known_at`."""
        if self.recorded_at > known_at or self.effective_from > at:
            return False
        until = self.until(known_at)
        return until is None or at < until

    def _approved_in_time(self, known_at: datetime) -> bool:
        """Whether an emergency goes on, because the version was approved while it was in force, and not before."""
        if self.approved_at is None or self.expires_at is None:
            return False
        return self.effective_from <= self.approved_at <= min(known_at, self.expires_at)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The placements that judge an asset: at most one that acts, and one of each version that judges as a shadow."""

    active: Placement | None
    shadows: tuple[Placement, ...]

    @property
    def digests(self) -> tuple[str, ...]:
        """The versions that judge; the one that acts is first."""
        acting = () if self.active is None else (self.active.digest,)
        return (*acting, *(shadow.digest for shadow in self.shadows))


def choose(placements: Iterable[Placement], place: Place, at: datetime, known_at: datetime | None = None) -> Chosen:
    """The versions that judge an asset at a time.

    A canary takes precedence over the active version. Then a narrower scope takes precedence over a wider one, a later
    start over an earlier one, and a later record over an earlier one. The active version that a canary displaces still
    judges, as a shadow. So its memory is complete when the canary is halted.

    Args:
        placements: every assignment, in any order.
        place: the asset's place.
        at: the time.
        known_at: uses the records up to this time; None uses all records.
    """
    known = known_at if known_at is not None else _EVER
    live = [placement for placement in placements if placement.scope.covers(place) and placement.in_force(at, known)]
    canary = _winner([placement for placement in live if placement.role == "canary"])
    active = _winner([placement for placement in live if placement.role == "active"])
    acting = canary or active
    beside = sorted((placement for placement in live if placement.role == "shadow"), key=_precedence)
    if canary is not None and active is not None:
        beside.append(active)
    by_digest = {
        placement.digest: placement for placement in beside if acting is None or placement.digest != acting.digest
    }
    return Chosen(acting, tuple(by_digest[digest] for digest in sorted(by_digest)))


def was_active(placements: Iterable[Placement], digest: str, scope: Scope, at: datetime) -> bool:
    """Whether a version was active in the whole of a scope before a time, or is, by the records of then."""
    return any(
        placement.scope.contains(scope)
        and placement.starts_at <= at
        and ((until := placement.until(at)) is None or placement.starts_at < until)
        for placement in placements
        if placement.digest == digest and placement.role == "active"
    )


def turning_points(placements: Iterable[Placement]) -> list[datetime]:
    """The times at which the judging versions may change anywhere, in order."""
    found: set[datetime] = set()
    for placement in placements:
        found |= {placement.effective_from, placement.recorded_at}
        found |= {
            moment
            for moment in (placement.effective_to, placement.expires_at, placement.approved_at)
            if moment is not None
        }
        for end in placement.ends:
            found |= {end.at, end.recorded_at}
    return sorted(found)


def judging_since(placements: Sequence[Placement], place: Place, digest: str, at: datetime) -> datetime:
    """When a version began to judge an asset without a break, by the records of each time.

    Plant time may not move between two acts. Records of the same time are therefore applied one by one.
    """
    since = at
    for moment in reversed([turning_point for turning_point in turning_points(placements) if turning_point <= at]):
        if digest not in choose(placements, place, moment, moment).digests:
            break
        since = moment
        before = [_without_ends_of(placement, moment) for placement in placements]
        steps = sorted((placement.id for placement in placements if placement.recorded_at == moment), reverse=True)
        known = ([placement for placement in before if placement.id < step] for step in steps)
        if any(digest not in choose(each, place, moment, moment).digests for each in known):
            break
    return since


def _without_ends_of(placement: Placement, moment: datetime) -> Placement:
    return replace(placement, ends=tuple(end for end in placement.ends if end.recorded_at != moment))


def _precedence(placement: Placement) -> tuple[int, datetime, int]:
    return (placement.scope.specificity, placement.effective_from, placement.id)


def _winner(placements: Sequence[Placement]) -> Placement | None:
    return max(placements, key=_precedence, default=None)
