"""Lists of holds: the state of each, its jobs, and its cases."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import ActRejected
from domain.holds import HoldStatus, PlacementState, Release
from domain.machine_test_runs import MachineTestRun
from domain.model import Model, Moment
from domain.production import HoldMethod
from domain.shown_signatures import ShownSignature, SignatureDisplay
from millwright.storage.cases.hold_views import HOLD_COLUMNS, hold_view
from millwright.storage.database.engine import transaction

# The claims of a hold are dropped when it ends. They are shown too.
_SEEN = f"""
SELECT {HOLD_COLUMNS}, h.system, h.intended_at, h.ended_at, h.reason,
    (SELECT json_agg(json_build_object('case', m.case_id, 'ready_at', m.ready_at) ORDER BY m.claimed_at, m.case_id)
        FROM hold_claims m WHERE m.hold_key = h.key AND (m.dropped_at IS NULL OR m.dropped_at = h.ended_at)) AS cases
FROM holds h
"""
_BY_KEY = text(f"{_SEEN} WHERE h.key = :key")
_LIVE_ON = text(f"{_SEEN} WHERE h.equipment = :equipment AND h.state = ANY(:states) ORDER BY h.intended_at, h.key")
# Newest first; `after` is the last hold of the page before.
_PAGE = text(f"""
{_SEEN}
WHERE h.state = ANY(:states) AND (CAST(:equipment AS text) IS NULL OR h.equipment = :equipment)
  AND (CAST(:after AS text) IS NULL
       OR (h.intended_at, h.key) < (SELECT p.intended_at, p.key FROM holds p WHERE p.key = :after))
ORDER BY h.intended_at DESC, h.key DESC LIMIT :limit
""")
_LIVE = tuple(state for state in HoldStatus if state.live)


class SeenPlacement(Model):
    """A hold on one job. `in_effect_at` is the first reading of the job as held, `read_at` the latest."""

    number: int
    job: str | None
    receiver: str | None
    method: HoldMethod
    state: PlacementState
    accepted_at: Moment | None
    in_effect_at: Moment | None
    read_at: Moment | None


class SeenClaim(Model):
    """A case that asks for a hold. `ready_at` is when its work was done; None while it is at work."""

    case: str
    working: bool
    ready_at: Moment | None


class SeenHold(Model):
    """A hold in a list.

    Args:
        words: its state, as text for people.
        notice: that a hold is no isolation, and that it is advisory where the MES does not enforce it; of live holds
            only.
        cases: the cases that claim it, or claimed it when it ended.
        releasable: whether a person of production may release it: the work of all its cases is done.
        ready_at: when the work of the last of its cases was done.
        overruled_at: when we saw that a person had started the machine in the MES.
        signed: the signature of the release as it is shown; None if no person signed one, or it is not asked for.
        statement: what a person of production states to take the next step of its release; None while there is none.
        test_run: what must be proved on a test run before it is released for good, and how the test run stands; None
            where one release is enough.
    """

    key: str
    system: str
    equipment: str
    state: HoldStatus
    words: str
    notice: str | None
    placements: tuple[SeenPlacement, ...]
    cases: tuple[SeenClaim, ...]
    releasable: bool
    ready_at: Moment | None
    overruled_at: Moment | None
    release: Release | None
    asked_at: Moment
    ended_at: Moment | None
    reason: str | None
    signed: ShownSignature | None = None
    statement: str | None = None
    test_run: MachineTestRun | None = None

    def shown(self, display: SignatureDisplay) -> "SeenHold":
        """The hold with the signature of its release."""
        said = self.release
        if said is None or said.signature is None:
            return self
        return self.model_copy(update={"signed": display.of(said.by, said.at, said.meaning or "")})


async def hold_page(
    engine: AsyncEngine,
    *,
    states: Sequence[HoldStatus] = _LIVE,
    equipment: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[SeenHold]:
    """A page of holds, newest first, that follow `after` (a hold's key).

    Args:
        states: the states of the holds; live states by default.
        equipment: the MES's id of the machine.
    """
    values = {"states": [state.value for state in states], "equipment": equipment, "after": after, "limit": limit}
    async with transaction(engine) as connection:
        return [_seen(row) for row in (await connection.execute(_PAGE, values)).mappings()]


async def whole_hold(engine: AsyncEngine, key: str) -> SeenHold:
    """One hold.

    Raises:
        ActRejected: there is no hold with this key.
    """
    async with transaction(engine) as connection:
        return await read_hold(connection, key)


async def hold_by(engine: AsyncEngine, ref: str) -> SeenHold:
    """The hold with a key, or the live hold on an equipment.

    Raises:
        ActRejected: there is none, or several are live on the equipment.
    """
    async with transaction(engine) as connection:
        found = await _found(connection, ref)
        if found is not None:
            return found
        values = {"equipment": ref, "states": [state.value for state in _LIVE]}
        live = [_seen(row) for row in (await connection.execute(_LIVE_ON, values)).mappings()]
    if len(live) > 1:
        keys = " and ".join(f"{hold.key} (in {hold.system})" for hold in live)
        raise ActRejected(f"several holds are on {ref}: {keys}", field="hold", fix="give the key of one of them")
    if not live:
        raise _unknown(f"there is no hold {ref}, and none is live on an equipment {ref}")
    return live[0]


async def read_hold(connection: AsyncConnection, key: str) -> SeenHold:
    """One hold, in the caller's transaction.

    Raises:
        ActRejected: there is no hold with this key.
    """
    found = await _found(connection, key)
    if found is None:
        raise _unknown(f"there is no hold {key}")
    return found


async def _found(connection: AsyncConnection, key: str) -> SeenHold | None:
    row = (await connection.execute(_BY_KEY, {"key": key})).mappings().one_or_none()
    return None if row is None else _seen(row)


def _unknown(problem: str) -> ActRejected:
    return ActRejected(problem, field="hold", fix="see `millwright hold list --all`")


def _seen(row: RowMapping) -> SeenHold:
    hold = hold_view(row)
    placements = [
        SeenPlacement(
            number=placement.number,
            job=placement.plan.job,
            receiver=placement.plan.receiver,
            method=placement.plan.method,
            state=placement.state,
            accepted_at=placement.accepted_at,
            in_effect_at=placement.in_effect_at,
            read_at=placement.read_at,
        )
        for placement in hold.placements
    ]
    return SeenHold(
        key=hold.key,
        system=row["system"],
        equipment=hold.equipment,
        state=hold.state,
        words=hold.words,
        notice=hold.notice or None,
        placements=tuple(placements),
        cases=tuple(SeenClaim(**claim, working=claim["ready_at"] is None) for claim in row["cases"] or ()),
        releasable=hold.releasable,
        ready_at=hold.ready_at,
        overruled_at=hold.overruled_at,
        release=hold.release,
        asked_at=row["intended_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        statement=hold.statement,
        test_run=hold.test_run,
    )
