"""Records histories on the real engine: `python -m tests.replay.record`.

For a workflow that was changed, and for new ones. What is recorded already is left alone: a history that no longer fits
is moved to `histories/earlier_builds`, because runs like it are in plants and must end.
"""

import asyncio
import itertools
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle

from domain.assets import Criticality
from domain.canonical import digest
from domain.errors import Unavailable
from domain.keys import (
    case_workflow_id,
    line_workflow_id,
    mes_call_workflow_id,
    mes_poll_name,
    poll_workflow_id,
    walk_down_workflow_id,
)
from domain.operating import MachineState
from millwright.runtime.embedded import postgres
from millwright.settings import Settings
from millwright.storage.database.engine import open_engine
from millwright.storage.database.schema import upgrade
from millwright.workflow_engine.apart_mes import ApartMes
from millwright.workflow_engine.payload_codec import encrypting
from millwright.workflow_engine.temporal import engine_client, register_search_attributes
from tests.replay.fingerprints import COMMITTED, as_toml, computed
from tests.replay.histories import MUST_FAIL, RECORDED
from tests.support.engine_process import answering, engine_process
from tests.support.plant import LINE, alarm_by_hand, code, deviation
from tests.support.plant_zone import PlantZone, write_keys
from tests.workflows.fake_plant import FakePlant
from workflows.maintenance_case import MaintenanceCase

Story = Callable[[FakePlant], Awaitable[tuple[str, str]]]
_numbers = itertools.count()


def _away() -> Unavailable:
    return Unavailable("503 Service Unavailable", system="fake", operation="call")


def _case_of(plant: FakePlant, case: str) -> WorkflowHandle[MaintenanceCase, None]:
    return plant.client.get_workflow_handle_for(MaintenanceCase.run, case_workflow_id(case))


async def _decide(plant: FakePlant, approved: bool) -> None:
    case = (await plant.case()).id
    await plant.decide(case, approved=approved)


async def _confirmed(plant: FakePlant) -> str:
    await plant.take(code(1), deviation(2))
    return (await plant.case()).id


async def _by_hand(plant: FakePlant) -> str:
    await plant.take(alarm_by_hand())
    return (await plant.case()).id


async def _finished(plant: FakePlant, case: str, *, cancelled: bool = False) -> tuple[str, str]:
    await _work_done(plant, case, cancelled=cancelled)
    await _case_of(plant, case).result()
    return case_workflow_id(case), ""


async def _held(plant: FakePlant) -> str:
    await plant.use(Criticality.A)
    return await _confirmed(plant)


async def _work_done(plant: FakePlant, case: str, *, cancelled: bool = False) -> None:
    """The order is completed or cancelled."""
    plant.cmms.people_close(case, None if cancelled else "REPAIRED", cancelled=cancelled)
    await plant.hint()


async def _released(plant: FakePlant, case: str) -> tuple[str, str]:
    await plant.release(case)
    await _case_of(plant, case).result()
    return case_workflow_id(case), ""


async def released_to_label(plant: FakePlant) -> tuple[str, str]:
    return await _finished(plant, await _confirmed(plant))


async def critical_with_hold(plant: FakePlant) -> tuple[str, str]:
    case = await _held(plant)
    await _work_done(plant, case)
    return await _released(plant, case)


async def cancelled_with_hold(plant: FakePlant) -> tuple[str, str]:
    case = await _held(plant)
    await _work_done(plant, case, cancelled=True)
    await plant.pass_time(timedelta(hours=9))
    return await _released(plant, case)


async def released_in_the_mes(plant: FakePlant) -> tuple[str, str]:
    case = await _held(plant)
    await _work_done(plant, case)
    plant.mes.people_release()
    await plant.pass_time(plant.settings.hold_interval)
    await _case_of(plant, case).result()
    return case_workflow_id(case), ""


