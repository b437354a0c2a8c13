"""Calls to an MES that stands apart, through the real engine: what is lost, repeated, late, copied or forged."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.worker import Worker

from domain.canonical import digest
from domain.clock import Clock, WallClock
from domain.errors import ActionRequired, NotProved, Refused, Unavailable
from domain.keys import mes_call_workflow_id
from domain.loops import wait_until
from domain.mes_calls import HoldRelease, MesAnswer, MesRequest, PlaceHold
from domain.ports import Mes
from domain.production import HoldEnforcement, HoldPlan, HoldReading, HoldState, PlaceResult
from millwright.settings import Settings
from millwright.workflow_engine.apart_mes import CALL_LASTS
from millwright.workflow_engine.payload_codec import encrypting
from millwright.workflow_engine.temporal import engine_client
from tests.support.engine_process import answering, engine_process
from tests.support.plant import START, TestClock
from tests.support.plant_zone import PlantZone, plant_zone, write_keys
from tests.workflows.fake_mes import FakeMes
from workflows.queues import case_queue, plant_zone_queue

QUEUE = "apart"
CLOCK = TestClock(START)
REASON = "the bearing is worn"


class GatedMes(FakeMes):
    """Holds and releases only once it is let, and tells what it was asked."""

    def __init__(self) -> None:
        super().__init__(CLOCK)
        self.asked: list[str] = []
        self.opened = asyncio.Event()
        self.reached = asyncio.Event()

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        self.asked.append("place")
        self.reached.set()
        await self.opened.wait()
        return await super().place_hold(plan, reason)

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        self.asked.append("read")
        return await super().read_hold(plan)


class FaultyMes(FakeMes):
    """One with a mistake in its code, whose traceback has plant data."""

    async def lots_made(self, equipment: str, from_at: datetime, until_at: datetime) -> None:
        raise RuntimeError(f"it broke at {equipment} between {from_at} and {until_at}")


class BehindClock(WallClock):
    """A clock that goes behind the others."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() - self._by


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
async def zone(engine_address: str, keys: Path) -> AsyncIterator[PlantZone]:
    async with plant_zone(await answering(engine_address), keys, QUEUE) as made:
        yield made


@pytest.fixture
async def sealing(engine_address: str, keys: Path) -> AsyncIterator[Client]:
    """A client that has the keys."""
    async with engine_client(Settings(), engine_address, converter=encrypting(keys, "payload_keys")) as client:
        yield client


@pytest.fixture
def system(request: pytest.FixtureRequest) -> str:
    """An instance of the test's own."""
    return str(request.node.name)


def written(home: Path) -> bytes:
    """All that the engine has written to its files."""
    return b"".join(file.read_bytes() for file in home.glob("temporal.db*"))


def manned(zone: PlantZone, system: str, mes: FakeMes, wall: Clock | None = None) -> Mes:
    zone.man(system, mes, CLOCK)
    return zone.port(system, CLOCK, wall)


async def test_what_a_hold_is_worth_there_is_unknown_until_the_zone_has_answered(zone: PlantZone, system: str) -> None:
    mes = manned(zone, system, FakeMes(CLOCK))
    before = mes.enforcement
    assert await mes.check() == "through the worker of its plant zone: fake"
    assert (before, mes.enforcement) == (HoldEnforcement.UNKNOWN, HoldEnforcement.ENFORCED)


@pytest.mark.parametrize("error", [Unavailable, ActionRequired, NotProved, Refused])
async def test_an_error_of_the_mes_is_the_same_error_here(
    zone: PlantZone, error: type[Unavailable | ActionRequired | NotProved | Refused]
) -> None:
    fake = FakeMes(CLOCK)
    fake.failing.before.append(error("it says no", system=error.__name__, operation="read-production"))
    with pytest.raises(error) as raised:
        await manned(zone, error.__name__, fake).read_production("EQ-001")
    assert (type(raised.value), raised.value.problem) == (error, "it says no")


async def test_where_nobody_takes_calls_that_is_what_is_said(zone: PlantZone, system: str) -> None:
    mes = zone.port(system, CLOCK)
    with pytest.raises(Unavailable, match="no worker of the plant zone takes calls for this MES") as raised:
        await mes.read_production("EQ-001")
    assert raised.value.system == system


