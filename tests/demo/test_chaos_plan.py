"""The plan of a chaos run: the same from the same seed, and spread over the plant's days."""

from datetime import UTC, datetime, timedelta

from benchmarks.chaos.plan import PARTS, draw
from millwright.demo.installation import CASES, ENGINE, JUDGING
from sandbox.bus import misbehaviour as bus
from sandbox.faults import Fault, Faults
from sandbox.jobcontrol import misbehaviour as jobcontrol
from sandbox.maximo import misbehaviour as maximo
from sandbox.twins import request_gate as twins
from workflows.options import LINE_HEARTBEAT

FIRST = datetime(2015, 1, 1, 6, tzinfo=UTC)
LAST = FIRST + timedelta(days=90)


def test_a_seed_has_one_plan_and_another_seed_another() -> None:
    assert draw(7, FIRST, LAST, 70) == draw(7, FIRST, LAST, 70)
    assert draw(7, FIRST, LAST, 70) != draw(8, FIRST, LAST, 70)


def test_as_many_are_killed_as_were_asked_for_all_of_them_while_there_is_work() -> None:
    for seed in range(5):
        plan = draw(seed, FIRST, LAST, 70)
        assert plan.kills == 70
        assert {part for blow in plan.blows for part in blow.parts} == set(PARTS)
        assert any(len(blow.parts) == 2 for blow in plan.blows)
        assert all(FIRST < blow.at < LAST for blow in plan.blows)


def test_of_several_workers_and_intakes_each_is_killed() -> None:
    parts = (JUDGING, CASES, f"{CASES}-2", "intake", "intake-2", "api", "postgres", ENGINE)
    plan = draw(1, FIRST, LAST, 70, parts=parts)
    assert plan.kills == 70
    assert {part for blow in plan.blows for part in blow.parts} == set(parts)


def test_the_engine_loses_its_database_once_and_is_killed_for_it() -> None:
    for seed in range(5):
        (forgetting,) = [blow for blow in draw(seed, FIRST, LAST, 70).blows if blow.forgetting]
        assert ENGINE in forgetting.parts


def test_the_engine_is_away_once_for_longer_than_its_activities_may_be_silent() -> None:
    for seed in range(5):
        absence = draw(seed, FIRST, LAST, 70).absence
        assert absence is not None
        assert absence.parts == (ENGINE,)
        assert absence.away > LINE_HEARTBEAT.total_seconds()
        assert FIRST < absence.at < LAST


def test_every_fault_of_a_plan_is_one_that_its_target_can_show() -> None:
    faults = Faults()
    for target, kinds in ((bus, bus.KINDS), (jobcontrol, jobcontrol.KINDS), (twins, twins.KINDS)):
        faults.declare(target.TARGET, kinds)
    plan = draw(1, FIRST, LAST, 0)
    assert {mishap.target for mishap in plan.mishaps} == {bus.TARGET, jobcontrol.TARGET, maximo.TARGET, twins.TARGET}
    for mishap in plan.mishaps:
        faults.add(Fault(mishap.target, mishap.operation, mishap.kind, mishap.times, mishap.params))


def test_what_lasts_until_it_is_cleared_is_cleared() -> None:
    for mishap in draw(1, FIRST, LAST, 0).mishaps:
        assert (mishap.times is None) == (mishap.lasts is not None or mishap.lasts_seconds is not None)
