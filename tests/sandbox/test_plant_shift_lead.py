"""The shift lead lifts holds that have outlived their work, and no others."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.jobcontrol import HoldRow
from sandbox.maximo.work_order_view import WorkOrderView
from sandbox.plant.shift_lead import PATIENCE, ShiftLead

NOW = datetime(2015, 1, 5, 6, tzinfo=UTC)
KEY = "MWAAAAAAAA"


class Panel:
    """One machine's hold."""

    def __init__(self, key: str = KEY) -> None:
        self.rows = [HoldRow(1, 17, "EQ-017", "J1", NOW, key, "Pause")]

    def holds(self) -> list[HoldRow]:
        return self.rows

    async def release_by_hand(self, hold: HoldRow) -> None:
        self.rows = [row for row in self.rows if row != hold]


def view_of(status: str) -> WorkOrderView:
    return WorkOrderView(
        wonum="1001", workorderid=1, assetnum="M017-COMP2", location="", description="", long_description="",
        externalrefid=KEY, worktype="CM", wopriority=1, reportedby="MILLWRIGHT", status=status,
        internal_status=status, statusdate=NOW, reportdate=NOW, actstart=None, actfinish=None, failurecode="",
        problem="", cause="", remedy="",
    )  # fmt: skip


class Screen:
    """The CMMS's list of orders."""

    def __init__(self, *orders: WorkOrderView) -> None:
        self.orders = list(orders)

    def work_orders(self) -> list[WorkOrderView]:
        return self.orders


@pytest.mark.parametrize(
    ("status", "waited", "lifted"),
    [
        ("COMP", PATIENCE, 1),
        ("CAN", PATIENCE, 1),
        ("COMP", PATIENCE - timedelta(minutes=1), 0),
        ("INPRG", PATIENCE, 0),
    ],
)
async def test_a_hold_is_lifted_two_hours_after_its_work_and_not_before(
    status: str, waited: timedelta, lifted: int
) -> None:
    lead = ShiftLead(Screen(view_of(status)), Panel())
    assert await lead.act(NOW + waited) == lifted


async def test_a_hold_whose_comment_names_no_order_is_left_to_its_owner() -> None:
    panel = Panel("a walk-round by the foreman")
    lead = ShiftLead(Screen(view_of("COMP")), panel)
    assert (await lead.act(NOW + PATIENCE), lead.next_act_time()) == (0, None)
