"""A planner corrects on the command line the draft of an order that the CMMS refused."""

import asyncio

import pytest

from domain.cases import Lane
from domain.casework import Waits
from domain.work_orders import OrderRejection, WorkOrderStatus
from millwright.bootstrap import Storage, open_storage
from millwright.settings import Settings
from tests.cli.conftest import Millwright
from tests.support.attached_order import draft_for, theirs
from tests.support.completed_work import opened_case
from tests.support.held_machine import add_people
from tests.support.plant import START, register

REASON = "4 is not used here"


async def refused_case(storage: Storage) -> str:
    """A case whose draft the CMMS has refused."""
    await storage.register.keep(register(), "tests")
    await add_people(storage)
    case = await opened_case(storage)
    view, _ = await storage.cases.view(case)
    await storage.cases.intend_order(case, "maximo", draft_for(view, view.cmms_asset or ""), None, None)
    await storage.cases.wait(
        case, Waits("ensure-order", "a person to correct maximo", lane=Lane.PLANNER, failed=True, draft_refused=True)
    )
    return case


async def rejected(storage: Storage, case: str) -> None:
    """The order of a case is in the CMMS, and people rejected it."""
    order = theirs((await storage.cases.view(case))[0], "1224", START)
    ref = order.ref.model_copy(update={"key": case})
    why = OrderRejection(reason="no budget", by="SMITH")
    update = {"ref": ref, "status": WorkOrderStatus.CANCELLED, "vendor_status": "CAN", "codes": (), "rejection": why}
    await storage.cases.record_order(case, order.model_copy(update=update), START)


@pytest.fixture
def settings(millwright: Millwright, database_url: str) -> Settings:
    return Settings.model_validate({"home": millwright.home, "database_url": database_url})


@pytest.fixture
def case(settings: Settings) -> str:
    async def made() -> str:
        async with open_storage(settings) as storage:
            return await refused_case(storage)

    return asyncio.run(made())


def test_a_planner_corrects_a_draft_and_both_are_shown(millwright: Millwright, settings: Settings, case: str) -> None:
    given = ("--set", "priority=4", "--set", "due_at=none", "--set", "summary=Look at the pump")
    correcting = ("case", "correct", case, *given, "--reason", REASON, "--key", "planner")
    changed = "summary The signal has shifted., now Look at the pump; priority 2, now 4"
    assert millwright.says(*correcting) == f"paul corrected the draft of {case}: {changed}. It is tried again.\n"
    assert f"({changed}): {REASON}\n" in millwright.says("case", "show", case)
    assert f"({changed}): {REASON}." in millwright.says("why", case)
    assert millwright.json("case", "show", case)["case"]["corrections"][0]["by"] == "paul"

    async def done() -> None:
        async with open_storage(settings) as storage:
            await rejected(storage, case)

    asyncio.run(done())
    words = "no budget (written there by SMITH)"
    assert f"rejected there: {words}\n" in millwright.says("case", "show", case)
    assert f"It was rejected there: {words}." in millwright.says("why", case)
    assert "is in maximo already" in millwright.refuses(*correcting)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("priority", "--set: 'priority' has no value (write FIELD=VALUE, such as priority=3)"),
        ("priority=high", "--set: 'high' is no priority (a number from 1 (highest) to 4)"),
    ],
)
def test_a_change_that_cannot_be_read_is_refused(millwright: Millwright, case: str, given: str, said: str) -> None:
    told = millwright.refuses("case", "correct", case, "--set", given, "--reason", REASON, "--key", "planner")
    assert told == said
