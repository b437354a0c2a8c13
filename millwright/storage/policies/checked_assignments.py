"""All stored assignments, compared with what people signed."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from domain.approvals import (
    ACTIVATE,
    BARRED_IN_A_FREEZE,
    EMERGENCY,
    EMERGENCY_LASTS,
    PLACES,
    ROLLBACK,
    WITHDRAW,
    Blast,
    placing_meaning,
    withdrawing_meaning,
)
from domain.assigning import AssignedAs, End, EndedBy, FreezeWindow, Placement, Scope
from domain.errors import PolicyRejected
from millwright.storage.database.engine import Cursor, Driver
from millwright.storage.database.person_tables import key_at, roles_at
from millwright.storage.policies.signatures import Signature, Signed, SignedVersion

_VERSIONS = """
SELECT v.digest, v.author,
       array(SELECT DISTINCT d.author FROM policy_drafts d
             WHERE d.policy = v.policy AND d.version = v.version) AS authors,
       v.published_at <= coalesce((SELECT min(recorded_at) FROM policy_assignments), v.published_at) AS first_light
FROM policy_versions v ORDER BY v.published_at, v.digest
"""
_SIGNATURES = f"""
SELECT s.id, s.digest, s.act, s.person, s.meaning, s.at, s.signature,
       {key_at("s.person", "s.at")} AS public_key, {roles_at("s.person", "s.at")} AS roles, p.left_at
FROM policy_signatures s JOIN people p ON p.id = s.person ORDER BY s.id
"""
_BLASTS = """
SELECT digest, at, coalesce((body::json->'changed'->>'assets')::int, 0) AS assets,
       coalesce((body::json->'changed'->>'max_rung_change')::int, 0) AS rungs,
       coalesce((body::json->'changed'->>'unattended')::int, 0) AS unattended
FROM policy_evidence WHERE kind = 'backtest' ORDER BY id
"""
_ASSIGNMENTS = """
SELECT id, digest, role, line, site, asset_class, percent, effective_from, effective_to, recorded_at, expires_at,
       signature_id, assigned_by, reason, replaces, band
