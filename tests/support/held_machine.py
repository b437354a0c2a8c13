"""A machine that is held for one case, on a real database."""

from datetime import timedelta

from activities.judging import Judging
from domain.assets import Criticality
from domain.holds import PlacementState
from domain.machine_test_runs import MachineTestRun, RunTerms
from domain.production import HoldEnforcement, HoldMethod, HoldPlan, JobState
from millwright.bootstrap import Storage
from tests.support.completed_work import ended
from tests.support.ingress import NOW
from tests.support.judged_plant import judge_to_rest
from tests.support.people import add
from tests.support.plant import code, deviation, publish_policies, register
from tests.support.walk_downs import prove, target

EQUIPMENT = "EQ-001"
_RECEIVER = "Press1"
REASON = "bearing replaced, guard back on"
TEST_RUN = MachineTestRun(
    terms=RunTerms(within=timedelta(hours=2), steady=timedelta(minutes=30), score=2.0), version="0" * 64
)
"""What a version asks for before a machine is released for good."""


async def held_machine(storage: Storage, system: str = "fake-mes", enforcement: HoldEnforcement | None = None) -> str:
    """Opens a case whose machine was read as held; returns the key of the hold, which is the case's id."""
    # Of a machine of this criticality a case asks for a hold.
    await storage.register.keep(register(Criticality.A), "tests")
    await publish_policies(storage.versions, storage.people)
    await prove(storage.walk_downs, storage.clock.now(), system, target(_RECEIVER))
    await storage.inbox.store([code(1), deviation(2), deviation(3)], NOW)
    [case] = await judge_to_rest(Judging(storage.lines, storage.catalogue))
    await place(storage, case, "J-1", PlacementState.IN_EFFECT, system, enforcement)
    return case


async def place(
    storage: Storage,
    case: str,
    job: str,
    state: PlacementState,
    system: str = "fake-mes",
    enforcement: HoldEnforcement | None = None,
) -> None:
    """Puts a job of the machine under the case's hold."""
    hold = await storage.holds.claim(case, system, EQUIPMENT, unasked=True)
    plan = HoldPlan(
        key=hold.key,
        equipment=EQUIPMENT,
        receiver=_RECEIVER,
        job=job,
        prior_state=JobState.RUNNING,
        method=HoldMethod.PAUSE,
        target=target(_RECEIVER),
        enforcement=enforcement,
    )
    await storage.holds.intend_placement(hold.key, plan, case)
    hold = await storage.holds.claim(case, system, EQUIPMENT, unasked=True)
    [placement] = [each for each in hold.live_placements if each.plan.job == job]
    read_at = None if state is PlacementState.ACCEPTED else storage.clock.now()
    await storage.holds.move_placement(hold.key, placement.number, state, read_at=read_at)


async def work_done(storage: Storage, case: str, test_run: MachineTestRun | None = None) -> None:
    """Ends the work of a case, so that its machine waits for its release."""
    await ended(storage.cases, case)
    await storage.holds.mark_ready(case, test_run)


async def add_people(storage: Storage) -> None:
    """Adds a planner to the people of the plant, with the API key `planner`."""
    await add(storage.people, "paul", ["planner"], NOW, api_key="planner")
