"""Walk-downs in storage: who may state what, what becomes a proof, and what storage refuses."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import ActionRequired, ActRejected
from domain.holds import PlacementState
from domain.stops import StoppableAction
from domain.walk_downs import WALK_DOWN_LASTS, WalkDown, WalkDownState
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import Settings
from millwright.storage.cases.walk_downs import WalkDownStore
from policies.engine.catalogue import Catalogue
from tests.support.held_machine import held_machine, place
from tests.support.ingress import NOW
from tests.support.people import add, leave
from tests.support.plant import TestClock, publish_policies
from tests.support.walk_downs import begin_word, held, look_word, plan, prove, release_word, target

SYSTEM = "fake"


class Bench:
    """The store of walk-downs, with the people of the plant."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.clock = TestClock(NOW)
        self.storage: Storage = stores(engine, self.clock, StoredVersions(Catalogue()), Settings(_env_file=None))
        self.store: WalkDownStore = self.storage.walk_downs

    async def begun(self, by: str = "petra", signer: str | None = None) -> WalkDown:
        word = begin_word(self.clock.now(), SYSTEM, by, signer=signer)
        return await self.store.begin("machine-001", SYSTEM, "EQ-001", word)

    async def held(self) -> WalkDown:
        return await held(self.store, self.clock.now(), SYSTEM)

    async def state(self, key: str) -> WalkDownState:
        return (await self.store.read(key))[0].state

    async def released(self, key: str) -> WalkDown:
        """What becomes of a walk-down whose machine production releases."""
        found, _ = await self.store.read(key)
        await self.store.let_run(key, release_word(found, self.clock.now()))
        await self.store.record_release_call(key, unanswered=True)
        return await self.store.finish(key, self.clock.now())


@pytest.fixture
def empty(storage_engine: AsyncEngine) -> Bench:
    """Nobody is there yet."""
    return Bench(storage_engine)


@pytest.fixture
async def bench(empty: Bench) -> Bench:
    await publish_policies(empty.storage.versions, empty.storage.people)
    await add(empty.storage.people, "bo", ["planner", "production"], NOW)
    return empty


async def test_two_persons_prove_a_machine(bench: Bench) -> None:
    proof = await prove(bench.store, NOW, SYSTEM)
    assert (proof.state, proof.target, proof.fault) == (WalkDownState.PROVED, target(), None)
    assert proof.key.startswith("WD")
    assert (await bench.store.read(proof.key))[0] == proof


async def test_a_repeated_request_changes_nothing(bench: Bench) -> None:
    first = await bench.begun()
    assert (await bench.begun()).key == first.key
    await bench.store.intend(first.key, plan(first, target()))
    await bench.store.record_held(first.key, NOW)
    seen, _ = await bench.store.read(first.key)
    looked = await bench.store.look(first.key, look_word(seen, NOW))
    assert await bench.store.look(first.key, look_word(seen, NOW)) == looked
    released = await bench.store.let_run(first.key, release_word(looked, NOW))
    assert await bench.store.let_run(first.key, release_word(looked, NOW)) == released


async def test_a_walk_down_begins_by_the_signed_word_of_production(bench: Bench) -> None:
    with pytest.raises(ActRejected, match="it takes the role production"):
        await bench.begun("paula")
    with pytest.raises(ActRejected, match="the signature is not petra's"):
        await bench.begun("petra", signer="paula")
    stale = begin_word(NOW - timedelta(minutes=6), SYSTEM)
    with pytest.raises(ActRejected, match="sign again"):
        await bench.store.begin("machine-001", SYSTEM, "EQ-001", stale)
    with pytest.raises(ActRejected, match="the signature is not petra's"):
        await bench.store.begin("machine-001", SYSTEM, "EQ-002", begin_word(NOW, SYSTEM))


async def test_maintenance_looks_and_is_another_person(bench: Bench) -> None:
    walk_down = await bench.held()
    with pytest.raises(ActRejected, match="it takes the role planner"):
        await bench.store.look(walk_down.key, look_word(walk_down, NOW, "olaf"))
    with pytest.raises(ActRejected, match="petra began this walk-down"):
        await bench.store.look(walk_down.key, look_word(walk_down, NOW, "petra"))
    with pytest.raises(ActRejected, match="the signature is not paula's"):
        await bench.store.look(walk_down.key, look_word(walk_down, NOW, signer="petra"))
    with pytest.raises(ActRejected, match="the signature is not paula's"):
        await bench.store.look(walk_down.key, look_word(walk_down, NOW, seen="0" * 64))


async def test_one_person_with_both_roles_is_not_two(bench: Bench) -> None:
    begun = await bench.begun("bo")
    await bench.store.intend(begun.key, plan(begun, target()))
    await bench.store.record_held(begun.key, NOW)
    walk_down, _ = await bench.store.read(begun.key)
    with pytest.raises(ActRejected, match="bo began this walk-down"):
        await bench.store.look(walk_down.key, look_word(walk_down, NOW, "bo"))


async def test_who_looked_does_not_release(bench: Bench) -> None:
    walk_down = await bench.held()
    await bench.store.look(walk_down.key, look_word(walk_down, NOW, "bo"))
    with pytest.raises(ActRejected, match="bo looked at the machine"):
        await bench.store.let_run(walk_down.key, release_word(walk_down, NOW, "bo"))


async def test_production_alone_releases(bench: Bench) -> None:
    walk_down = await bench.held()
    with pytest.raises(ActRejected, match="it takes the role production"):
        await bench.store.let_run(walk_down.key, release_word(walk_down, NOW, "paula"))
    forged = release_word(walk_down, NOW).model_copy(update={"signature": "00" * 64})
    with pytest.raises(ActRejected, match="the signature is not petra's"):
        await bench.store.let_run(walk_down.key, forged)