FROM policy_assignments ORDER BY id
"""
_ENDS = """
SELECT assignment_id, ends_at, recorded_at, cause, signature_id, ended_by, reason
FROM policy_assignment_ends ORDER BY id
"""
_FREEZES = """
SELECT f.id, f.begins_at, f.ends_at, f.recorded_at, t.recorded_at AS thawed_at
FROM policy_freezes f LEFT JOIN policy_thaws t ON t.freeze_id = f.id ORDER BY f.id
"""

T = TypeVar("T")


class _VersionRow(NamedTuple):
    digest: str
    author: str
    authors: list[str]
    first_light: bool


class _SignatureRow(NamedTuple):
    id: int
    digest: str
    act: str
    person: str
    meaning: str
    at: datetime
    signature: str
    public_key: str | None
    roles: list[str] | None
    left_at: datetime | None


class _BlastRow(NamedTuple):
    digest: str
    at: datetime
    assets: int
    rungs: int
    unattended: int


class _AssignmentRow(NamedTuple):
    id: int
    digest: str
    role: AssignedAs
    line: str | None
    site: str | None
    asset_class: str | None
    percent: float | None
    effective_from: datetime
    effective_to: datetime | None
    recorded_at: datetime
    expires_at: datetime | None
    signature_id: int
    assigned_by: str
    reason: str
    replaces: str | None
    band: str | None


class _EndRow(NamedTuple):
    assignment_id: int
    ends_at: datetime
    recorded_at: datetime
    cause: EndedBy
    signature_id: int | None
    ended_by: str
    reason: str


class _FreezeRow(NamedTuple):
    id: int
    begins_at: datetime
    ends_at: datetime
    recorded_at: datetime
    thawed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AssignedRow:
    """An assignment with its signed terms."""

    placement: Placement
    signature_id: int
    by: str
    reason: str
    replaces: str | None
    band: str | None


@dataclass(frozen=True, slots=True)
class EndRow:
    """An end with its signed terms."""

    assignment_id: int
    end: End
    signature_id: int | None
    by: str
    reason: str


@dataclass(frozen=True)
class CheckedAssignments:
    """All versions and assignments at one time, and the faults of assignments that differ from what people signed."""

    versions: dict[str, SignedVersion]
    rows: tuple[AssignedRow, ...]
    ends: tuple[EndRow, ...]
    freezes: tuple[FreezeWindow, ...] = ()
    faults: dict[int, str] = field(default_factory=dict)
    """The faults as text, by assignment."""
    cut_short: set[int] = field(default_factory=set)
    """Assignments with an end that nobody signed. Their faults count although they are no longer in force."""

    @property
    def placements(self) -> tuple[Placement, ...]:
        return tuple(row.placement for row in self.rows)

    def frozen_at(self, at: datetime) -> FreezeWindow | None:
        """The freeze window at a time; None if there is none."""
        return next((window for window in self.freezes if window.covers(at)), None)


async def read_assignments(driver: Driver) -> CheckedAssignments:
    """All stored versions and assignments. Every assignment is checked; the documents are not."""
    async with driver.cursor() as reading:
        versions = await _versions(reading)
        freezes = tuple([FreezeWindow(*row) for row in await _rows(reading, _FREEZES, _FreezeRow._make)])
        acts = {signed.id: signed.signature.act for version in versions.values() for signed in version.signed}
        ends = tuple(
            EndRow(
                row.assignment_id,
                End(row.ends_at, row.recorded_at, row.cause),
                row.signature_id,
                row.ended_by,
                row.reason,
            )
            for row in await _rows(reading, _ENDS, _EndRow._make)
        )
        rows = tuple(
            AssignedRow(
                Placement(
                    row.id,
                    row.digest,
                    row.role,
                    Scope(line=row.line, site=row.site, asset_class=row.asset_class, percent=row.percent),
                    row.effective_from,
                    row.effective_to,
                    row.recorded_at,
                    tuple(end_row.end for end_row in ends if end_row.assignment_id == row.id),
                    row.expires_at,
                    versions[row.digest].approved_at,
                    freezes if acts.get(row.signature_id) in BARRED_IN_A_FREEZE else (),
                ),
                row.signature_id,
                row.assigned_by,
                row.reason,
                row.replaces,
                row.band,
            )
            for row in await _rows(reading, _ASSIGNMENTS, _AssignmentRow._make)
        )
    checked = CheckedAssignments(versions, rows, ends, freezes)
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


async def _versions(cursor: Cursor) -> dict[str, SignedVersion]:
    signed: dict[str, list[Signed]] = defaultdict(list)
    for row in await _rows(cursor, _SIGNATURES, _SignatureRow._make):
        signature = Signature(row.act, row.person, row.meaning, row.at, row.signature, row.public_key or "")
        signed[row.digest].append(Signed(row.id, signature, frozenset(row.roles or ()), row.left_at))
    blasts: dict[str, list[Blast]] = defaultdict(list)
    for found in await _rows(cursor, _BLASTS, _BlastRow._make):
        blast = Blast(at=found.at, assets=found.assets, max_rung_change=found.rungs, unattended=found.unattended)
        blasts[found.digest].append(blast)
    return {
        version.digest: SignedVersion(
            version.digest,
            version.author,
            frozenset(version.authors),
            tuple(signed[version.digest]),
            tuple(blasts[version.digest]),
            version.first_light,
        )
        for version in await _rows(cursor, _VERSIONS, _VersionRow._make)
    }


async def _rows(cursor: Cursor, statement: str, make: Callable[[tuple[object, ...]], T]) -> list[T]:
    await cursor.execute(statement)
    return [make(row) for row in await cursor.fetchall()]


def _fault(checked: CheckedAssignments, row: AssignedRow) -> str | None:
    """The fault of an assignment, as text; None if it is what people signed."""
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
