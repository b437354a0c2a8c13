"""The state of every version, its assignments, and its history."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.approvals import needed_with
from domain.assigning import Chosen, Place, Placement, choose
from domain.errors import Rejected
from domain.shown_signatures import ShownSignature, SignatureDisplay
from millwright.storage.database.engine import raw, transaction
from millwright.storage.policies.checked_assignments import AssignedRow, CheckedAssignments, read_assignments
from millwright.storage.policies.signatures import SignedVersion

_PLACE = text(
    "SELECT id, machine, asset_class, line, site FROM assets WHERE id = :asset AND valid_from <= :at "
    "AND (valid_to IS NULL OR valid_to > :at) ORDER BY valid_from DESC LIMIT 1"
)
_ANY_PLACE = text(
    "SELECT id, machine, asset_class, line, site FROM assets WHERE id = :asset ORDER BY valid_from LIMIT 1"
)
# Of a line of which everything was retired, where it was.
_SITE = text(
    "SELECT site FROM assets WHERE line = :line AND site IS NOT NULL "
    "ORDER BY valid_to IS NULL DESC, valid_from DESC LIMIT 1"
)
_VERSIONS = text(
    "SELECT digest, policy, version, author, published_at FROM policy_versions ORDER BY published_at, version"
)
_ACTS = text("SELECT at, actor, kind, body FROM acts WHERE subject = ANY(:subjects) ORDER BY ledger_seq, leaf")


class _PlaceRow(NamedTuple):
    id: str
    machine: str | None
    asset_class: str | None
    line: str | None
    site: str | None


class _VersionRow(NamedTuple):
    digest: str
    policy: str
    version: str
    author: str
    published_at: datetime


class _ActRow(NamedTuple):
    at: datetime
    actor: str
    kind: str
    body: str


@dataclass(frozen=True, slots=True)
class VersionState:
    """A version and its current state. `places` has the roles and scopes of its assignments, as text."""

    digest: str
    policy: str
    version: str
    author: str
    published_at: datetime
    state: str
    places: tuple[str, ...]
    approved_by: tuple[str, ...]
    approvals_needed: int


@dataclass(frozen=True, slots=True)
class VersionAct:
    """One act on a version. `signed` is its signature as it is shown; None if the act needs none."""

    at: datetime
    by: str
    what: str
    detail: dict[str, object]
    signed: ShownSignature | None


@dataclass(frozen=True, slots=True)
class InForce:
    """The versions that judge a place at a time, by the records up to another time, with digest and number."""

    at: datetime
    known_at: datetime
    active: str | None
    version: str | None
    role: str | None
    scope: str | None
    since: datetime | None
    until: datetime | None
    assigned_by: str | None
    reason: str | None
    shadows: tuple[str, ...]


class VersionStates:
    """Reads the current and earlier states of versions.

    Args:
        engine: the database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def all(self, now: datetime) -> list[VersionState]:
        """Every version, oldest first."""
        async with transaction(self._engine) as connection:
            checked = await read_assignments(await raw(connection))
            return [
                VersionState(*row, *_standing(checked, checked.versions[row.digest], now))
                for row in map(_VersionRow._make, await connection.execute(_VERSIONS))
            ]

    async def history(self, digest: str, policy: str, version: str, display: SignatureDisplay) -> list[VersionAct]:
        """All acts on a version and its drafts, in order of time."""
        subjects = [f"policy/{digest}", f"draft/{policy}/{version}"]
        async with transaction(self._engine) as connection:
            rows = map(_ActRow._make, await connection.execute(_ACTS, {"subjects": subjects}))
            return [_act(row, display) for row in rows]

    async def in_force(
        self, at: datetime, known_at: datetime, *, asset: str | None = None, line: str | None = None
    ) -> InForce:
        """The versions that judged an asset or a line at a time, by the records up to another time.

        Raises:
            Rejected: neither or both are given, or there is no such asset.
        """
        if (asset is None) == (line is None):
            raise Rejected("name one asset or one line", field="asset")
        async with transaction(self._engine) as connection:
            if asset is not None:
                found = (await connection.execute(_PLACE, {"asset": asset, "at": at})).one_or_none()
                found = found or (await connection.execute(_ANY_PLACE, {"asset": asset})).one_or_none()
                if found is None:
                    raise Rejected(f"there is no asset {asset}", field="asset", fix="`millwright assets list`")
                row = _PlaceRow._make(found)
                place = Place(
                    asset=row.id, machine=row.machine, asset_class=row.asset_class, line=row.line, site=row.site
                )
            else:
                place = Place(line=line, site=await connection.scalar(_SITE, {"line": line}))
            checked = await read_assignments(await raw(connection))
            versions = map(_VersionRow._make, await connection.execute(_VERSIONS))
            names = {version.digest: f"{version.policy} {version.version}" for version in versions}
        chosen = choose(checked.placements, place, at, known_at)
        return _answer(chosen, checked.rows, names, at, known_at)