async def draft_cancelled(plant: FakePlant) -> tuple[str, str]:
    await plant.use(Criticality.D)
    return await _finished(plant, await _confirmed(plant), cancelled=True)


async def inspected_yes(plant: FakePlant) -> tuple[str, str]:
    case = await _by_hand(plant)
    await _decide(plant, approved=True)
    return await _finished(plant, case)


async def inspected_no(plant: FakePlant) -> tuple[str, str]:
    case = await _by_hand(plant)
    await _decide(plant, approved=False)
    await _case_of(plant, case).result()
    return case_workflow_id(case), ""


async def cmms_away_then_back(plant: FakePlant) -> tuple[str, str]:
    plant.cmms.failing.before.append(_away())
    plant.cmms.failing.after.append(_away())
    case = await _confirmed(plant)
    await plant.pass_time(timedelta(minutes=5))
    await plant.pass_time(timedelta(minutes=10))
    return await _finished(plant, case)


async def mes_away(plant: FakePlant) -> tuple[str, str]:
    await plant.use(Criticality.A)
    plant.mes.failing.before += [_away(), _away()]
    case = await _confirmed(plant)
    await plant.pass_time(timedelta(minutes=5))
    await _work_done(plant, case)
    return await _released(plant, case)


async def judging(plant: FakePlant) -> tuple[str, str]:
    await plant.take(code(0.5), deviation(1))
    await plant.take(deviation(2))
    # Until the activity ends, which takes ten seconds without an event.
    handle = plant.client.get_workflow_handle(line_workflow_id(LINE))
    while (await handle.describe()).raw_description.pending_activities:  # noqa: ASYNC110 - another process's state
        await asyncio.sleep(0.2)
    return line_workflow_id(LINE), ""


async def continued_as_new(plant: FakePlant) -> tuple[str, str]:
    first = await plant.client.start_workflow(
        "LineWatch", {"line": LINE}, id=line_workflow_id(LINE), task_queue=plant.settings.task_queue
    )
    handle = plant.client.get_workflow_handle(line_workflow_id(LINE))
    while (await handle.describe()).run_id == first.result_run_id:
        await handle.signal("wake")
        await asyncio.sleep(0.02)
    return line_workflow_id(LINE), first.result_run_id or ""


async def polling(plant: FakePlant) -> tuple[str, str]:
    await _confirmed(plant)
    await plant.hint()
    plant.cmms.failing.before.append(_away())
    await plant.hint()
    return poll_workflow_id("fake"), ""


async def reading_states(plant: FakePlant) -> tuple[str, str]:
    await plant.storage.operating.begin("fake")
    await plant.at_rest()
    await plant.pass_time(plant.settings.operating_interval)
    plant.mes.doing = MachineState.IDLE
    await plant.pass_time(plant.settings.operating_interval)
    plant.mes.states_failing.before.append(_away())
    await plant.pass_time(plant.settings.operating_interval)
    return poll_workflow_id(mes_poll_name("fake")), ""


async def walked_down(plant: FakePlant) -> tuple[str, str]:
    key = await plant.prove()
    await plant.client.get_workflow_handle(walk_down_workflow_id(key)).result()
    return walk_down_workflow_id(key), ""


def _apart(plant: FakePlant, keys: Path) -> tuple[PlantZone, ApartMes]:
    here = plant.client
    client = Client(here.service_client, namespace=here.namespace, data_converter=encrypting(keys, "payload_keys"))
    zone = PlantZone(client, plant.settings.task_queue)
    return zone, zone.port("apart", plant.clock)


async def _placed_apart(plant: FakePlant, *, manned: bool) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        zone, mes = _apart(plant, write_keys(Path(folder)))
        if manned:
            zone.man("apart", plant.mes, plant.clock)
        plan = await plant.mes.plan_hold("EQ-001", "MWKEY")
        with suppress(Unavailable):
            await mes.place_hold(plan, "the bearing is worn")
        await zone.leave()
    return mes_call_workflow_id(digest(plan), "apart"), ""


