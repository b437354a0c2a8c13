"""The tables between holds and Odoo's work centres, row by row."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.mes.odoo_mrp import mapping
from connectors.mes.odoo_mrp.mapping import Blocks, blocks_of
from connectors.mes.odoo_mrp.models import Leave, TimeLog, WorkCentre, WorkOrder
from domain.production import HoldMethod, HoldState, JobState

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HERE, ELSEWHERE = [7, "Press"], [8, "Saw"]


def centre(state: str = "blocked", **changes: Any) -> WorkCentre:
    row = {"id": 7, "name": "Press", "active": True, "working_state": state, "company_id": False}
    return WorkCentre.model_validate(row | changes)


def log(number: int, loss: str, order: int | None = None, **changes: Any) -> TimeLog:
    return TimeLog.model_validate(
        {
            "id": number,
            "workcenter_id": HERE,
            "workorder_id": [order, "WH/MO/00001 - Stamp"] if order else False,
            "loss_type": loss,
            "date_start": "2026-11-29 06:49:37",
            "date_end": False,
            **changes,
        }
    )


def order(number: int, state: str, start: str | bool = False) -> WorkOrder:
    link = [1, "WH/MO/00001"]
    return WorkOrder.model_validate({"id": number, "state": state, "date_start": start, "production_id": link})


def blocks(*logs: TimeLog, own: TimeLog | None = None, state: str = "blocked") -> Blocks:
    return blocks_of(centre(state), logs, own)


TIMER, OUR_LOG, THEIR_LOG = log(1, "productive", 4), log(2, "availability"), log(3, "quality")
CLOSED = log(2, "availability", date_end="2026-11-29 07:00:00")
FREE = blocks(state="normal")


@pytest.mark.parametrize(
    ("seen", "held"),
    [
        (blocks(OUR_LOG, own=OUR_LOG), True),
        (blocks(OUR_LOG, THEIR_LOG, own=OUR_LOG), True),
        (blocks(THEIR_LOG, own=CLOSED), False),
        (blocks(THEIR_LOG), False),
        (blocks(TIMER, OUR_LOG, own=OUR_LOG), False),
        (blocks(OUR_LOG, log(9, "performance", 4), own=OUR_LOG), False),
        # A timer without a work order: newer than our log it makes Odoo let work orders start.
        (blocks(log(1, "productive"), OUR_LOG, own=OUR_LOG), True),
        (blocks(OUR_LOG, log(9, "productive"), own=OUR_LOG), False),
        (blocks(OUR_LOG, own=OUR_LOG, state="normal"), False),
        (FREE, False),
    ],
)
def test_a_hold_is_in_effect_only_if_it_is_open_nothing_can_start_and_nothing_runs(seen: Blocks, held: bool) -> None:
    assert seen.held is held
    assert mapping.standing(seen) is (HoldState.HELD if held else HoldState.ABSENT)


def test_the_logs_of_another_work_centre_do_not_count() -> None:
    seen = blocks(log(1, "productive", 4, workcenter_id=ELSEWHERE), log(2, "quality", workcenter_id=ELSEWHERE))
    assert (seen.running, seen.blocked, seen.others) == (frozenset(), False, False)


@pytest.mark.parametrize(
    ("seen", "method", "prior"),
    [
        (FREE, HoldMethod.BLOCK, JobState.ALLOWED_TO_START),
        (blocks(TIMER, state="done"), HoldMethod.BLOCK, JobState.RUNNING),
        (blocks(THEIR_LOG), HoldMethod.ALREADY_HELD, JobState.INTERRUPTED_ON_PURPOSE),
        (blocks(TIMER, THEIR_LOG), HoldMethod.BLOCK, JobState.RUNNING),
        (blocks(OUR_LOG, own=OUR_LOG), HoldMethod.BLOCK, JobState.ALLOWED_TO_START),
        (blocks(OUR_LOG, THEIR_LOG, own=OUR_LOG), HoldMethod.BLOCK, JobState.ALLOWED_TO_START),
    ],
)
def test_a_plan_blocks_the_work_centre_unless_others_hold_it(seen: Blocks, method: HoldMethod, prior: JobState) -> None:
    plan = mapping.hold_plan("EQ-7", "MWKEY", centre(), seen, has_orders=True)
    assert (plan.method, plan.prior_state, plan.job) == (method, prior, "all work orders")
    assert plan.receiver == "work centre 7"
    assert plan.method.acts is (method is HoldMethod.BLOCK)


def test_without_a_work_order_there_is_nothing_to_hold() -> None:
    plan = mapping.hold_plan("EQ-7", "MWKEY", centre(), FREE, has_orders=False)
    assert (plan.method, plan.job, plan.prior_state) == (HoldMethod.NOTHING_TO_HOLD, None, None)


@pytest.mark.parametrize(
    ("state", "seen", "job"),
    [
        ("progress", blocks(log(1, "productive", 5), state="done"), JobState.RUNNING),
        ("progress", FREE, JobState.INTERRUPTED_ON_PURPOSE),
        ("progress", blocks(OUR_LOG), JobState.INTERRUPTED_ON_PURPOSE),
        ("ready", FREE, JobState.ALLOWED_TO_START),
        ("ready", blocks(OUR_LOG), JobState.NOT_ALLOWED_TO_START),
        ("blocked", FREE, JobState.NOT_ALLOWED_TO_START),
        ("waiting", FREE, JobState.NOT_ALLOWED_TO_START),
        ("pending", FREE, JobState.NOT_ALLOWED_TO_START),
        ("of a later version", FREE, JobState.NOT_ALLOWED_TO_START),
        ("done", FREE, JobState.ENDED),
        ("cancel", FREE, JobState.ABORTED),
    ],
)
def test_the_state_of_a_work_order(state: str, seen: Blocks, job: JobState) -> None:
    assert mapping.job_state(order(5, state), seen) is job


def test_the_job_is_what_runs_otherwise_what_was_started_otherwise_the_earliest_that_waits() -> None:
    orders = [
        order(1, "done"),
        order(2, "blocked", "2026-11-01 00:00:00"),
        order(3, "ready"),
        order(4, "ready", "2026-11-30 00:00:00"),
        order(5, "progress"),
        order(6, "progress"),
    ]
    seen = blocks(log(1, "productive", 6), state="done")
    chosen = []
    while orders:
        current = mapping.current_order(orders, seen)
        if current is None:
            break
        chosen.append(current.id)
        orders.remove(current)
    assert chosen == [6, 5, 4, 3, 2]


def test_a_job_is_named_as_on_its_bar_code() -> None:
    assert mapping.job_name(order(5, "ready")) == "WH/MO/00001/5"
    assert mapping.job_name(order(5, "ready").model_copy(update={"production_id": None})) == "5"


def leave(begins: timedelta, ends: timedelta) -> Leave:
    row = {"id": 1, "date_from": mapping.time_text(NOW + begins), "date_to": mapping.time_text(NOW + ends)}
    return Leave.model_validate(row)


def test_the_next_stop_is_the_earliest_that_is_not_over_and_one_that_has_begun_is_now() -> None:
    hour = timedelta(hours=1)
    later, past, begun = leave(2 * hour, 3 * hour), leave(-3 * hour, -hour), leave(-hour, hour)
    assert mapping.next_stop([], NOW) is None
    assert mapping.next_stop([past], NOW) is None
    assert mapping.next_stop([past, leave(4 * hour, 5 * hour), later], NOW) == NOW + 2 * hour
    assert mapping.next_stop([later, begun], NOW) == NOW


def test_what_odoo_is_not_sure_of_is_a_doubt() -> None:
    seen = blocks(TIMER, OUR_LOG)
    context = mapping.production("EQ-7", NOW, [order(5, "progress")], seen, [], ["a planned stop: odd"])
    assert context.doubt == (
        "a planned stop: odd; a timer runs for work order 4, which is over or elsewhere; the work centre is blocked, "
        "and a timer runs all the same"
    )
    assert mapping.production("EQ-7", NOW, [], FREE, [], []).job is None


def test_the_external_id_has_the_key_and_the_work_centre() -> None:
    assert mapping.external_id("MWABCDEFGH", 7) == "millwright.hold_MWABCDEFGH_7"


@pytest.mark.parametrize("key", ["a.b", "x" * 41, "é", "a b", ""])
def test_a_key_that_no_external_id_may_have_is_a_digest_in_it(key: str) -> None:
    assert re.fullmatch(r"millwright\.hold_[a-z2-7]{32}_7", mapping.external_id(key, 7))


def test_the_description_has_the_key_first_and_the_reason_on_the_same_line() -> None:
    assert mapping.description("MWKEY", "Bearing\nwear\x00") == "Millwright hold MWKEY: Bearing wear"
    assert len(mapping.description("MWKEY", "word " * 1000)) < 600
    assert mapping.description_mark("MWKEY").startswith(mapping.description_mark())


@pytest.mark.parametrize(
    ("receiver", "number"),
    [("work centre 7", 7), ("work centre ", None), ("another", None), (None, None), (f"work centre {'9' * 19}", None)],
)
def test_a_receiver_is_the_number_of_a_work_centre(receiver: str | None, number: int | None) -> None:
    assert mapping.centre_of(receiver) == number
    assert mapping.centre_of(mapping.receiver_of(7)) == 7


def test_a_hold_ends_never_before_it_began_whatever_the_clocks_say() -> None:
    own = log(2, "availability", description="Millwright hold MWKEY: Bearing")
    assert mapping.closing(own, "Repaired", NOW) == {
        "date_end": "2026-11-29 12:00:00",
        "description": "Millwright hold MWKEY: Bearing\nReleased: Repaired",
    }
    assert mapping.closing(own, "x", NOW - timedelta(days=1))["date_end"] == "2026-11-29 06:49:37"
    bare = own.model_copy(update={"description": None, "date_start": None})
    assert mapping.closing(bare, "x", NOW) == {"date_end": "2026-11-29 12:00:00", "description": "Released: x"}
