"""The shift lead lifts holds that have outlived their work, and no others."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.jobcontrol import HoldRow
from sandbox.plant.orders import OrderState, PlantOrder
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


def order_in(state: OrderState) -> PlantOrder:
    return PlantOrder(
        number="1001", place=1, asset="M017-COMP2", key=KEY, status="", state=state, reported=NOW, changed=NOW
    )


class Screen:
    """The CMMS's list of orders."""

    def __init__(self, *orders: PlantOrder) -> None:
        self._orders = list(orders)

    def orders(self) -> list[PlantOrder]:
        return self._orders


@pytest.mark.parametrize(
    ("state", "waited", "lifted"),
    [
        (OrderState.COMPLETED, PATIENCE, 1),
        (OrderState.CANCELLED, PATIENCE, 1),
        (OrderState.COMPLETED, PATIENCE - timedelta(minutes=1), 0),
        (OrderState.IN_PROGRESS, PATIENCE, 0),
    ],
)
async def test_a_hold_is_lifted_two_hours_after_its_work_and_not_before(
    state: OrderState, waited: timedelta, lifted: int
) -> None:
    lead = ShiftLead(Screen(order_in(state)), Panel())
    assert await lead.act(NOW + waited) == lifted


async def test_a_hold_whose_comment_names_no_order_is_left_to_its_owner() -> None:
    panel = Panel("a walk-round by the foreman")
    lead = ShiftLead(Screen(order_in(OrderState.COMPLETED)), panel)
    assert (await lead.act(NOW + PATIENCE), lead.next_act_time()) == (0, None)
