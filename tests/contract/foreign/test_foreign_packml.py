"""PackML, read from a server on the OPC Foundation's own nodeset, and what a hold on such a machine leads to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.walk_downs import WalkDownRef, WalkDownSteps
from connectors.mes.packml import PackMlMes, PackMlSettings, connect
from domain.cases import Lane
from domain.errors import ActionRequired, Unavailable
from domain.operating import MachineState
from domain.production import HoldMethod, HoldPlan, JobState
from domain.walk_downs import WalkDownState
from tests.contract.foreign.packml_server import PackMlServer
from tests.support.holding_case import HoldingCase
from tests.support.walk_downs import EQUIPMENT, MACHINE, begin_word, target

pytestmark = pytest.mark.foreign

EXECUTE = ["Cleared", "Running", "Execute"]
SENTENCE = "this system is read only; the hold is not placed"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PackMlServer]:
    """A server for the tests of this file: two seconds."""
    started = await PackMlServer.start(tmp_path_factory.mktemp("packml"))
    yield started
    await started.end()


@pytest.fixture
async def mes(server: PackMlServer) -> AsyncIterator[PackMlMes]:
    opened = connect(PackMlSettings.model_validate({"url": server.endpoint}), system="packml")
    yield opened
    await opened.close()


async def test_it_says_what_answers_and_that_it_is_read_only(mes: PackMlMes) -> None:
    said = await mes.check()
    assert said.startswith("PackML at opc.tcp://127.0.0.1:")
    assert said.endswith("answers for 4 machines; it is read only, and no hold is placed there")


async def test_state_mode_and_speed_are_read_with_the_time_of_the_server(server: PackMlServer, mes: PackMlMes) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    await server.tell("Filler", states=EXECUTE, mode=1, speed=117.5)
    context = await mes.read_production("EQ-FILL")
    told = context.operating
    assert told is not None
    assert (told.state, told.word, told.mode, told.speed, told.speed_unit) == (
        MachineState.RUNNING,
        "Execute",
        "Produce",
        117.5,
        "/min",
    )
    assert told.said_at is not None
    assert before <= told.said_at <= datetime.now(UTC)
    assert (context.running, context.doubt, context.next_stop_at) == (True, None, None)


@pytest.mark.parametrize(
    ("states", "state", "run"),
    [
        (["Aborted"], MachineState.UNPLANNED_STOP, None),
        (["Cleared", "Stopped"], MachineState.UNKNOWN, None),
        (["Cleared", "Running", "Idle"], MachineState.IDLE, None),
        (["Cleared", "Running", "Suspended"], MachineState.IDLE, JobState.INTERRUPTED_BY_ITSELF),
        (["Cleared", "Running", "Held"], MachineState.UNPLANNED_STOP, JobState.INTERRUPTED),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else None,
)
async def test_each_state_machine_counts_within_the_state_of_the_one_before(
    server: PackMlServer, mes: PackMlMes, states: list[str], state: MachineState, run: JobState | None
) -> None:
    await server.tell("Packer", states=states, mode=1)
    context = await mes.read_production("Packer")
    assert context.operating is not None
    assert (context.operating.state, context.operating.word) == (state, states[-1])
    assert (context.job.state if context.job else None) is run


async def test_the_name_of_a_state_counts_if_the_server_gives_no_node(server: PackMlServer, mes: PackMlMes) -> None:
    await server.tell("Packer", texts=EXECUTE, mode=1)
    context = await mes.read_production("Packer")
    assert context.operating is not None
    assert (context.operating.state, context.doubt) == (MachineState.RUNNING, None)
    await server.tell("Packer", texts=["Cleared", "Running", "Ausführen"], mode=1)
    context = await mes.read_production("Packer")
    assert context.operating is not None
    assert (context.operating.state, context.operating.word, context.running) == (
        MachineState.UNKNOWN,
        "Ausführen",
        True,
    )
    assert context.doubt == "Ausführen is no state of PackML that tells what the machine does"


async def test_a_state_of_bad_quality_is_not_believed(server: PackMlServer, mes: PackMlMes) -> None:
    await server.tell("Packer", states=EXECUTE, mode=1, status="BadNoCommunication")
    context = await mes.read_production("Packer")
    assert context.operating is not None
    assert (context.operating.state, context.running) == (MachineState.UNKNOWN, True)
    assert context.doubt == "the state is BadNoCommunication"
    await server.tell("Packer", states=[], mode=1)
    with pytest.raises(Unavailable, match="Packer: the server tells no state of the machine"):
        await mes.read_production("Packer")


@pytest.mark.parametrize(
    ("equipment", "words"),
    [
        ("NOSUCH", "the server does not know equipment NOSUCH"),
        ("Documents", "the server does not know equipment Documents"),
        ("EQ-TWICE", "2 machines below PackMLObjects have the name or the TagID EQ-TWICE"),
    ],
)
async def test_a_name_that_is_of_no_one_machine_needs_a_person(mes: PackMlMes, equipment: str, words: str) -> None:
    with pytest.raises(ActionRequired, match=words) as caught:
        await mes.read_production(equipment)
    assert caught.value.field == "equipment"


PLAN = HoldPlan(
    key="KEY",
    equipment="EQ-FILL",
    receiver="R",
    job="J",
    prior_state=JobState.RUNNING,
    method=HoldMethod.PAUSE,
    target=target(),
)


@pytest.mark.parametrize(
    "act",
    [
        lambda mes: mes.hold_target("EQ-FILL"),
        lambda mes: mes.plan_hold("EQ-FILL", "KEY"),
        lambda mes: mes.place_hold(PLAN, "reason"),
        lambda mes: mes.read_hold(PLAN),
        lambda mes: mes.release_hold(PLAN, "reason"),
    ],
    ids=["target", "plan", "place", "read", "release"],
)
async def test_whatever_is_asked_of_a_hold_needs_a_person(
    mes: PackMlMes, act: Callable[[PackMlMes], Awaitable[object]]
) -> None:
    with pytest.raises(ActionRequired, match="this system is read only"):
        await act(mes)


@pytest.fixture
async def case(mes: PackMlMes, storage_engine: AsyncEngine, database_url: str) -> HoldingCase:
    """A case that asks for a hold on a machine that is only read."""
    made = HoldingCase(storage_engine, database_url, mes)
    await made.prepare()
    return made


async def test_a_hold_waits_in_a_lane_with_that_sentence_and_is_not_tried_in_a_loop(case: HoldingCase) -> None:
    view = await case.hold()
    assert (view.lane, view.waiting_for) == (Lane.PLANNER, f"a person to correct packml: {SENTENCE}")
    assert view.hold is not None
    assert view.hold.placements == ()
    assert view.waiting_until is not None
    assert view.waiting_until - case.clock.now() >= timedelta(hours=1)
    again = await case.later()
    assert (again.lane, again.waiting_for) == (view.lane, view.waiting_for)


async def test_no_walk_down_proves_such_a_machine(case: HoldingCase) -> None:
    store, now = case.storage.walk_downs, case.clock.now()
    steps = WalkDownSteps(store, case.served, case.clock, timedelta(minutes=5))
    begun = await store.begin(MACHINE, "fake", EQUIPMENT, begin_word(now, "fake"))
    assert (await steps.advance_walk_down(WalkDownRef(walk_down=begun.key))).done
    ended, _ = await store.read(begun.key)
    assert ended.state is WalkDownState.FAILED
    assert SENTENCE in ended.words
