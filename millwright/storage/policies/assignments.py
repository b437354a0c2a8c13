"""Which versions judge, read anew whenever a row that says so has changed, and each of them checked."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from psycopg.rows import dict_row

from domain.approvals import (
    ACTIVATE,
    EMERGENCY,
    EMERGENCY_LASTS,
    PLACES,
    ROLLBACK,
    WITHDRAW,
    Blast,
    placing_meaning,
    withdrawing_meaning,
)
from domain.assigning import Chosen, End, Place, Placement, Scope, choose, judging_since, turning_points
from domain.errors import PolicyRejected
from domain.judging import Assignment
from millwright.storage.database.engine import Cursor
from millwright.storage.policies.signatures import Signature, Signed, SignedVersion

# Judging shares this lock and whoever changes an assignment has it alone: no batch is judged while one changes.
LOCK_TO_JUDGE = "pg_advisory_xact_lock_shared(hashtextextended('policies', 0))"
LOCK_TO_ASSIGN = "SELECT pg_advisory_xact_lock(hashtextextended('policies', 0))"

# Every write to a row gives it another xmin, an UPDATE with all triggers off too.
_TABLES = (
    ("policy_versions", "digest"),
    ("policy_signatures", "id::text"),
    ("policy_assignments", "id::text"),
    ("policy_assignment_ends", "id::text"),
    ("policy_evidence", "id::text"),
    ("policy_drafts", "policy || version || revision::text"),
    ("people", "name"),
)
_FINGERPRINT = "SELECT " + ", ".join(
    f"(SELECT (count(*), sum(hashtextextended({key} || ' ' || xmin::text, 0)::numeric))::text FROM {table})"
    for table, key in _TABLES
)
_SIGNED_VERSIONS = """
SELECT v.digest, v.author, v.published_at,
       array(SELECT DISTINCT d.author FROM policy_drafts d
             WHERE d.policy = v.policy AND d.version = v.version) AS authors,
       v.published_at <= coalesce((SELECT min(recorded_at) FROM policy_assignments), v.published_at) AS first_light
FROM policy_versions v ORDER BY v.published_at, v.digest
"""
_SIGNATURES = """
SELECT s.id, s.digest, s.act, s.person, s.meaning, s.at, s.signature, p.public_key, p.roles, p.left_at
FROM policy_signatures s JOIN people p ON p.name = s.person ORDER BY s.id
"""
_BLASTS = """
SELECT digest, at, (body::json->'changed'->>'assets')::int AS assets,
       (body::json->'changed'->>'max_rung_change')::int AS rungs,
       coalesce((body::json->'changed'->>'unattended')::int, 0) AS unattended
FROM policy_evidence WHERE kind = 'backtest' ORDER BY id
"""
_ASSIGNMENTS = "SELECT * FROM policy_assignments ORDER BY id"
_ENDS = "SELECT * FROM policy_assignment_ends ORDER BY id"
_DOCUMENTS = "SELECT digest, document FROM policy_versions WHERE digest = ANY(%s)"


class VersionTerms(Protocol):
    """What compiled versions say of time; `policies.engine.catalogue` behind it."""

    def knows(self, digest: str) -> bool:
        """Whether the version is compiled."""
        ...

    def learn(self, digest: str, document: str) -> None:
        """Compiles a stored document.

        Raises:
            PolicyRejected: it does not have the digest it is stored under.
        """
        ...

    def terms(self, digest: str) -> tuple[timedelta, timedelta]:
        """A known version's lateness and rearm."""
        ...

    def warm_for(self, digest: str) -> timedelta:
        """How much of the past a known version's memory is made of."""
        ...


@dataclass(frozen=True, slots=True)
class AssignedRow:
    """An assignment with what was signed of it."""

    placement: Placement
    signature_id: int
    by: str
    reason: str
    replaces: str | None
    band: str | None


@dataclass(frozen=True, slots=True)
class EndRow:
    """An end with what was signed of it."""

    assignment_id: int
    end: End
    signature_id: int | None
    by: str
    reason: str


@dataclass(frozen=True)
class CheckedAssignments:
    """Every version and assignment at one moment, and what is wrong with those that are not as people signed them."""

    versions: dict[str, SignedVersion]
    rows: tuple[AssignedRow, ...]
    ends: tuple[EndRow, ...]
    faults: dict[int, str] = field(default_factory=dict)
    """By assignment, in words."""
    cut_short: set[int] = field(default_factory=set)
    """Assignments with an end that nobody signed: their faults count although they are in force no more."""

    @property
    def placements(self) -> tuple[Placement, ...]:
        return tuple(row.placement for row in self.rows)


