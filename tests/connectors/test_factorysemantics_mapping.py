"""The tables of the FactorySemantics connector, and what follows from them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.mes.factorysemantics import mapping
from connectors.mes.factorysemantics.mapping import Holder, Planned
from connectors.mes.factorysemantics.models import (
    AuditTrail,
    CalendarDay,
    Machine,
    Oee,
    OpenOperation,
    OrderRow,
    Slot,
)
from domain.operating import MachineState
from domain.production import HoldMethod, HoldState, JobState

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SINCE = "2026-11-30T06:00:00.5"
TARGET = mapping.target_of("https://mes.test", "bottling", None, "EQ-7")


def machine(state: str = "running", connection: str = "connected", **changes: Any) -> Machine:
    record = {
        "code": "EQ-7",
        "level": "work_unit",
        "path": [{"code": "ACME"}, {"code": "LINE-1"}],
        "state": state,
        "since": SINCE,
        "connection": {"state": connection, "since": SINCE},
        **changes,
    }
    return Machine.model_validate(record)


def operation(order: str, status: str = "pending", **changes: Any) -> OpenOperation:
    row = {"order": order, "seq": 10, "status": status, "quantity": 500, "good_qty": 120, "priority": 50, **changes}
    return OpenOperation.model_validate(row)


def order(code: str, status: str = "on_hold", operations: tuple[tuple[str, str], ...] = (("EQ-7", "running"),)) -> Any:
    rows = [
        {"seq": 10 * place, "equipment": equipment, "status": done, "good_qty": 120}
        for place, (equipment, done) in enumerate(operations, 1)
    ]
    row = {"code": code, "status": status, "quantity": 500, "priority": 50, "operations": rows}
    return OrderRow.model_validate(row)


@pytest.mark.parametrize(
    ("word", "connection", "state", "since_is_told"),
    [
        ("running", "connected", MachineState.RUNNING, True),
        ("idle", "connected", MachineState.IDLE, True),
        ("setup", "connected", MachineState.SETUP, True),
        ("down", "connected", MachineState.UNPLANNED_STOP, True),
        ("unknown", "connected", MachineState.UNKNOWN, True),
        ("a later word", "connected", MachineState.UNKNOWN, True),
        # People tell the state of a machine that nothing watches over a connection.
        ("running", "unknown", MachineState.RUNNING, True),
        ("running", "disconnected", MachineState.UNKNOWN, False),
        ("down", "disconnected", MachineState.UNKNOWN, False),
        ("running", "a later word", MachineState.UNKNOWN, False),
    ],
)
def test_what_a_machine_does(word: str, connection: str, state: MachineState, since_is_told: bool) -> None:
    told = mapping.operating(machine(word, connection), NOW)
    assert (told.state, told.word, told.read_at) == (state, word, NOW)
    assert told.since == (datetime(2026, 11, 30, 6, 0, 0, 500_000, tzinfo=UTC) if since_is_told else None)


def test_every_state_of_the_table_has_a_case() -> None:
    assert set(mapping.MACHINE_STATES) == {"running", "idle", "setup", "down"}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("planned", HoldState.ABSENT),
        ("released", HoldState.ABSENT),
        ("running", HoldState.ABSENT),
        ("a later word", HoldState.ABSENT),
        ("on_hold", None),
        ("completed", HoldState.GONE),
        ("closed", HoldState.GONE),
        ("cancelled", HoldState.GONE),
    ],
)
def test_the_state_of_a_hold_by_the_status_of_its_work_order(status: str, state: HoldState | None) -> None:
    assert mapping.state_without_hold(order("WO-1", status)) is state


def test_a_work_order_that_is_not_there_is_gone() -> None:
    assert mapping.state_without_hold(None) is HoldState.GONE


def trail(*rows: tuple[str, str, str | None]) -> Any:
    """Audit rows, oldest first, as the server gives them."""
    told = [
        {"ts": SINCE, "actor": actor, "action": action, "after": {"reason": reason} if reason else {"status": "x"}}
        for actor, action, reason in rows
    ]
    return AuditTrail.model_validate(told[::-1]).root


HELD, REASON, RESUMED = "workorder.on_hold", "workorder.hold_reason", "workorder.running"
OURS = (("MW", HELD, None), ("MW", REASON, "Millwright hold KEY: bearing"))
THEIRS = (("SUP", HELD, None), ("SUP", REASON, "label"))


@pytest.mark.parametrize(
    ("rows", "holder"),
    [
        (OURS, Holder.OURS),
        ((*THEIRS, ("SUP", RESUMED, None), *OURS), Holder.OURS),
        ((*OURS, ("INSPECTOR", "quality.checked", None)), Holder.OURS),
        (THEIRS, Holder.OTHERS),
        ((*OURS, ("SUP", RESUMED, None), *THEIRS), Holder.OTHERS),
        ((("SUP", HELD, None), ("SUP", REASON, "Millwright hold KEY: mine")), Holder.OTHERS),
        ((("MW", HELD, None), ("MW", REASON, "Millwright hold KEY2: bearing")), Holder.OTHERS),
        ((("MW", HELD, None), ("MW", REASON, "KEY")), Holder.OTHERS),
        ((), Holder.UNKNOWN),
        ((("INSPECTOR", "quality.checked", None),), Holder.UNKNOWN),
        ((("MW", HELD, None),), Holder.UNKNOWN),
        ((*OURS, ("SUP", RESUMED, None)), Holder.UNKNOWN),
        ((("SUP", HELD, None), ("MW", REASON, "Millwright hold KEY: bearing")), Holder.UNKNOWN),
    ],
)
def test_whose_a_hold_is(rows: tuple[tuple[str, str, str | None], ...], holder: Holder) -> None:
    assert mapping.holder_of(trail(*rows), "MW", "KEY") is holder


def test_what_an_agent_does_for_another_person_is_not_ours() -> None:
    rows = [
        {"ts": SINCE, "actor": "MW", "on_behalf_of": "SUP", "action": REASON, "after": {"reason": OURS[1][2]}},
        {"ts": SINCE, "actor": "MW", "on_behalf_of": "SUP", "action": HELD, "after": {}},
    ]
    found = AuditTrail.model_validate(rows).root
    assert mapping.holder_of(found, "MW", "KEY") is Holder.OTHERS
    assert not mapping.was_held(found, "MW", "KEY")


def test_a_hold_of_before_is_found_by_its_key() -> None:
    found = trail(*OURS, ("SUP", RESUMED, None))
    assert mapping.was_held(found, "MW", "KEY")
    assert not mapping.was_held(found, "MW", "KEY2")


def test_the_reason_begins_with_the_key_and_is_one_line() -> None:
    said = mapping.hold_reason("KEY", "bearing\nwear " + "xxx " * 200)
    assert said.startswith("Millwright hold KEY: bearing wear xxx")
    assert "\n" not in said
    assert len(said) <= 521


@pytest.mark.parametrize(
    ("operations", "held", "job", "method", "prior"),
    [
        ((operation("B"), operation("A", "running")), (), "A", HoldMethod.PAUSE, JobState.RUNNING),
        ((operation("B"), operation("A")), (), "A", HoldMethod.REVOKE_START, JobState.ALLOWED_TO_START),
        ((operation("B", priority=10), operation("A")), (), "B", HoldMethod.REVOKE_START, JobState.ALLOWED_TO_START),
        ((operation("B"),), (order("A"),), "B", HoldMethod.REVOKE_START, JobState.ALLOWED_TO_START),
        ((), (order("B"), order("A")), "A", HoldMethod.ALREADY_HELD, JobState.INTERRUPTED_ON_PURPOSE),
        ((), (order("A", operations=(("EQ-7", "done"), ("EQ-8", "running"))),), None, HoldMethod.NOTHING_TO_HOLD, None),
        ((), (), None, HoldMethod.NOTHING_TO_HOLD, None),
    ],
)
def test_what_a_hold_would_do(
    operations: tuple[OpenOperation, ...],
    held: tuple[OrderRow, ...],
    job: str | None,
    method: HoldMethod,
    prior: JobState | None,
) -> None:
    plan = mapping.hold_plan("EQ-7", "KEY", operations, held, TARGET)
    assert (plan.job, plan.method, plan.prior_state, plan.receiver) == (job, method, prior, "machine EQ-7")
    assert plan.target == (TARGET if job else None)


def slot(kind: str, start: timedelta, length: timedelta, order_code: str | None = None) -> Slot:
    begins = NOW + start
    times = {"planned_start": begins.isoformat(), "planned_end": (begins + length).isoformat()}
    return Slot.model_validate({"kind": kind, "order": order_code, "seq": 10 if order_code else None, **times})


def day(text: str, kind: str = "non_working", equipment: str | None = None) -> CalendarDay:
    return CalendarDay.model_validate({"day": text, "kind": kind, "equipment": equipment})


HOUR = timedelta(hours=1)
CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("planned", "stop"),
    [
        (Planned(), None),
        (Planned((slot("maintenance", 3 * HOUR, HOUR), slot("maintenance", 9 * HOUR, HOUR))), NOW + 3 * HOUR),
        (Planned((slot("maintenance", -HOUR, 2 * HOUR),)), NOW),
        (Planned((slot("maintenance", -2 * HOUR, HOUR),)), None),
        (Planned((slot("production", HOUR, HOUR, "A"),)), None),
        (Planned(days=(day("2026-12-24"),), zone=CHICAGO), datetime(2026, 12, 24, 6, tzinfo=UTC)),
        (Planned(days=(day("2026-12-24", equipment="LINE-1"),), zone=CHICAGO), datetime(2026, 12, 24, 6, tzinfo=UTC)),
        (Planned(days=(day("2026-12-24", equipment="LINE-2"),), zone=CHICAGO), None),
        (Planned(days=(day("2026-12-24", "working"),), zone=CHICAGO), None),
        (Planned(days=(day("2026-11-30"),), zone=CHICAGO), NOW),
        (Planned(days=(day("2026-11-29"),), zone=CHICAGO), None),
        # Without the zone of the plant nobody knows when a day begins.
        (Planned(days=(day("2026-12-24"),)), None),
    ],
)
def test_the_next_planned_stop(planned: Planned, stop: datetime | None) -> None:
    assert mapping.next_stop(planned, machine(), NOW) == stop


def test_the_end_of_a_planned_work_order_and_what_is_left_of_it() -> None:
    planned = Planned((slot("production", -HOUR, 4 * HOUR, "A"), slot("production", 3 * HOUR, HOUR, "B")))
    context = mapping.production(machine(), NOW, [operation("A", "running")], [], planned, None)
    assert context.job is not None
    assert (context.job.starts_at, context.job.ends_at) == (NOW - HOUR, NOW + 3 * HOUR)
    assert context.remaining is not None
    assert context.remaining.quantity == 380
    over = mapping.production(machine(), NOW, [operation("A", "running", good_qty=501)], [], planned, None)
    assert over.remaining is not None
    assert over.remaining.quantity == 0


@pytest.mark.parametrize(
    ("of", "held", "doubt"),
    [
        (machine(), (), None),
        (machine("down", "disconnected"), (), "the MES does not see the machine since 2026-11-30 06:00 UTC"),
        (machine(), (order("A"),), "work order A is on hold, and the machine runs all the same"),
        (machine("idle"), (order("A"),), None),
    ],
)
def test_what_the_mes_is_not_sure_of(of: Machine, held: tuple[OrderRow, ...], doubt: str | None) -> None:
    assert mapping.production(of, NOW, [], held, Planned(), None).doubt == doubt


@pytest.mark.parametrize(("figure", "told"), [(None, None), (0.72, 0.72), (1.02, 1.02)])
def test_the_oee_is_of_the_window_that_ends_now(figure: float | None, told: float | None) -> None:
    oee = Oee.model_validate({"oee": figure, "ledger": {"window_seconds": 28800.0}})
    found = mapping.effectiveness(oee, NOW)
    assert (found.oee if found else None) == told
    assert (found.from_at if found else None) == (NOW - 8 * HOUR if told else None)
    assert mapping.effectiveness(None, NOW) is None