def _act(row: _ActRow, display: SignatureDisplay) -> VersionAct:
    detail = json.loads(row.body)["detail"]
    signed = display.of(row.actor, row.at, str(detail["meaning"])) if "signature" in detail else None
    return VersionAct(row.at, row.actor, row.kind, detail, signed)


def _answer(
    chosen: Chosen, rows: Sequence[AssignedRow], names: dict[str, str], at: datetime, known_at: datetime
) -> InForce:
    shadows = tuple(names[shadow.digest] for shadow in chosen.shadows)
    if chosen.active is None:
        return InForce(at, known_at, None, None, None, None, None, None, None, None, shadows)
    active = chosen.active
    row = next(row for row in rows if row.placement.id == active.id)
    return InForce(
        at,
        known_at,
        active.digest,
        names[active.digest],
        active.role,
        active.scope.words,
        active.effective_from,
        active.until(known_at),
        row.by,
        row.reason,
        shadows,
    )


def _standing(
    checked: CheckedAssignments, version: SignedVersion, now: datetime
) -> tuple[str, tuple[str, ...], tuple[str, ...], int]:
    mine = [placement for placement in checked.placements if placement.digest == version.digest]
    live = [placement for placement in mine if placement.in_force(now, now)]
    coming = [
        placement
        for placement in mine
        if placement.effective_from > now and not placement.ends and not placement.kept_out(now)
    ]
    acting = [placement for placement in live if placement.role == "active" and _stands_above(checked, placement, now)]
    places = tuple(
        f"{placement.role} for {placement.scope.words}"
        for placement in live
        if placement.role != "active" or placement in acting
    )
    places += tuple(
        f"{placement.role} for {placement.scope.words} from {placement.effective_from:%Y-%m-%d %H:%M} UTC"
        for placement in coming
    )
    places += _halts(version, mine) + _kept_out(version, mine, now)
    counted = {approval.person for approval in version.approvals} - version.barred
    needed = 1 if version.first_light else needed_with(version.blasts)
    return _state(version, mine, acting, now), places, tuple(sorted(counted)), needed


def _halts(version: SignedVersion, mine: Sequence[Placement]) -> tuple[str, ...]:
    """Where the last canaries of a version were halted, as text; empty if the version was withdrawn."""
    last = {placement.scope: placement for placement in mine if placement.role == "canary"}
    if version.withdrawn_at is not None:
        return ()
    return tuple(
        f"halted as canary for {scope.words} at {end.at:%Y-%m-%d %H:%M} UTC"
        for scope, placement in last.items()
        for end in placement.ends
        if end.cause == "halted"
    )


def _kept_out(version: SignedVersion, mine: Sequence[Placement], now: datetime) -> tuple[str, ...]:
    """Where the last assignments of a version do not start because of a freeze, as text."""
    last = {(placement.role, placement.scope): placement for placement in mine}
    if version.withdrawn_at is not None:
        return ()
    return tuple(
        f"kept out by a freeze as {role} for {scope.words} at {placement.effective_from:%Y-%m-%d %H:%M} UTC"
        for (role, scope), placement in last.items()
        if placement.kept_out(now) and not placement.ends
    )


def _state(version: SignedVersion, mine: Sequence[Placement], acting: Sequence[Placement], now: datetime) -> str:
    if version.withdrawn_at is not None:
        return "withdrawn"
    if acting:
        return "active" if version.approved_at is not None else "active as an emergency"
    if version.approved_at is None:
        return "in review"
    past = [
        placement
        for placement in mine
        if placement.role == "active" and placement.effective_from <= now and not placement.kept_out(now)
    ]
    if not past:
        return "approved"
    last = max(past, key=lambda placement: (placement.effective_from, placement.id))
    return "rolled back" if any(end.cause == "rolled_back" for end in last.ends) else "superseded"


def _stands_above(checked: CheckedAssignments, mine: Placement, now: datetime) -> bool:
    """Whether no later active assignment of the same scope takes precedence."""
    beside = [
        placement
        for placement in checked.placements
        if placement.role == "active" and placement.scope == mine.scope and placement.in_force(now, now)
    ]
    return max(beside, key=lambda placement: (placement.effective_from, placement.id)) == mine