async def read_assignments(cursor: Cursor) -> CheckedAssignments:
    """All that is stored of versions and assignments, every assignment checked; documents are not looked at."""
    async with cursor.connection.cursor(row_factory=dict_row) as reading:
        signed: dict[str, list[Signed]] = {}
        for row in await (await reading.execute(_SIGNATURES)).fetchall():
            signature = Signature(
                row["act"], row["person"], row["meaning"], row["at"], row["signature"], row["public_key"]
            )
            signed_row = Signed(row["id"], signature, frozenset(row["roles"]), row["left_at"])
            signed.setdefault(row["digest"], []).append(signed_row)
        blasts: dict[str, list[Blast]] = {}
        for row in await (await reading.execute(_BLASTS)).fetchall():
            blast = Blast(
                at=row["at"],
                assets=row["assets"] or 0,
                max_rung_change=row["rungs"] or 0,
                unattended=row["unattended"],
            )
            blasts.setdefault(row["digest"], []).append(blast)
        versions = {
            row["digest"]: SignedVersion(
                row["digest"],
                row["author"],
                frozenset(row["authors"]),
                tuple(signed.get(row["digest"], ())),
                tuple(blasts.get(row["digest"], ())),
                row["first_light"],
            )
            for row in await (await reading.execute(_SIGNED_VERSIONS)).fetchall()
        }
        ends = tuple(
            EndRow(
                row["assignment_id"],
                End(row["ends_at"], row["recorded_at"], row["cause"]),
                row["signature_id"],
                row["ended_by"],
                row["reason"],
            )
            for row in await (await reading.execute(_ENDS)).fetchall()
        )
        rows = tuple(
            AssignedRow(
                Placement(
                    row["id"],
                    row["digest"],
                    row["role"],
                    Scope(line=row["line"], site=row["site"], asset_class=row["asset_class"], percent=row["percent"]),
                    row["effective_from"],
                    row["effective_to"],
                    row["recorded_at"],
                    tuple(end_row.end for end_row in ends if end_row.assignment_id == row["id"]),
                    row["expires_at"],
                    versions[row["digest"]].approved_at,
                ),
                row["signature_id"],
                row["assigned_by"],
                row["reason"],
                row["replaces"],
                row["band"],
            )
            for row in await (await reading.execute(_ASSIGNMENTS)).fetchall()
        )
    checked = CheckedAssignments(versions, rows, ends)
    for assigned in rows:
        number = assigned.placement.id
        fault = _fault(checked, assigned)
        if fault is not None:
            checked.faults[number] = fault
        for end in ends:
            if end.assignment_id == number and not _end_holds(checked, assigned.placement, end):
                checked.faults[number] = f"the end of {_name(assigned.placement)} is not signed by {end.by}"
                checked.cut_short.add(number)
    return checked


def _fault(checked: CheckedAssignments, row: AssignedRow) -> str | None:
    """What is wrong with an assignment, in words; None where it is as people signed it."""
    placement = row.placement
    version = checked.versions[placement.digest]
    name = _name(placement)
    try:
        version.check_signatures()
    except PolicyRejected as error:
        return error.problem
    signed = _signature(version, row.signature_id)
    if signed is None or signed.person != row.by or placement.role not in PLACES.get(signed.act, ()):
        return f"{name} is not signed by {row.by}"
    together = [other for other in checked.rows if other.signature_id == row.signature_id]
    said = placing_meaning(
        signed.act,
        [assigned.placement.scope for assigned in together],
        placement.effective_from,
        placement.effective_to,
        row.reason,
        replaces=row.replaces,
        band=row.band,
    )
    expires_at = placement.effective_from + EMERGENCY_LASTS if signed.act == EMERGENCY else None
    if said != signed.meaning or placement.expires_at != expires_at:
        return f"{name} is not what {row.by} signed"
    if signed.act != EMERGENCY:
        if version.approved_at is None:
            return version.lacking()
        if version.approved_at > placement.recorded_at:
            return f"{name} was recorded before the version was approved"
    if version.withdrawn_at is not None and placement.recorded_at > version.withdrawn_at:
        return f"{name} was recorded after the version was withdrawn"
    return None