async def test_a_repeated_call_gets_the_answer_of_the_one_that_is_under_way(zone: PlantZone, system: str) -> None:
    fake = GatedMes()
    killed, again = manned(zone, system, fake), zone.port(system, CLOCK)
    plan = await fake.plan_hold("EQ-001", "MWKEY")
    first = asyncio.create_task(killed.place_hold(plan, REASON))
    await fake.reached.wait()
    first.cancel()
    second = asyncio.create_task(again.place_hold(plan, REASON))
    await asyncio.sleep(0.3)
    fake.opened.set()
    assert await second is PlaceResult.IN_EFFECT
    assert (fake.asked, fake.acts) == (["place"], ["hold MWKEY"])


async def test_a_hold_is_read_only_after_the_call_about_it_that_is_under_way(zone: PlantZone, system: str) -> None:
    fake = GatedMes()
    killed, again = manned(zone, system, fake), zone.port(system, CLOCK)
    plan = await fake.plan_hold("EQ-001", "MWKEY")
    placing = asyncio.create_task(killed.place_hold(plan, REASON))
    await fake.reached.wait()
    placing.cancel()
    reading = asyncio.create_task(again.read_hold(plan))
    await asyncio.sleep(0.3)
    assert fake.asked == ["place"]
    fake.opened.set()
    assert (await reading).state is HoldState.HELD


async def test_two_workers_of_one_zone_share_the_calls_and_hold_once(
    zone: PlantZone, system: str, sealing: Client
) -> None:
    fake = FakeMes(CLOCK)
    second = PlantZone(sealing, QUEUE)
    second.man(system, fake, CLOCK)
    ports = [manned(zone, system, fake), *(zone.port(system, CLOCK) for _ in range(3))]
    plan = await fake.plan_hold("EQ-001", "MWKEY")
    results = await asyncio.gather(*(port.place_hold(plan, REASON) for port in ports))
    await second.leave()
    assert fake.acts == ["hold MWKEY"]
    assert PlaceResult.IN_EFFECT in results
    assert set(results) <= {PlaceResult.IN_EFFECT, PlaceResult.HELD_ALREADY}


async def test_a_call_that_somebody_ends_in_the_engine_is_given_up_only_once_it_can_have_no_effect(
    zone: PlantZone, system: str, engine: Client
) -> None:
    # By its clock the call's time is nearly over when it begins, so that the test does not wait for it.
    behind = BehindClock(CALL_LASTS - timedelta(seconds=3))
    fake, left = GatedMes(), asyncio.get_running_loop().time() + 3
    mes = manned(zone, system, fake, behind)
    plan = await fake.plan_hold("EQ-001", "MWKEY")
    placing = asyncio.create_task(mes.place_hold(plan, REASON))
    await fake.reached.wait()
    await engine.get_workflow_handle(mes_call_workflow_id(digest(plan), system)).terminate()
    await asyncio.sleep(1)
    assert not placing.done()
    assert left > asyncio.get_running_loop().time()
    placing.cancel()


@pytest.mark.parametrize("by", [timedelta(minutes=2), -timedelta(minutes=2)], ids=["ahead", "behind"])
async def test_a_zone_whose_clock_is_minutes_wrong_makes_no_call_and_that_is_said(
    zone: PlantZone, by: timedelta
) -> None:
    fake = FakeMes(CLOCK)
    where = "ahead" if by > timedelta() else "behind"
    mes = manned(zone, f"clock-{where}", fake, BehindClock(by))
    plan = await fake.plan_hold("EQ-001", "MWKEY")
    with pytest.raises(ActionRequired, match=rf"at least 1\d\d seconds {where}") as raised:
        await mes.place_hold(plan, REASON)
    assert (raised.value.field, fake.acts) == ("clock", [])


async def test_a_request_that_somebody_sends_again_later_or_elsewhere_is_not_carried_out(
    zone: PlantZone, system: str, sealing: Client
) -> None:
    fake = FakeMes(CLOCK)
    zone.man(system, fake, CLOCK)
    plan = await fake.plan_hold("EQ-001", "MWKEY")
    await fake.place_hold(plan, REASON)
    workflow, now = mes_call_workflow_id(digest(plan), system), WallClock().now()
    released = MesRequest(
        workflow=workflow,
        system=system,
        asked_at=now - timedelta(minutes=5),
        until=now - timedelta(minutes=4),
        plant_time=START,
        asked=HoldRelease(plan=plan, reason="repaired"),
    )
    elsewhere = released.model_copy(update={"until": now + timedelta(minutes=1)})
    problems = []
    for request, sent_as in ((released, workflow), (elsewhere, mes_call_workflow_id("another", system))):
        answer: MesAnswer = await sealing.execute_workflow(
            "MesCall", request, id=sent_as, task_queue=case_queue(QUEUE), result_type=MesAnswer
        )
        assert answer.error is not None
        problems.append(answer.error.problem)
    assert fake.acts == ["hold MWKEY"]
    assert ["too late" in problems[0], "another workflow" in problems[1]] == [True, True]


