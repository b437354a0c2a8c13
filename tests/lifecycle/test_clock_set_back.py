"""A clock that was set back is noticed before a person acts by it, and named by the audit."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.acting import ACT_ROLES, NEVER_REFUSED, SERVICES
from domain.cases import Decision
from domain.errors import ActRejected
from domain.people import ENROLLED, KEY_ROTATED, KINDS
from domain.stops import StoppableAction
from domain.suppression import shelving_limits
from millwright.audit import offline_verify
from millwright.audit.evidence import write_evidence
from millwright.audit.exporting import export
from millwright.audit.offline_pack import pack_findings
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger
from millwright.storage.policies.freezes import FreezeStore
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.stops import StopStore
from millwright.storage.reporting.condition import read_clock_fault
from millwright.storage.suppression.suppressions import SuppressionStore
from tests.support.judged_plant import Plant
from tests.support.people import add
from tests.support.plant import PUMP, START, code, deviation
from tests.support.policy_people import PolicyPeople

HOUR = timedelta(hours=1)
BOTH = "the clock shows {}:00:00.000000Z, and the newest row of the ledger is of {}:00:00.000000Z"
_LATER = ("2015-01-15T06", "2015-01-15T07")
_REGISTER = ("register-imported", "alias-mapped", "asset-retired", "record-settled")
_KINDS = sorted({*ACT_ROLES, *KINDS.values(), ENROLLED, KEY_ROTATED, *_REGISTER} - NEVER_REFUSED)
_ROLES = ("author", "approver", "operator", "planner", "production", "quality")


async def test_no_version_comes_into_force_by_a_clock_that_was_set_back(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.approved()
    plant.clock.time += HOUR
    await plant.take(deviation(1))
    plant.clock.time -= HOUR
    with pytest.raises(ActRejected) as refused:
        await people.place(digest)
    assert refused.value.problem == BOTH.format(*_LATER)
    plant.clock.time += 3 * HOUR
    await plant.take(deviation(2))
    plant.clock.time -= timedelta(minutes=5)
    await people.place(digest)


async def test_no_freeze_and_no_kill_switch_is_lifted_by_a_clock_that_was_set_back(
    plant: Plant, people: PolicyPeople
) -> None:
    await plant.take(deviation(1))
    freezes, stops = FreezeStore(plant.engine, plant.clock), StopStore(plant.engine, plant.clock)
    await freezes.freeze(None, plant.clock.now() + HOUR, "emil", "audit week")
    await stops.stop(StoppableAction.ORDER, "emil", "the CMMS is moved")
    plant.clock.time -= HOUR
    with pytest.raises(ActRejected, match="the clock shows"):
        await freezes.freeze(None, plant.clock.now() + HOUR, "emil", "again")
    with pytest.raises(ActRejected, match="the clock shows"):
        await freezes.thaw(1, "fred", "over")
    with pytest.raises(ActRejected, match="the clock shows"):
        await stops.lift(1, "fred", "over")


@pytest.mark.parametrize("kind", _KINDS)
async def test_no_act_of_a_person_whatever_its_kind_is_recorded_by_a_clock_that_was_set_back(
    plant: Plant, kind: str
) -> None:
    await add(PeopleStore(plant.engine), "zoe", _ROLES, START)
    await plant.take(deviation(1))
    early, late = plant.clock.now() - HOUR, plant.clock.now() - timedelta(minutes=5)
    with pytest.raises(ActRejected, match="the clock shows"):
        await recorded(plant, kind, "zoe", early)
    await recorded(plant, kind, "zoe", late)


@pytest.mark.parametrize("kind", [*SERVICES, "case-opened"])
async def test_what_the_machine_does_goes_on_by_a_clock_that_was_set_back(plant: Plant, kind: str) -> None:
    await plant.take(deviation(1))
    await recorded(plant, kind, "millwright", plant.clock.now() - HOUR)


async def test_no_case_is_decided_and_no_fault_shelved_by_a_clock_that_was_set_back(plant: Plant) -> None:
    people = PeopleStore(plant.engine)
    await add(people, "zoe", _ROLES, START)
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    cases = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    shelves = SuppressionStore(plant.engine, plant.clock, shelving_limits("A=P1D,B=P1D,C=P1D,D=P1D"), HOUR)
    plant.clock.time -= HOUR
    with pytest.raises(ActRejected, match="the clock shows"):
        await cases.record_decision(str(case), Decision(approved=True, by="zoe", reason="seen", at=plant.clock.now()))
    with pytest.raises(ActRejected, match="the clock shows"):
        await shelves.shelve(PUMP, None, HOUR, "zoe", "the sensor is moved")
    with pytest.raises(ActRejected, match="the clock shows"):
        await add(people, "yan", ["approver"], plant.clock.now())
    assert await plant.rows("SELECT decision FROM cases") == [(None,)]
    assert await plant.rows("SELECT count(*) FROM suppressions") == [(0,)]


async def test_the_audit_names_what_was_recorded_by_a_clock_that_was_set_back(
    plant: Plant, people: PolicyPeople, tmp_path: Path
) -> None:
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    assert await clock_findings(plant, str(case), tmp_path / "before") == [[], [], []]
    plant.clock.time -= HOUR
    await StopStore(plant.engine, plant.clock).stop(StoppableAction.ORDER, "emil", "at once")
    await plant.take(deviation(3))
    plant.clock.time += HOUR
    early, late = "2015-01-15T05:00:00.000000Z", "2015-01-15T06:00:00.000000Z"
    for found in await clock_findings(plant, str(case), tmp_path / "after"):
        assert len(found) == 1, found
        assert f"is of {early}, and the row before it of {late}: the clock was set back for " in found[0]


async def test_an_act_that_is_older_than_its_own_row_is_named(plant: Plant, tmp_path: Path) -> None:
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    await recorded(plant, "case-noted", "millwright", plant.clock.now(), f"case/{case}", plant.clock.now() - HOUR)
    for found in await clock_findings(plant, str(case), tmp_path / "after"):
        assert len(found) == 1, found
        assert f"(case-noted case/{case}): is of 2015-01-15T05:00:00.000000Z" in found[0]


async def recorded(
    plant: Plant, kind: str, actor: str, at: datetime, subject: str = "somewhere", told_at: datetime | None = None
) -> None:
    """Records one act by a clock that shows this time."""
    async with transaction(plant.engine) as connection:
        entry = ledger.Entry(at)
        entry.add(ledger.act(kind, subject, actor, told_at or at, {}))
        await ledger.append(connection, entry)


async def clock_findings(plant: Plant, case: str, directory: Path) -> list[list[str]]:
    """What the audit, and the offline verifier of an export and of a pack, find of clocks."""
    here = [*(await verify(plant.engine)).findings]
    await export(plant.engine, directory / "record")
    packed = await write_evidence(plant.engine, plant.catalogue, case, directory, plant.clock.now(), ZoneInfo("UTC"))
    there = [*offline_verify.verify(directory / "record")]
    pack = [*pack_findings(json.loads(packed.json_file.read_text()))]
    return [[f"{each.where}: {each.what}" for each in found if each.kind == "clock"] for found in (here, there, pack)]


async def test_a_kill_switch_is_thrown_by_any_clock(plant: Plant, people: PolicyPeople) -> None:
    await people.approved()
    await plant.take(deviation(1))
    plant.clock.time -= HOUR
    await StopStore(plant.engine, plant.clock).stop(StoppableAction.ORDER, "emil", "at once")


async def test_the_condition_of_storage_names_both_times(plant: Plant) -> None:
    await plant.take(deviation(1))
    now = plant.clock.now()
    assert await read_clock_fault(plant.engine, now) is None
    fault = await read_clock_fault(plant.engine, now - HOUR)
    assert fault == BOTH.format("2015-01-15T05", "2015-01-15T06")