async def test_a_machine_that_is_released_before_maintenance_looked_is_not_proved(bench: Bench) -> None:
    walk_down = await bench.held()
    ended = await bench.released(walk_down.key)
    assert (ended.state, ended.reason) == (WalkDownState.FAILED, "it was released before maintenance looked")


async def test_after_half_an_hour_nothing_is_proved_and_production_releases_all_the_same(bench: Bench) -> None:
    walk_down = await bench.held()
    await bench.store.look(walk_down.key, look_word(walk_down, NOW))
    bench.clock.time += WALK_DOWN_LASTS + timedelta(seconds=1)
    ended = await bench.released(walk_down.key)
    assert (ended.state, ended.reason) == (WalkDownState.FAILED, "it was not done within 30 minutes")


async def test_maintenance_that_comes_too_late_is_told_so(bench: Bench) -> None:
    walk_down = await bench.held()
    bench.clock.time += WALK_DOWN_LASTS + timedelta(seconds=1)
    with pytest.raises(ActRejected, match="not done within 30 minutes"):
        await bench.store.look(walk_down.key, look_word(walk_down, bench.clock.now()))


async def test_one_walk_down_of_a_machine_at_a_time(bench: Bench) -> None:
    first = await bench.begun()
    bench.clock.time += timedelta(seconds=1)
    with pytest.raises(ActRejected, match=f"walk-down {first.key} of EQ-001 is under way"):
        await bench.begun()


async def test_a_machine_that_is_held_is_not_walked_down(empty: Bench) -> None:
    await held_machine(empty.storage, SYSTEM)
    empty.clock.time += timedelta(seconds=1)
    with pytest.raises(ActRejected, match="EQ-001 is held by hold MW"):
        await empty.begun()


async def test_a_hold_that_is_asked_for_and_not_placed_is_no_obstacle(empty: Bench) -> None:
    bench = empty
    case = await held_machine(bench.storage, SYSTEM)
    bench.clock.time += timedelta(seconds=1)
    await bench.storage.holds.move_placement(case, 1, PlacementState.ENDED, read_at=bench.clock.now())
    walk_down = await bench.begun()
    await bench.store.intend(walk_down.key, plan(walk_down, target("Press1")))
    await bench.store.record_held(walk_down.key, bench.clock.now())
    seen, _ = await bench.store.read(walk_down.key)
    await bench.store.look(seen.key, look_word(seen, bench.clock.now()))
    assert (await bench.released(seen.key)).state is WalkDownState.PROVED
    await place(bench.storage, case, "J-2", PlacementState.IN_EFFECT, SYSTEM)


async def test_a_kill_switch_for_holds_stops_walk_downs_too(bench: Bench) -> None:
    begun = await bench.begun()
    await bench.storage.policies.stops.stop(StoppableAction.HOLD, "olaf", "the MES is being changed")
    stopped = "olaf stopped every hold: the MES is being changed"
    assert await bench.store.intend(begun.key, plan(begun, target())) == stopped
    await bench.store.fail(begun.key, stopped)
    bench.clock.time += timedelta(seconds=1)
    with pytest.raises(ActRejected, match=stopped):
        await bench.begun()


async def test_a_later_proof_takes_the_place_of_an_earlier_one(bench: Bench) -> None:
    first = await prove(bench.store, NOW, SYSTEM)
    bench.clock.time += timedelta(days=1)
    second = await prove(bench.store, bench.clock.now(), SYSTEM, target("R2"))
    assert await bench.state(first.key) is WalkDownState.ENDED
    assert await bench.state(second.key) is WalkDownState.PROVED


@pytest.mark.parametrize("by", ["petra", "paula", "ada.min"])
async def test_one_person_withdraws_a_proof(bench: Bench, by: str) -> None:
    proof = await prove(bench.store, NOW, SYSTEM)
    withdrawn = await bench.store.withdraw(proof.key, by, "the press was moved")
    assert (withdrawn.state, withdrawn.reason) == (WalkDownState.WITHDRAWN, "the press was moved")
    with pytest.raises(ActRejected, match="it is no proof"):
        await bench.store.withdraw(proof.key, by, "again")


async def test_nobody_else_withdraws_a_proof(bench: Bench) -> None:
    proof = await prove(bench.store, NOW, SYSTEM)
    with pytest.raises(ActRejected, match="olaf may not do this"):
        await bench.store.withdraw(proof.key, "olaf", "because")
    with pytest.raises(ActRejected, match="is empty"):
        await bench.store.withdraw(proof.key, "petra", " ")


async def test_a_proof_outlives_the_people_who_made_it(bench: Bench) -> None:
    proof = await prove(bench.store, NOW, SYSTEM)
    bench.clock.time += timedelta(days=1)
    for person in ("petra", "paula"):
        await leave(bench.storage.people, person, bench.clock.now())
    assert await bench.state(proof.key) is WalkDownState.PROVED


@pytest.mark.parametrize(
    "change",
    [
        "state = 'looked'",
        "equipment = 'EQ-002'",
        "begun = jsonb_set(begun, '{by}', '\"bo\"')",
        "plan = jsonb_set(plan, '{target,certificate}', '\"ab\"')",
        "held_at = held_at + interval '1 second'",
    ],
)
async def test_a_walk_down_that_somebody_altered_is_not_carried_out(
    bench: Bench, database_url: str, change: str
) -> None:
    walk_down = await bench.held()
    with psycopg.connect(database_url, autocommit=True) as somebody:
        somebody.execute(f"UPDATE walk_downs SET {change}".encode())
    with pytest.raises(ActionRequired, match="not as recorded"):
        await bench.store.read(walk_down.key)
