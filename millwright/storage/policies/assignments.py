"""Which versions judge. They are read and checked again whenever one of their rows has changed."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.assigning import Chosen, Place, Placement, choose, judging_since, turning_points
from domain.errors import PolicyRejected
from domain.judging import Assignment
from millwright.storage.database.engine import Cursor
from millwright.storage.policies.checked_assignments import CheckedAssignments, read_assignments

# Judging shares this lock, and a change of assignments needs it alone: so no batch is judged during a change.
LOCK_TO_JUDGE = "pg_advisory_xact_lock_shared(hashtextextended('policies', 0))"
_LOCK_TO_ASSIGN = text("SELECT pg_advisory_xact_lock(hashtextextended('policies', 0))")

# Every write to a row changes its xmin, even an UPDATE with all triggers off.
_TABLES = (
    ("policy_versions", "digest"),
    ("policy_signatures", "id::text"),
    ("policy_assignments", "id::text"),
    ("policy_assignment_ends", "id::text"),
    ("policy_evidence", "id::text"),
    ("policy_drafts", "policy || version || revision::text"),
    ("policy_freezes", "id::text"),
    ("policy_thaws", "freeze_id::text"),
    ("people", "id"),
    ("person_roles", "id::text"),
    ("person_keys", "id::text"),
)
_FINGERPRINT = "SELECT " + ", ".join(
    f"(SELECT (count(*), sum(hashtextextended({key} || ' ' || xmin::text, 0)::numeric))::text FROM {table})"
    for table, key in _TABLES
)
_DOCUMENTS = "SELECT digest, document FROM policy_versions WHERE digest = ANY(%s)"


class _DocumentRow(NamedTuple):
    digest: str
    document: str


class VersionTerms(Protocol):
    """The durations of compiled versions. `policies.engine.catalogue` implements it."""

    def knows(self, digest: str) -> bool:
        """Whether the version is compiled."""
        ...

    def learn(self, digest: str, document: str) -> None:
        """Compiles a stored document.

        Raises:
            PolicyRejected: its digest is not the one under which it is stored.
        """
        ...

    def terms(self, digest: str) -> tuple[timedelta, timedelta]:
        """A known version's lateness and rearm."""
        ...

    def warm_for(self, digest: str) -> timedelta:
        """How far into the past a known version's memory reaches."""
        ...


class VersionsInForce:
    """The versions that judge at one time.

    Args:
        checked: the stored versions and assignments.
        now: the time.
        terms: the compiled versions.
        known: a cache of the versions by place, valid while no assignment begins, ends or changes.
    """

    def __init__(
        self,
        checked: CheckedAssignments,
        now: datetime,
        terms: VersionTerms,
        known: dict[Place, tuple[Assignment, ...]],
    ) -> None:
        self._placements = checked.placements
        live = [placement for placement in checked.placements if placement.in_force(now, now)]
        self._live = [
            placement
            for placement in live
            if placement.id not in checked.faults or not _made_good(placement, live, checked.faults)
        ]
        self._faults = checked.faults
        self._cut_short = [placement for placement in checked.placements if placement.id in checked.cut_short]
        self.at = now
        self._terms = terms
        self._known = known

    @property
    def faults(self) -> list[str]:
        """The faults of assignments that are in force or have a forged end, as text."""
        looked_at = {placement.id for placement in (*self._live, *self._cut_short)}
        return sorted({words for number, words in self._faults.items() if number in looked_at})

    def digests(self, line: str) -> list[str]:
        """Every version that may judge an asset of a line."""
        return sorted({placement.digest for placement in self._live if placement.scope.line in (None, line)})

    def of(self, place: Place) -> tuple[Assignment, ...]:
        """The versions that judge an asset; the active version is first.

        Raises:
            PolicyRejected: an assignment is not what people signed. Nothing is judged there until it is corrected.
        """
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = tuple(self._assigned(place))
        return found

    def _assigned(self, place: Place) -> list[Assignment]:
        chosen = choose(self._live, place, self.at, self.at)
        self._refuse_faults(chosen, place)
        found: list[Assignment] = []
        for digest in chosen.digests:
            lateness, rearm = self._terms.terms(digest)
            acts = chosen.active is not None and digest == chosen.active.digest
            since = judging_since(self._placements, place, digest, self.at)
            found.append(
                Assignment(digest, "active" if acts else "shadow", lateness, rearm, since, self._terms.warm_for(digest))
            )
        return found

    def _refuse_faults(self, chosen: Chosen, place: Place) -> None:
        judging = (*chosen.shadows, *([chosen.active] if chosen.active is not None else []))
        for placement in (*judging, *(cut_short for cut_short in self._cut_short if cut_short.scope.covers(place))):
            if placement.id in self._faults:
                raise PolicyRejected(
                    f"work on {place.line or place.asset} is stopped, its events wait: {self._faults[placement.id]}",
                    fix="`millwright doctor` and `millwright audit verify` say what was altered",
                )


async def lock_to_assign(connection: AsyncConnection) -> None:
    """Waits until no batch is judged and no other transaction changes assignments, and prevents both until the
    transaction ends."""
    await connection.execute(_LOCK_TO_ASSIGN)


class AssignedVersions:
    """Caches the checked assignments until one of their rows changes.

    Args:
        terms: the compiled versions. Versions that judge are compiled here, from the stored text.
    """

    def __init__(self, terms: VersionTerms) -> None:
        self._terms = terms
        self._fingerprint: tuple[object, ...] | None = None
        self._checked = CheckedAssignments({}, (), ())
        self._turns: Sequence[datetime] = ()
        self._turn = -1
        self._known: dict[Place, tuple[Assignment, ...]] = {}

    async def read(self, cursor: Cursor, clock: Callable[[], datetime]) -> VersionsInForce:
        """The versions that judge now. They do not change until the transaction ends.

        A fingerprint of the rows is read each time, so that every batch is judged by the current assignments. It costs
        little, because there are only a few dozen rows.
        """
        await cursor.execute(_FINGERPRINT)
        fingerprint = await cursor.fetchone()
        now = clock()
        if fingerprint != self._fingerprint:
            self._checked = await read_assignments(cursor.connection)
            await self._learn(cursor, now)
            self._turns = turning_points(self._checked.placements)
            self._fingerprint, self._turn = fingerprint, -1
        turn = sum(moment <= now for moment in self._turns)
        if turn != self._turn:
            self._turn, self._known = turn, {}
        return VersionsInForce(self._checked, now, self._terms, self._known)

    async def _learn(self, cursor: Cursor, now: datetime) -> None:
        """Compiles the versions that judge now or later, from the stored text."""
        wanted = [
            placement
            for placement in self._checked.placements
            if (until := placement.until(now)) is None or until > now
        ]
        await cursor.execute(_DOCUMENTS, (sorted({placement.digest for placement in wanted}),))
        for row in map(_DocumentRow._make, await cursor.fetchall()):
            try:
                # In a thread, because a large document compiles longer than others may wait.
                await asyncio.to_thread(self._terms.learn, row.digest, row.document)
            except PolicyRejected as error:
                for placement in wanted:
                    if placement.digest == row.digest:
                        self._checked.faults[placement.id] = str(error)


def _made_good(faulty: Placement, live: Sequence[Placement], faults: Collection[int]) -> bool:
    """Whether people have signed the same assignment again since. Then the fault no longer matters."""
    return any(
        placement.id > faulty.id
        and placement.id not in faults
        and placement.effective_from >= faulty.effective_from
        and (placement.role, placement.scope) == (faulty.role, faulty.scope)
        and (placement.role == "active" or placement.digest == faulty.digest)
        for placement in live
    )
