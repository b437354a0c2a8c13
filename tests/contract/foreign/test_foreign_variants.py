"""What other Job Control servers do, on the foreign server: each variant of `variants.mjs` is a server of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from domain.errors import ActionRequired, Unavailable
from domain.production import HoldMethod, HoldState, JobState, PlaceResult
from tests.contract.foreign.conftest import MesOf
from tests.contract.foreign.job_control import Serve

pytestmark = pytest.mark.foreign


@asynccontextmanager
async def at_a_distance(endpoint: str, round_trip: float) -> AsyncIterator[str]:
    """The address of a relay to a server; each way takes half the seconds of a round trip."""
    there = urlsplit(endpoint)
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(1 << 16):
            loop.call_later(round_trip / 2, writer.write, data)
        loop.call_later(round_trip / 2, writer.close)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        above, below = await asyncio.open_connection(there.hostname, there.port)
        writers.extend((writer, below))
        tasks.update(asyncio.create_task(pump(*pair)) for pair in ((reader, below), (above, writer)))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    async with server:
        yield f"opc.tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in tasks:
            task.cancel()
        for writer in writers:
            writer.close()
        closed = (writer.wait_closed() for writer in writers)
        await asyncio.gather(*tasks, *closed, return_exceptions=True)


async def test_a_machine_is_found_behind_thousands_of_other_objects(serve: Serve, mes_of: MesOf) -> None:
    mes = mes_of(await serve("many-objects"))
    assert (await mes.plan_hold("EQ-20", "MWKEY")).job == "JO-1"
    assert "2 job order receivers" in await mes.check()


async def test_a_server_that_takes_few_operations_in_a_request_is_asked_for_few(serve: Serve, mes_of: MesOf) -> None:
    mes = mes_of(await serve("few-operations"))
    assert (await mes.plan_hold("EQ-20", "MWKEY")).job == "JO-1"


async def test_fifty_one_receivers_at_a_distance_are_found_within_two_seconds(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("fifty-one")
    async with at_a_distance(server.endpoint, 0.02) as url:
        mes = mes_of(server, url=url)
        began = asyncio.get_running_loop().time()
        assert "51 job order receivers" in await mes.check()
        assert asyncio.get_running_loop().time() - began < 2
        await mes.close()


async def test_production_of_five_hundred_machines_at_a_distance_is_read_within_two_seconds(
    serve: Serve, mes_of: MesOf
) -> None:
    server = await serve("five-hundred")
    async with at_a_distance(server.endpoint, 0.02) as url:
        mes = mes_of(server, url=url)
        await mes.check()
        began = asyncio.get_running_loop().time()
        read = await asyncio.gather(*(mes.read_production(f"EQ-{number}") for number in range(500)))
        assert asyncio.get_running_loop().time() - began < 2
        assert {context.job.id for context in read if context.job} == {f"JO-EQ-{number}" for number in range(500)}
        await mes.close()


async def test_an_answer_that_says_nothing_is_no_hold_unless_the_setting_says_so(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("status-zero")
    mes = mes_of(server)
    plan = await mes.plan_hold("EQ-20", "MWKEY")
    assert await mes.place_hold(plan, "bearing") is PlaceResult.HELD_ALREADY
    await server.start_by_person("Press2", "JO-1")
    silent = mes_of(server, silent_success=True)
    assert await silent.place_hold(plan, "bearing") is PlaceResult.IN_EFFECT
    assert await silent.release_hold(plan, "ready to run") is HoldState.ABSENT
    assert (await server.machine("Press2")).jobs == {"JO-1": "Running"}


async def test_an_answer_that_says_nothing_without_a_change_is_no_hold(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("status-zero")
    mes = mes_of(server, silent_success=True)
    plan = await mes.plan_hold("EQ-20", "MWKEY")
    await server.refuse("Press2", "Pause", 0)
    with pytest.raises(Unavailable, match="does not say whether it did anything"):
        await mes.place_hold(plan, "bearing")
    assert (await server.machine("Press2")).jobs == {"JO-1": "Running"}


async def test_a_job_that_the_machine_itself_interrupted_is_held_and_one_that_a_person_did_is_not_ours(
    serve: Serve, mes_of: MesOf
) -> None:
    server = await serve("substates")
    mes = mes_of(server)
    await server.hold_by_itself("Press1", "JO-1")
    plan = await mes.plan_hold("EQ-10", "MWKEY")
    assert (plan.method, plan.prior_state) == (HoldMethod.PAUSE, JobState.INTERRUPTED_BY_ITSELF)
    assert (await mes.read_hold(plan)).state is HoldState.ABSENT
    assert await mes.place_hold(plan, "bearing") is PlaceResult.IN_EFFECT
    await server.hold_by_person("Press2", "JO-1")
    other = await mes.plan_hold("EQ-20", "MWOTHER")
    assert (other.method, other.prior_state) == (HoldMethod.ALREADY_HELD, JobState.INTERRUPTED_ON_PURPOSE)
    assert await mes.place_hold(other, "bearing") is PlaceResult.MOVED_ON


async def test_a_held_job_that_only_lacks_material_now_is_not_held_any_more(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("substates")
    mes = mes_of(server)
    plan = await mes.plan_hold("EQ-10", "MWKEY")
    assert await mes.place_hold(plan, "bearing") is PlaceResult.IN_EFFECT
    await server.hold_by_itself("Press1", "JO-1")
    assert (await mes.read_hold(plan)).state is HoldState.ABSENT


async def test_an_interrupted_job_without_a_substate_is_doubt(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("same-job-id")
    await server.hold_by_person("Press2", "JO-1")
    plan = await mes_of(server).plan_hold("EQ-20", "MWKEY")
    assert (plan.method, plan.prior_state) == (HoldMethod.ALREADY_HELD, JobState.INTERRUPTED)


@pytest.mark.parametrize(("equipment", "missing"), [("EQ-10", "Resume"), ("EQ-20", "Start")])
async def test_what_could_not_be_released_is_not_held(
    serve: Serve, mes_of: MesOf, equipment: str, missing: str
) -> None:
    server = await serve("no-resume")
    with pytest.raises(ActionRequired, match=f"has no method {missing}"):
        await mes_of(server).plan_hold(equipment, "MWKEY")
    for press in ("Press1", "Press2"):
        assert (await server.machine(press)).calls == ()


async def test_each_of_two_jobs_that_run_on_one_machine_is_held(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("two-jobs")
    mes = mes_of(server)
    first = await mes.plan_hold("EQ-10", "MWKEY")
    assert await mes.place_hold(first, "bearing") is PlaceResult.IN_EFFECT
    second = await mes.plan_hold("EQ-10", "MWKEY")
    assert (second.job, second.method) == ("JO-2", HoldMethod.PAUSE)
    assert await mes.place_hold(second, "bearing") is PlaceResult.IN_EFFECT
    assert (await server.machine("Press1")).jobs == {"JO-1": "Interrupted", "JO-2": "Interrupted"}


@pytest.mark.parametrize(
    ("variant", "equipment"), [("assets", "PRESS-SN-2"), ("asset-id", "EQ-20"), ("asset-id", "urn:made-up:Press2")]
)
async def test_a_machine_is_known_by_its_physical_asset_or_its_identification(
    serve: Serve, mes_of: MesOf, variant: str, equipment: str
) -> None:
    server = await serve(variant)
    mes = mes_of(server)
    assert await mes.place_hold(await mes.plan_hold(equipment, "MWKEY"), "bearing") is PlaceResult.IN_EFFECT
    assert (await server.machine("Press1")).jobs == {"JO-1": "Running"}
    assert (await server.machine("Press2")).jobs == {"JO-1": "Interrupted"}


async def test_a_row_without_a_state_hides_its_own_machine_only(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("same-job-id")
    await server.add_job("Press1", "JO-2", None, equipment=["EQ-10"])
    mes = mes_of(server)
    assert (await mes.plan_hold("EQ-20", "MWKEY")).method is HoldMethod.PAUSE
    with pytest.raises(ActionRequired, match=r"job JO-2 of receiver .* cannot be read: job order JO-2 without a state"):
        await mes.plan_hold("EQ-10", "MWKEY")


async def test_an_uncertain_list_is_read_with_its_doubt_and_nothing_is_held_on_it(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("same-job-id")
    await server.list_status("Press2", "UncertainLastUsableValue")
    mes = mes_of(server)
    told = await mes.read_production("EQ-20")
    assert told.job is not None
    assert (told.job.state, told.doubt) == (JobState.RUNNING, "UncertainLastUsableValue")
    with pytest.raises(Unavailable, match="is uncertain"):
        await mes.plan_hold("EQ-20", "MWKEY")
    assert ((await mes.read_production("EQ-10")).doubt, (await mes.plan_hold("EQ-10", "K")).job) == (None, "JO-1")
