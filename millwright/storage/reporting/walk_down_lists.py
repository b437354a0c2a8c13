"""Lists of walk-downs, and of machines: which one is proved, so that it can be held."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import MES_SYSTEM, Criticality, system_of
from domain.errors import ActRejected
from domain.instances import PlantInstances
from domain.model import Model, Moment
from domain.shown_signatures import ShownSignature, SignatureDisplay
from domain.walk_downs import LIVE_WALK_DOWNS, PROOFS, WalkDown, WalkDownState
from millwright.storage.cases.walk_downs import unknown_walk_down, walk_down_of
from millwright.storage.database.engine import transaction
from millwright.storage.database.walk_down_tables import walk_downs

_MACHINES = text(
    "SELECT a.id, a.name, a.site, a.criticality, c.system, c.external_id FROM assets a "
    "JOIN crosswalk c ON c.asset = a.id AND c.valid_to IS NULL "
    "WHERE a.valid_to IS NULL AND split_part(c.system, ':', 1) = :kind ORDER BY a.id, c.external_id"
)


class SeenWalkDown(WalkDown):
    """A walk-down as it is listed: with what maintenance signs of its target, and with the signatures so far."""

    digest: str | None = None
    how_it_stands: str
    until_at: Moment
    signed: tuple[ShownSignature, ...] = ()


class Proving(StrEnum):
    """Whether a machine can be held."""

    PROVED = "proved"
    SUSPENDED = "suspended"
    NOT_PROVED = "not_proved"

    @property
    def words(self) -> str:
        return self.value.replace("_", " ")


class SeenMachine(Model):
    """A machine that an MES knows, and whether it can be held there.

    Args:
        proof: the key of the proof; None if there is none.
        walk_down: the key of the walk-down that is under way; None if there is none.
        how_it_stands: what is wrong, or what the walk-down waits for; None if there is neither.
    """

    machine: str
    name: str
    criticality: Criticality | None
    system: str
    equipment: str
    state: Proving
    proof: str | None
    proved_at: Moment | None
    walk_down: str | None
    how_it_stands: str | None


class _MachineRow(NamedTuple):
    id: str
    name: str
    site: str | None
    criticality: str | None
    system: str
    external_id: str


def seen_walk_down(walk_down: WalkDown, display: SignatureDisplay) -> SeenWalkDown:
    """A walk-down as it is listed."""
    words = [(word.by, word.at, word.meaning) for word in (walk_down.begun, walk_down.looked) if word is not None]
    if walk_down.release is not None:
        words.append((walk_down.release.by, walk_down.release.at, walk_down.release.meaning or ""))
    return SeenWalkDown(
        **dict(walk_down),
        digest=walk_down.target_digest,
        how_it_stands=walk_down.words,
        until_at=walk_down.until,
        signed=tuple(display.of(*word) for word in words),
    )


async def walk_down_page(
    engine: AsyncEngine,
    states: Sequence[WalkDownState],
    *,
    machine: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[WalkDown]:
    """A page of walk-downs, the newest first, that follow `after` (the key of one)."""
    found = select(walk_downs).where(walk_downs.c.state.in_([state.value for state in states]))
    if machine is not None:
        found = found.where((walk_downs.c.machine == machine) | (walk_downs.c.equipment == machine))
    if after is not None:
        last = select(walk_downs.c.begun_at, walk_downs.c.key).where(walk_downs.c.key == after).subquery()
        at = select(last.c.begun_at).scalar_subquery()
        key = select(last.c.key).scalar_subquery()
        found = found.where((walk_downs.c.begun_at < at) | ((walk_downs.c.begun_at == at) & (walk_downs.c.key < key)))
    found = found.order_by(walk_downs.c.begun_at.desc(), walk_downs.c.key.desc()).limit(limit)
    async with transaction(engine) as connection:
        return [walk_down_of(row) for row in (await connection.execute(found)).mappings()]


async def whole_walk_down(engine: AsyncEngine, key: str) -> WalkDown:
    """One walk-down.

    Raises:
        ActRejected: there is none.
    """
    async with transaction(engine) as connection:
        found = select(walk_downs).where(walk_downs.c.key == key)
        row = (await connection.execute(found)).mappings().one_or_none()
    if row is None:
        raise unknown_walk_down(key)
    return walk_down_of(row)


async def machines(engine: AsyncEngine, instances: PlantInstances) -> list[SeenMachine]:
    """Every machine that the MES of its site knows by a name, in the order of their ids."""
    states = [state.value for state in (*PROOFS, *LIVE_WALK_DOWNS)]
    async with transaction(engine) as connection:
        rows = [_MachineRow._make(row) for row in await connection.execute(_MACHINES, {"kind": MES_SYSTEM})]
        known = select(walk_downs).where(walk_downs.c.state.in_(states))
        found = [walk_down_of(row) for row in (await connection.execute(known)).mappings()]
    proofs = {(each.system, each.equipment): each for each in found if each.state.is_proof}
    live = {(each.system, each.equipment): each for each in found if each.state.live}
    named: dict[str, list[_MachineRow]] = {}
    for row in rows:
        named.setdefault(row.id, []).append(row)
    return [
        _seen(row, instance, proofs.get((instance, row.external_id)), live.get((instance, row.external_id)))
        for own in named.values()
        for row, instance in _served(own, instances)
    ]


def proving_words(found: Sequence[SeenMachine], shown: int = 5) -> str:
    """How many machines are proved, and which are not, as text."""
    told = []
    for state in Proving:
        own = [each.machine for each in found if each.state is state]
        if own:
            more = " …" if len(own) > shown else ""
            names = "" if state is Proving.PROVED else f" ({', '.join(own[:shown])}{more})"
            told.append(f"{len(own)} {state.words}{names}")
    return ", ".join(told) or "no MES knows a machine"


async def machine_named(engine: AsyncEngine, instances: PlantInstances, name: str) -> SeenMachine:
    """The machine of this id, or with this name in the MES.

    Raises:
        ActRejected: there is none, or several.
    """
    found = [each for each in await machines(engine, instances) if name in (each.machine, each.equipment)]
    if len(found) == 1:
        return found[0]
    if found:
        told = ", ".join(f"{each.machine} ({each.equipment} in {each.system})" for each in found)
        raise ActRejected(f"{name} names several machines: {told}", field="machine", fix="give the id of one of them")
    raise ActRejected(
        f"no MES knows a machine {name}",
        field="machine",
        fix="see `millwright hold proofs` and `millwright assets list`",
    )


def _served(own: Sequence[_MachineRow], instances: PlantInstances) -> list[tuple[_MachineRow, str]]:
    """The names of a machine in the MES that serves its site: those for the instance, else those for every MES."""
    instance = instances.mes.serving(own[0].site)
    if instance is None:
        return []
    for system in (system_of(MES_SYSTEM, instance), MES_SYSTEM):
        if named := [(row, instance) for row in own if row.system == system]:
            return named
    return []


def _seen(row: _MachineRow, instance: str, proof: WalkDown | None, live: WalkDown | None) -> SeenMachine:
    state = Proving.NOT_PROVED
    words = None
    if proof is not None:
        state = Proving.PROVED if proof.state is WalkDownState.PROVED else Proving.SUSPENDED
        words = proof.words if state is Proving.SUSPENDED else None
    if live is not None:
        words = live.waiting_for or live.words
    return SeenMachine(
        machine=row.id,
        name=row.name,
        criticality=None if row.criticality is None else Criticality(row.criticality),
        system=instance,
        equipment=row.external_id,
        state=state,
        proof=None if proof is None else proof.key,
        proved_at=None if proof is None else proof.released_at,
        walk_down=None if live is None else live.key,
        how_it_stands=words,
    )
