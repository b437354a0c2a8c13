"""Which policy versions judge an asset: assignments, how far they reach, and which of them wins.

An assignment is never altered. It is recorded at one instant and in force from another; what ends it early is a record
of its own. So "what was in force at T" can be answered as of now and as it was known at any instant before.
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
    """Where an asset stands; of a line asked about by itself only `line` and `site` are known."""

    asset: str | None = None
    machine: str | None = None
    asset_class: str | None = None
    line: str | None = None
    site: str | None = None


class Scope(Model):
    """What an assignment reaches: everything, or one site, line, asset class, or share of the machines.

    `percent` is above 0 and below 100. A share is stable: a larger one holds every machine of a smaller one.
    """

    line: str | None = None
    site: str | None = None
    asset_class: str | None = None
    percent: float | None = None

    @property
    def specificity(self) -> int:
        """How narrow: everything, a share, a site, a class, a line."""
        ranks = (self.percent, self.site, self.asset_class, self.line)
        return max((rank for rank, value in enumerate(ranks, start=1) if value is not None), default=0)

    @property
    def words(self) -> str:
        """The scope as people read and sign it."""
        if self.line is not None:
            return f"line {self.line}"
        if self.asset_class is not None:
            return f"class {self.asset_class}"
        if self.site is not None:
            return f"site {self.site}"
        if self.percent is not None:
            return f"{self.percent:g} percent of machines"
        return "every line"

    def covers(self, place: Place) -> bool:
        """Whether an asset there is reached."""
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
    """A machine's place in the draw, from 0 to below 100: the same for ever, whatever else is drawn.

    The machine is drawn and not the component: a hold stops the machine, so its components are judged alike.
    """
    return int.from_bytes(hashlib.sha256(machine.encode()).digest()[:8], "big") / 2**64 * 100


@dataclass(frozen=True, slots=True)
class End:
    """That an assignment ends at an instant, and when that was recorded."""

    at: datetime
    recorded_at: datetime
    cause: EndedBy


@dataclass(frozen=True, slots=True)
class Placement:
    """An assignment of a version.

    `expires_at` is set for an emergency change, which ends there unless the version was approved by then;
    `approved_at` is when it was.
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

    def until(self, known_at: datetime) -> datetime | None:
        """When it ends, as known at an instant; None where nothing ends it."""
        found = [self.effective_to] if self.effective_to is not None else []
        found += [end.at for end in self.ends if end.recorded_at <= known_at]
        if self.expires_at is not None and not self._approved_in_time(known_at):
            found.append(self.expires_at)
        return min(found, default=None)

    def in_force(self, at: datetime, known_at: datetime) -> bool:
        """Whether it holds at an instant, as known at another."""
        if self.recorded_at > known_at or self.effective_from > at:
            return False
        until = self.until(known_at)
        return until is None or at < until

    def _approved_in_time(self, known_at: datetime) -> bool:
        if self.approved_at is None or self.expires_at is None:
            return False
        return self.approved_at <= min(known_at, self.expires_at)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What judges an asset: one placement at most that acts, and one of each version that judges beside it."""

    active: Placement | None
    shadows: tuple[Placement, ...]

    @property
    def digests(self) -> tuple[str, ...]:
        """The versions that judge, the active one first."""
        acting = () if self.active is None else (self.active.digest,)
        return (*acting, *(shadow.digest for shadow in self.shadows))


def choose(placements: Iterable[Placement], place: Place, at: datetime, known_at: datetime | None = None) -> Chosen:
    """The versions that judge an asset at an instant.

    A canary beats the active version on its assets, the narrower scope beats the wider, the later beginning the
    earlier, the later record the earlier. What a canary displaces judges on as a shadow, so that it is warm when the
    canary is halted.

    Args:
        placements: every assignment, in any order.
        place: where the asset stands.
        at: the instant asked about.
        known_at: the instant whose knowledge is asked for; None takes all that is known.
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


def turning_points(placements: Iterable[Placement]) -> list[datetime]:
    """The instants at which what judges somewhere may change, in order."""
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
    """Since when a version that judges an asset at an instant has done so without a break, as it was lived.

    A plant's clock may stand while people act: within one instant, what was recorded is gone through step by step.
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