def _name(placement: Placement) -> str:
    return f"the assignment of {placement.digest[:12]} as {placement.role} for {placement.scope.words}"


def _end_holds(checked: CheckedAssignments, placement: Placement, row: EndRow) -> bool:
    if row.end.cause == "halted":
        return placement.role == "canary" and row.signature_id is None
    signing = [version for version in checked.versions.values() if _signature(version, row.signature_id) is not None]
    if len(signing) != 1:
        return False
    version = signing[0]
    signed = _signature(version, row.signature_id)
    if signed is None or signed.person != row.by:
        return False
    if row.end.cause == "withdrawn":
        said = {withdrawing_meaning(None, row.reason), withdrawing_meaning(placement.role, row.reason)}
        return signed.act == WITHDRAW and version.digest == placement.digest and signed.meaning in said
    if row.end.cause == "graduated":
        return signed.act == ACTIVATE and version.digest == placement.digest and placement.role != "active"
    replaced = {other.replaces for other in checked.rows if other.signature_id == row.signature_id}
    return signed.act == ROLLBACK and replaced == {placement.digest}


def _signature(version: SignedVersion, number: int | None) -> Signature | None:
    return next((signed.signature for signed in version.signed if signed.id == number), None)


class VersionsInForce:
    """What judges at one moment.

    Args:
        checked: what is recorded.
        now: the moment.
        terms: the compiled versions.
        known: answers given before at the same standing, by place.
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
        """What is wrong with what is in force, or was cut short, in words."""
        looked_at = {placement.id for placement in (*self._live, *self._cut_short)}
        return sorted({words for number, words in self._faults.items() if number in looked_at})

    def digests(self, line: str) -> list[str]:
        """Every version that may judge an asset of a line."""
        return sorted({placement.digest for placement in self._live if placement.scope.line in (None, line)})

    def of(self, place: Place) -> tuple[Assignment, ...]:
        """The versions that judge an asset, the active one first.

        Raises:
            PolicyRejected: what would judge it is not what people signed; nothing is judged there until it is mended.
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


class AssignedVersions:
    """Keeps what was read and checked for as long as no row that it rests on has changed.

    Args:
        terms: the compiled versions; one that judges is compiled here, from the stored text.
    """

    def __init__(self, terms: VersionTerms) -> None:
        self._terms = terms
        self._fingerprint: tuple[object, ...] | None = None
        self._checked = CheckedAssignments({}, (), ())
        self._turns: Sequence[datetime] = ()
        self._turn = -1
        self._known: dict[Place, tuple[Assignment, ...]] = {}

    async def read(self, cursor: Cursor, clock: Callable[[], datetime]) -> VersionsInForce:
        """What judges now; nobody changes it until the transaction ends.

        The fingerprint costs a look at a few dozen rows, so every batch is judged by what people signed and not by
        what this process once read.
        """
        await cursor.execute(_FINGERPRINT)
        fingerprint = await cursor.fetchone()
        now = clock()
        if fingerprint != self._fingerprint:
            self._checked = await read_assignments(cursor)
            await self._learn(cursor, now)
            self._turns = turning_points(self._checked.placements)
            self._fingerprint, self._turn = fingerprint, -1
        turn = sum(moment <= now for moment in self._turns)
        if turn != self._turn:
            self._turn, self._known = turn, {}
        return VersionsInForce(self._checked, now, self._terms, self._known)

    async def _learn(self, cursor: Cursor, now: datetime) -> None:
        """Compiles what judges or will, from the text as it is stored now."""
        wanted = [
            placement
            for placement in self._checked.placements
            if (until := placement.until(now)) is None or until > now
        ]
        await cursor.execute(_DOCUMENTS, (sorted({placement.digest for placement in wanted}),))
        for digest, document in await cursor.fetchall():
            try:
                self._terms.learn(str(digest), str(document))
            except PolicyRejected as error:
                for placement in wanted:
                    if placement.digest == digest:
                        self._checked.faults[placement.id] = str(error)


def _made_good(faulty: Placement, live: Sequence[Placement], faults: Collection[int]) -> bool:
    """Whether people signed the same anew since: then what is wrong with the first is history."""
    return any(
        placement.id > faulty.id
        and placement.id not in faults
        and placement.effective_from >= faulty.effective_from
        and (placement.role, placement.scope) == (faulty.role, faulty.scope)
        and (placement.role == "active" or placement.digest == faulty.digest)
        for placement in live
    )
