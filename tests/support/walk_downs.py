"""Walk-downs by signed acts in storage, without an MES: a proof costs a test some milliseconds."""

from datetime import datetime

from domain.canonical import timestamp
from domain.holds import Release
from domain.keys import BEGIN_WALK_DOWN, LOOK, walk_down_statement
from domain.production import HoldMethod, HoldPlan, HoldTarget, JobState
from domain.walk_downs import MAY_BE_STOPPED, STANDS_STILL, SignedWord, WalkDown
from millwright.storage.cases.walk_downs import WalkDownStore
from tests.support.people import key_of, signed_release

MACHINE, EQUIPMENT = "machine-001", "EQ-001"
PRODUCTION, MAINTENANCE = "petra", "paula"
"""A person of production, and one of maintenance."""
RECEIVER = "R1"


def target(receiver: str = RECEIVER) -> HoldTarget:
    """What a hold of the fakes goes through."""
    return HoldTarget(receiver=receiver, application_uri="urn:fake", namespace="urn:fake:machines", certificate=None)


def begin_word(
    at: datetime,
    system: str,
    by: str = PRODUCTION,
    *,
    machine: str = MACHINE,
    equipment: str = EQUIPMENT,
    signer: str | None = None,
) -> SignedWord:
    """The word of production at the machine. `signer` is whose key signs it, where that is another person's."""
    statement = walk_down_statement(BEGIN_WALK_DOWN, machine, system, equipment, MAY_BE_STOPPED, timestamp(at), by)
    signature = key_of(signer or by).sign(statement).hex()
    return SignedWord(by=by, meaning=MAY_BE_STOPPED, at=at, signature=signature)


def look_word(
    walk_down: WalkDown, at: datetime, by: str = MAINTENANCE, *, seen: str | None = None, signer: str | None = None
) -> SignedWord:
    """The word of maintenance after looking. `seen` is the digest of another target than that of the walk-down."""
    statement = walk_down_statement(
        LOOK,
        walk_down.machine,
        walk_down.system,
        walk_down.equipment,
        STANDS_STILL,
        timestamp(at),
        by,
        walk_down=walk_down.key,
        target=seen or walk_down.target_digest,
    )
    signature = key_of(signer or by).sign(statement).hex()
    return SignedWord(by=by, meaning=STANDS_STILL, at=at, signature=signature)


def release_word(walk_down: WalkDown, at: datetime, by: str = PRODUCTION) -> Release:
    """The word of production that releases the machine."""
    return signed_release(walk_down.key, walk_down.equipment, at, by)


def plan(walk_down: WalkDown, of: HoldTarget) -> HoldPlan:
    """A plan to pause the job of the machine."""
    return HoldPlan(
        key=walk_down.key,
        equipment=walk_down.equipment,
        receiver=of.receiver,
        job="J-walk-down",
        prior_state=JobState.RUNNING,
        method=HoldMethod.PAUSE,
        target=of,
    )


async def held(store: WalkDownStore, at: datetime, system: str, of: HoldTarget | None = None, **where: str) -> WalkDown:
    """A walk-down whose machine is held."""
    named = {"machine": MACHINE, "equipment": EQUIPMENT, **where}
    begun = await store.begin(named["machine"], system, named["equipment"], begin_word(at, system, **named))
    await store.intend(begun.key, plan(begun, of or target()))
    await store.record_held(begun.key, at)
    return (await store.read(begun.key))[0]


async def prove(
    store: WalkDownStore, at: datetime, system: str, of: HoldTarget | None = None, **where: str
) -> WalkDown:
    """A proof of a machine. `PRODUCTION` and `MAINTENANCE` must be people of the plant.

    Args:
        at: the time of the store's clock.
        of: what the holds go through; by default that of the fakes.
        where: `machine` and `equipment`, where it is another one.
    """
    walk_down = await held(store, at, system, of, **where)
    await store.look(walk_down.key, look_word(walk_down, at))
    walk_down = await store.let_run(walk_down.key, release_word(walk_down, at))
    await store.record_release_call(walk_down.key, unanswered=True)
    proof = await store.finish(walk_down.key, at)
    # As its workflow leaves it: nothing of it is due.
    _, seen = await store.read(proof.key)
    await store.rest(proof.key, seen, None, None)
    return proof