async def called_apart(plant: FakePlant) -> tuple[str, str]:
    return await _placed_apart(plant, manned=True)


async def called_apart_in_vain(plant: FakePlant) -> tuple[str, str]:
    return await _placed_apart(plant, manned=False)


STORIES: dict[str, Story] = {
    "LineWatch/judging": judging,
    "LineWatch/continued-as-new": continued_as_new,
    "MaintenanceCase/released-order-to-label": released_to_label,
    "MaintenanceCase/critical-with-hold": critical_with_hold,
    "MaintenanceCase/cancelled-with-hold": cancelled_with_hold,
    "MaintenanceCase/released-in-the-mes": released_in_the_mes,
    "MaintenanceCase/draft-cancelled": draft_cancelled,
    "MaintenanceCase/inspected-yes": inspected_yes,
    "MaintenanceCase/inspected-no": inspected_no,
    "MaintenanceCase/cmms-away-then-back": cmms_away_then_back,
    "MaintenanceCase/mes-away-then-back": mes_away,
    "ConnectorPoll/polling": polling,
    "ConnectorPoll/reading-machine-states": reading_states,
    "WalkDown/proved": walked_down,
    "MesCall/answered": called_apart,
    "MesCall/taken-by-nobody": called_apart_in_vain,
}


@asynccontextmanager
async def _engine(home: Path) -> AsyncIterator[Client]:
    with engine_process(home) as (_, address):
        async with engine_client(Settings(), await answering(address)) as client:
            await register_search_attributes(client)
            yield client


async def _database(server: str) -> AsyncEngine:
    name = f"recording_{next(_numbers)}"
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {name}")
    url = server.replace("/postgres?", f"/{name}?")
    await asyncio.to_thread(upgrade, url)
    return open_engine(url)


async def _record(name: str, story: Story, client: Client, server: str) -> None:
    engine = await _database(server)
    async with FakePlant(client, engine, f"recording-{name.replace('/', '-')}") as plant:
        workflow, run = await story(plant)
        history = await client.get_workflow_handle(workflow, run_id=run or None).fetch_history()
        path = RECORDED / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_tidy(history.to_json()), encoding="utf-8")
    await engine.dispose()
    print(f"recorded {name}")


def _tidy(history: str) -> str:
    """One event to a line, and nobody's machine in it."""
    events = json.loads(history)["events"]
    lines = ",\n".join(json.dumps(_nameless(event), sort_keys=True) for event in events)
    return f'{{"events": [\n{lines}\n]}}\n'


def _nameless(value: object) -> object:
    if isinstance(value, dict):
        return {key: "recorder" if key == "identity" else _nameless(each) for key, each in value.items()}
    return [_nameless(each) for each in value] if isinstance(value, list) else value


def doctor() -> None:
    """Makes the history that must fail: another activity was called than the workflow would call."""
    text = (RECORDED / "MaintenanceCase/released-order-to-label.json").read_text(encoding="utf-8")
    called = '"activityType": {"name": "ensure-order"}'
    if text.count(called) != 1:
        raise ValueError("the history to doctor has no single ensure-order")
    MUST_FAIL.mkdir(parents=True, exist_ok=True)
    doctored = text.replace(called, called.replace("ensure", "place"))
    (MUST_FAIL / "another-activity.json").write_text(doctored, encoding="utf-8")


async def main() -> None:
    """Records what is not recorded yet, and writes down the fingerprints."""
    missing = {name: story for name, story in STORIES.items() if not (RECORDED / f"{name}.json").exists()}
    if missing:
        home = Path(tempfile.mkdtemp(prefix="millwright-recording-"))
        server = postgres.start(home / "postgres")
        try:
            async with _engine(home) as client:
                for name, story in missing.items():
                    await _record(name, story, client, server)
        finally:
            postgres.stop(home / "postgres")
    doctor()
    COMMITTED.write_text(as_toml(computed()), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