async def test_whoever_has_no_key_can_make_no_call(zone: PlantZone, system: str, engine: Client) -> None:
    fake = FakeMes(CLOCK)
    zone.man(system, fake, CLOCK)
    plan, now = await fake.plan_hold("EQ-001", "MWKEY"), WallClock().now()
    workflow = mes_call_workflow_id(digest(plan), system)
    request = MesRequest(
        workflow=workflow,
        system=system,
        asked_at=now,
        until=now + CALL_LASTS,
        plant_time=START,
        asked=PlaceHold(plan=plan, reason=REASON),
    )
    handle = await engine.start_workflow("MesCall", request, id=workflow, task_queue=case_queue(QUEUE))
    await wait_until(handle.describe, lambda found: found.close_time is not None, every=0.05, timeout=20)
    assert fake.acts == []


async def test_a_zone_with_another_key_is_told_apart_and_makes_no_call(
    zone: PlantZone, system: str, engine_address: str, tmp_path: Path
) -> None:
    fake = FakeMes(CLOCK)
    other_keys = encrypting(write_keys(tmp_path), "payload_keys")
    async with engine_client(Settings(), engine_address, converter=other_keys) as client:
        stranger = PlantZone(client, QUEUE)
        stranger.man(system, fake, CLOCK)
        with pytest.raises(ActionRequired, match="encrypted with key") as raised:
            await zone.port(system, CLOCK).read_production("EQ-001")
        await stranger.leave()
    assert raised.value.field == "payload_keys"


async def test_an_answer_that_the_engine_gives_to_another_call_is_refused(
    zone: PlantZone, system: str, engine: Client
) -> None:
    earlier: list[RawValue] = []

    @activity.defn(name="call-mes")
    async def replay(_request: RawValue) -> RawValue:
        return earlier[0]

    fake = FakeMes(CLOCK)
    mes = manned(zone, system, fake)
    plan = await fake.plan_hold("EQ-001", "MWKEY")
    assert (await mes.read_hold(plan)).state is HoldState.ABSENT
    handle = engine.get_workflow_handle(mes_call_workflow_id(digest(plan), system), result_type=RawValue)
    earlier.append(await handle.result())
    await zone.leave()
    fake.people_release()
    async with Worker(engine, task_queue=plant_zone_queue(QUEUE, system), activities=[replay]):
        with pytest.raises(Refused, match="the answer of another call"):
            await mes.read_hold(plan)


async def test_nothing_of_a_call_stands_in_the_files_of_the_engine(tmp_path: Path) -> None:
    fake = FaultyMes(CLOCK)
    words = ("EQ-SECRET-7", "MWSECRETKEY", "urn:fake:machines", REASON, "it broke at EQ-SECRET-7")
    with engine_process(tmp_path) as (process, address):
        async with plant_zone(await answering(address), write_keys(tmp_path), QUEUE) as zone:
            mes = manned(zone, "mes-of-hall-3", fake)
            plan = await mes.plan_hold("EQ-SECRET-7", "MWSECRETKEY")
            await mes.place_hold(plan, REASON)
            await mes.read_hold(plan)
            fake.failing.before.append(Refused(words[-1], system="mes", operation="read-production"))
            with pytest.raises(Refused, match="it broke"):
                await mes.read_production("EQ-SECRET-7")
            with pytest.raises(Refused, match="the worker of the plant zone failed"):
                await mes.lots_made("EQ-SECRET-7", START, START)
        async with engine_client(Settings(), address) as plain:
            await plain.start_workflow("Nothing", "words in clear", id="nothing", task_queue=QUEUE)
        process.stop()
        held = written(tmp_path)
    assert (b"mes-of-hall-3" in held, b"words in clear" in held) == (True, True)
    assert [word for word in words if word.encode() in held] == []
