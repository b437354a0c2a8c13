"""A record of some 500 verdicts with a row in every table, for the tool that alters each of them."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.admission import CrewBound, Exemption
from domain.anomaly import Fate
from domain.autonomy import AutonomyAdvice, AutonomyKey, AutonomyMove, AutonomyTerms
from domain.canonical import sha256
from domain.cases import Lane
from domain.casework import Waits
from domain.corrections import CorrectedField
from domain.counterfactuals import Counterfactuals, VerdictCounterfactuals
from domain.drift import Drift, DriftKind
from domain.heartbeats import Heartbeat
from domain.holds import PlacementState
from domain.installation_keys import CONFIRM, REGISTER, InstallationKeyAct
from domain.instances import SiteInstances
from domain.lots import MadeLot
from domain.machine_test_runs import READY_FOR_TEST_RUN, MachineTestRun, RunTerms
from domain.operating import MachineState
from domain.reconcile import ComparedPage
from domain.stops import StoppableAction
from domain.suppression import shelving_limits
from domain.suspect_lots import LotsUntil, SuspectLots
from domain.unreadable import UnreadableRecord
from domain.verdict import Urgency, UrgencyDecision
from domain.work_orders import WorkOrderStatus
from millwright.bootstrap import StoredVersions
from millwright.runtime.installation_key import InstallationKey, create
from millwright.storage.cases.admissions import AdmissionStore
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.changes import ChangeStore
from millwright.storage.cases.corrections import Correcting
from millwright.storage.cases.drift import DriftStore
from millwright.storage.cases.hold_proofs import suspend
from millwright.storage.cases.holds import HoldStore
from millwright.storage.cases.order_leases import OrderLeaseStore
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.cases.suspect_lots import SuspectLotStore
from millwright.storage.cases.walk_downs import WalkDownStore
from millwright.storage.events.register import RegisterStore
from millwright.storage.ledger.seals import Seals
from millwright.storage.maintenance.readings import MaintenanceHistoryStore
from millwright.storage.operating.blind_spells import BlindSpellStore
from millwright.storage.operating.readings import OperatingStateStore
from millwright.storage.policies.autonomy import AutonomyStore
from millwright.storage.policies.freezes import FreezeStore
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.stops import StopStore
from millwright.storage.quality.keeping import keep_now
from millwright.storage.reporting.studies import AskedStudy, StudyStore
from millwright.storage.suppression.suppressions import SuppressionStore
from policies.engine.judging import compile_policy
from tests.audit.conftest import build, order
from tests.support.attached_order import attach, draft_for, theirs
from tests.support.completed_work import ended
from tests.support.installation_keys import signs_key, with_key
from tests.support.judged_plant import Plant
from tests.support.people import ADMINISTRATOR, add, signed_again, signed_release
from tests.support.plant import MOTOR, PUMP, START, code, deviation, register
from tests.support.policy_people import PolicyPeople, candidate
from tests.support.repaired_policy import CMMS, history
from tests.support.steady_policy import MACHINE, MES, said, steady_candidate
from tests.support.walk_downs import held, look_word, prove, release_word, target

_DAY = timedelta(days=1)
_TERMS = RunTerms(within=timedelta(hours=2), steady=timedelta(minutes=30), score=2.0)
_CAPACITY = "capacity: { crews: [{ name: mechanical, classes: [pump], new_orders_a_week: 1 }] }\n"
_CLAUSES = f"""holds:
  place_unasked: [pump, robot]
  test_run: {{ classes: [robot], within: PT2H, steady: PT30M, score: 2.0 }}
{_CAPACITY}"""
_BOUND = CrewBound(crew="mechanical", new_orders=1, consequence=False)
_ADVICE = AutonomyAdvice(move=AutonomyMove.LOST, lower_bound=0.4, reason="one was wrong")
_LIMITS = shelving_limits("A=P1D,B=P1D,C=P1D,D=P1D")


async def build_full(engine: AsyncEngine, folder: Path) -> None:
    """Fills every table by the product's own stores; the installation's key is in the folder."""
    await build(engine, _CLAUSES, _BOUND)
    plant = Plant(engine)
    plant.clock.time = START + 20 * _DAY
    await _change_register(plant)
    await _read_machines(plant)
    await _read_work(plant)
    await _judge_more(plant)
    await _policies(plant)
    plant = Plant(await _with_registered_key(plant, folder))
    await _suppress(plant)
    await _follow_systems(plant)
    await _reconcile(plant)
    await _fall_silent(plant)
    await _attach(plant)
    await _learn(plant)
    await _walk_down(plant)
    await _run_on_test(plant)
    await _bound_crews(plant)
    seals = Seals(plant.engine, plant.clock)
    await seals.seal()
    await seals.seal()
    await keep_now(plant.engine)


async def _run_on_test(plant: Plant) -> None:
    """A machine that ran on test and is held again, and one whose rework runs on test."""
    [[case, version]] = await plant.rows(f"SELECT id, version FROM cases WHERE asset = '{MOTOR}' AND closed_as IS NULL")
    cases = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    holds, run = HoldStore(plant.engine, plant.clock), MachineTestRun(terms=_TERMS, version=str(version))
    [[key]] = await plant.rows("SELECT key FROM holds WHERE ended_at IS NULL")
    hold = str(key)
    plant.clock.time += timedelta(minutes=5)
    done = order(str(case), "1002", WorkOrderStatus.COMPLETED).model_copy(update={"changed_at": plant.clock.now()})
    await cases.record_order(str(case), done, plant.clock.now())
    rework = str(case)
    for again in (True, False):
        if not again:
            await _correct(plant, cases, rework)
        await ended(cases, rework)
        await holds.mark_ready(rework, run)
        now = plant.clock.now()
        await holds.approve_release(hold, signed_release(hold, "EQ-001", now, meaning=READY_FOR_TEST_RUN))
        await holds.move_placement(hold, 1, PlacementState.RELEASED)
        await holds.begin_test_run(hold)
        plant.clock.time += timedelta(minutes=5)
        await holds.follow_test_run(hold, running=True, read_at=plant.clock.now())
        if again:
            rework = await holds.hold_again(hold, signed_again(hold, "EQ-001", plant.clock.now()))


async def _bound_crews(plant: Plant) -> None:
    """The open case has its turn, without an exemption."""
    [[case]] = await plant.rows("SELECT id FROM cases WHERE closed_as IS NULL")
    assert await AdmissionStore(plant.engine, plant.clock).ask(str(case), _BOUND, None) is None


async def _reconcile(plant: Plant) -> None:
    """A CMMS sent a hint, and a reconcile of it found an order that we do not know."""
    await ChangeStore(plant.engine, plant.clock).hinted("maximo")
    store = DriftStore(plant.engine, plant.clock)
    run = await store.current_run("maximo", plant.clock.now(), 30 * _DAY)
    assert run is not None
    unknown = Drift(
        system="maximo",
        kind=DriftKind.UNKNOWN_ORDER,
        identity="order/4711",
        subject="4711",
        ours="no such case",
        theirs="an order with the key MWAAAAAAAA",
    )
    await store.keep(run, ComparedPage(drift=[unknown]))


async def _fall_silent(plant: Plant) -> None:
    """A source promised to say that it is alive, and did not for a day."""
    now = plant.clock.now()
    beat = Heartbeat(source="tests/watch", asset=None, signal=None, at=now - _DAY)
    told = {"fate": Fate.NOT_AN_ANOMALY, "anomaly": None, "line": None, "heartbeat": beat}
    await plant.inbox.store([deviation(0).model_copy(update=told)], now)
    await BlindSpellStore(plant.engine, plant.clock, {"tests/watch": _DAY / 2}, _DAY / 24).look()


async def _with_registered_key(plant: Plant, folder: Path) -> AsyncEngine:
    """The engine of a process whose key two administrators have registered."""
    now = plant.clock.now()
    await add(PeopleStore(plant.engine), "berta", ["administrator"], now)
    public_key = create(folder / "installation.key")
    own = with_key(plant.engine, InstallationKey(folder / "installation.key"))
    await signs_key(own, REGISTER, public_key, now)
    text = InstallationKeyAct(REGISTER, public_key, ADMINISTRATOR, now).text
    await signs_key(own, CONFIRM, public_key, now, "berta", sha256(text.encode()))
    return own


async def _change_register(plant: Plant) -> None:
    whole = register()
    store = RegisterStore(plant.engine, plant.clock)
    await store.keep(whole.model_copy(update={"models": {"dtmi:tests:Pump;1": {"volt": "double"}}}), "tests")


async def _read_machines(plant: Plant) -> None:
    """Two readings of the MES around the first of the events that follow, and one of a machine that stands."""
    store = OperatingStateStore(plant.engine, plant.clock, SiteInstances(otherwise=MES))
    for hour, state in ((0, MachineState.STARTUP), (1, MachineState.RUNNING), (2, MachineState.IDLE)):
        at = START + timedelta(days=15, hours=hour, minutes=-1)
        await store.record_reading(MES, at, {MACHINE: said(state, at)}, _DAY)


async def _read_work(plant: Plant) -> None:
    """Two readings of the work on the assets."""
    store = MaintenanceHistoryStore(plant.engine, plant.clock, SiteInstances(otherwise=CMMS))
    for hour in (0, 1):
        at = START + timedelta(days=15, hours=hour, minutes=-1)
        said_of = {PUMP: history(at, at - _DAY), MOTOR: history(at, *(at - _DAY * number for number in (2, 3)))}
        await store.record_reading(CMMS, at, said_of)


async def _judge_more(plant: Plant) -> None:
    first = 15 * 24
    await plant.take(*(deviation(first + hour / 4, score=1.0 + hour % 3) for hour in range(120)))
    await plant.take(*(deviation(first + hour / 4, asset=MOTOR, score=1.0 + hour % 5) for hour in range(120)))
    again = deviation(first, score=1.0)
    await plant.inbox.store([again, again], plant.clock.now())
    await plant.inbox.store([deviation(first + 200, external_id="waits")], plant.clock.now())


async def _policies(plant: Plant) -> None:
    people = PolicyPeople(plant.engine, plant.clock)
    await people.arrive()
    digest = await people.submit(compile_policy(f"{steady_candidate().text}{_CAPACITY}", "1.2.0.yaml"))
    await people.approve(digest)
    await people.place(digest, "shadow", to=plant.clock.now() + _DAY)
    await plant.take(deviation(15 * 24 + 31, score=4.5))
    plant.clock.time += timedelta(hours=1)
    await people.withdraw(digest, "shadow")
    await people.place(digest)
    document = candidate("1.3.0")
    await people.drafts.save(
        policy="rotating-equipment",
        version="1.3.0",
        digest=document.digest,
        document=document.text,
        cases="cases: []",
        author="anna",
        by="anna",
        reason="not done yet",
    )
    stops, freezes = StopStore(plant.engine, plant.clock), FreezeStore(plant.engine, plant.clock)
    slow, _ = await stops.stop(StoppableAction.TWIN_WRITE, "olaf", "the twin is slow", site="BEDFORD")
    await stops.lift(slow, "grace", "it is quick")
    now = plant.clock.now()
    number = (await freezes.freeze(now + _DAY, now + 2 * _DAY, "olaf", "stocktaking")).freeze
    await freezes.thaw(number, "grace", "all is counted")


async def _suppress(plant: Plant) -> None:
    plant.clock.time = START + 30 * _DAY
    store = SuppressionStore(plant.engine, plant.clock, _LIMITS, _DAY)
    await store.shelve(PUMP, None, timedelta(hours=8), "ines", "sensor is being moved")
    await plant.take(code(30 * 24 + 1), deviation(30 * 24 + 2))
    plant.clock.time += timedelta(hours=9)
    await SuppressionEnd(plant.engine, plant.clock, StoredVersions(plant.catalogue)).return_due()
    ended = await store.shelve("machine-001", "LOO", timedelta(hours=8), "ines", "guard is open")
    await store.end(ended.id, "olaf", "guard is closed")


async def _walk_down(plant: Plant) -> None:
    """A proof that is suspended, one that is withdrawn, one that failed, and one under way."""
    store, now = WalkDownStore(plant.engine, plant.clock), plant.clock.now()
    suspended = await prove(store, now, "mes", equipment="EQ-002")
    assert suspended.plan is not None
    changed = suspended.plan.model_copy(update={"target": target("R9")})
    await suspend(plant.engine, now, suspended.key, changed)
    withdrawn = await prove(store, now, "mes", equipment="EQ-003")
    await store.withdraw(withdrawn.key, "petra", "the press was moved")
    failed = await held(store, now, "mes", equipment="EQ-004")
    await store.record_fault(failed.key, "the server changed")
    await store.let_run(failed.key, release_word(failed, now))
    await store.record_release_call(failed.key, unanswered=True)
    await store.finish(failed.key, now)
    under_way = await held(store, now, "mes", equipment="EQ-005")
    await store.look(under_way.key, look_word(under_way, now))


async def _follow_systems(plant: Plant) -> None:
    changes = ChangeStore(plant.engine, plant.clock)
    [[case]] = await plant.rows("SELECT case_id FROM work_orders WHERE external_id = '1002'")
    changed = order(str(case), "1002", WorkOrderStatus.IN_PROGRESS)
    changed = changed.model_copy(update={"changed_at": plant.clock.now(), "vendor_status": "INPRG"})
    strange = UnreadableRecord.of(
        "maximo", "1007", "wopriority", "is no number", {"wonum": "1007", "wopriority": "high"}
    )
    await changes.store_page("maximo", [changed, order("", "7001")], "page-2", [strange])
    await OrderLeaseStore(plant.engine, plant.clock).acquire("maximo", "BEDFORD", "worker-1")


async def _attach(plant: Plant) -> None:
    """A case that gave the order of a person back, and has another one."""
    [[case]] = await plant.rows(
        "SELECT id FROM cases c WHERE closed_as IS NULL AND rung >= 3 "
        "AND NOT EXISTS (SELECT FROM admissions n WHERE n.case_id = c.id) "
        "AND NOT EXISTS (SELECT FROM work_orders w WHERE w.case_id = c.id) ORDER BY id LIMIT 1"
    )
    cases, now = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue)), plant.clock.now()
    assert await attach(cases, str(case), "1224", now)
    uncoded = theirs((await cases.view(str(case)))[0], "1224", now, ())
    await cases.detach_order(str(case), uncoded, "has no problem code any more")
    plant.clock.time += timedelta(minutes=1)
    assert await attach(cases, str(case), "1225", now)
    await cases.record_order_note(str(case), f"{case}-attached-2", "The same fault.")


async def _correct(plant: Plant, cases: CaseStore, case: str) -> None:
    """A planner corrected the draft of a case, which the CMMS had refused."""
    assert await AdmissionStore(plant.engine, plant.clock).ask(case, _BOUND, Exemption.REWORK) is None
    view, _ = await cases.view(case)
    await cases.intend_order(view.id, "maximo", draft_for(view, view.cmms_asset or ""), None, None)
    await cases.wait(
        view.id, Waits("ensure-order", "a person to correct maximo", lane=Lane.PLANNER, failed=True, draft_refused=True)
    )
    values: dict[CorrectedField, str | int | None] = {CorrectedField.PRIORITY: view.verdict.priority % 4 + 1}
    now = plant.clock.now()
    await cases.correct_draft(view.id, Correcting(values=values, by="paula", reason="as it is there", at=now))


async def _list_lots(plant: Plant, case: str) -> None:
    """Lots that are suspect and reviewed."""
    now, store = plant.clock.now(), SuspectLotStore(plant.engine, plant.clock)
    lots = SuspectLots(
        system="mes",
        equipment="EQ-001",
        from_at=now - _DAY,
        until_at=now,
        until=LotsUntil.HELD,
        lots=(MadeLot(lot="LOT-1", job="J-1", from_at=now - _DAY),),
        not_known=None,
        listed_at=now,
    )
    await store.keep(case, lots)
    await store.review(case, "quinn", "LOT-1 blocked")


async def _learn(plant: Plant) -> None:
    cases = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    [[case, verdict]] = await plant.rows(
        "SELECT c.id, v.id FROM cases c JOIN verdicts v ON v.event_id = c.opened_by AND v.version = c.version "
        "WHERE c.closed_at IS NULL ORDER BY v.id LIMIT 1"
    )
    now = plant.clock.now()
    urgency = UrgencyDecision(
        urgency=Urgency.PLANNED_STOP, rule="later", because="It may wait.", hold_at=None, work_at=now
    )
    told = VerdictCounterfactuals(verdict=int(str(verdict)), changes=Counterfactuals(rung="draft", inputs=()))
    await cases.record_proposal(str(case), urgency, None, told)
    await _list_lots(plant, str(case))
    store = AutonomyStore(plant.engine, plant.clock)
    key, terms = AutonomyKey("rotating-equipment", "pump", "PDE"), AutonomyTerms(enforce=True, automatic=True)
    await store.advised(key, await store.record(key, terms), _ADVICE)
    asked = AskedStudy(
        kind="backtest",
        version="1.1.0",
        digest="0" * 64,
        against=None,
        since=None,
        until=None,
        crews=1,
        asked_by="anna",
        asked_at=now,
    )
    async with StudyStore(plant.engine).begun(asked):
        pass
