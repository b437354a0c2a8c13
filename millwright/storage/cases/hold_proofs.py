"""A placement needs a proof: two persons have seen that a hold through its target stops its machine."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import NotProved
from domain.production import HoldPlan
from domain.walk_downs import PROOFS, WalkDown, WalkDownState
from millwright.storage.cases.hold_locks import LockedHold
from millwright.storage.cases.hold_writing import HoldWriting
from millwright.storage.cases.walk_down_grounds import check_walk_down
from millwright.storage.cases.walk_downs import WalkDownWriting, locked_walk_down, walk_down_of
from millwright.storage.database.engine import transaction
from millwright.storage.database.walk_down_tables import walk_downs
from millwright.storage.ledger import ledger

_STATES = [state.value for state in PROOFS]


class TargetChanged(NotProved):
    """Another target serves the machine than the proof was made with. `proof` is the key of the proof."""

    def __init__(self, problem: str, *, system: str, key: str, proof: str) -> None:
        super().__init__(problem, system=system, operation="place-hold", key=key, field="target")
        self.proof = proof


async def require_proof(writing: HoldWriting, hold: LockedHold, plan: HoldPlan) -> None:
    """Refuses a placement without a proof in force for its system, equipment and target. A suspended proof is in force
    again once its own target serves the machine.

    Raises:
        TargetChanged: the proof was made with another target.
        NotProved: there is no proof.
        ActionRequired: the proof is not as recorded in the ledger, or nobody signed it.
    """
    proof = await _proof(writing.connection, hold)
    if proof is None or proof.target is None or plan.target is None:
        raise NotProved(
            f"nobody has proved what a hold on {hold.equipment} stops: run `millwright hold prove {hold.equipment}` at "
            "the machine",
            system=hold.system,
            operation="place-hold",
            key=hold.key,
            field="walk_down",
        )
    await check_walk_down(writing.connection, proof)
    if changes := proof.target.changes(plan.target):
        raise TargetChanged(
            f"the proof of {hold.equipment} is suspended, because its server changed ({changes}): run `millwright hold "
            f"prove {hold.equipment}` at the machine",
            system=hold.system,
            key=hold.key,
            proof=proof.key,
        )
    if proof.state is WalkDownState.SUSPENDED:
        own = WalkDownWriting(writing.connection, writing.now, writing.entry)
        await own.record(proof, "resumed", {}, {"state": WalkDownState.PROVED, "found": None})


async def suspend(engine: AsyncEngine, now: datetime, key: str, plan: HoldPlan) -> None:
    """Keeps that another target than that of a proof served the machine."""
    async with transaction(engine) as connection:
        writing = WalkDownWriting(connection, now, ledger.Entry(now))
        proof = await locked_walk_down(connection, key)
        if proof.state.is_proof and proof.found != plan.target:
            changed = {"state": WalkDownState.SUSPENDED, "found": plan.target}
            await writing.record(proof, "suspended", {"found": plan.target}, changed)
        await ledger.append(connection, writing.entry)


async def _proof(connection: AsyncConnection, hold: LockedHold) -> WalkDown | None:
    on = (walk_downs.c.system == hold.system) & (walk_downs.c.equipment == hold.equipment)
    found = select(walk_downs).where(on, walk_downs.c.state.in_(_STATES)).with_for_update()
    row = (await connection.execute(found)).mappings().one_or_none()
    return None if row is None else walk_down_of(row)
