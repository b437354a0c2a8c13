"""A person corrects a draft that the sandbox's CMMS refused; it is sent then, once, and read back."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.progress import CaseRef
from domain.cases import CaseView, Lane
from domain.corrections import CorrectedField, DraftCorrection
from domain.errors import ActRejected
from domain.ports import Cmms
from domain.work_orders import WorkOrderDraft, WorkOrderRecord
from millwright.audit.verifying import verify
from millwright.explaining.consequences import consequences
from millwright.storage.cases.corrections import Correcting
from millwright.storage.reporting.case_lists import whole_case
from tests.contract.atlas_plant import AtlasPlant
from tests.contract.cmms_plant import SandboxPlant
from tests.contract.conftest import MaximoPlant
from tests.contract.odoo_maintenance_plant import OdooMaintenancePlant
from tests.contract.ordered_case import OrderedCase, ordered_case, plant_on
from tests.contract.rest_plant import TicketsPlant
from tests.contract.sap_pm_plant import SapPmPlant
from tests.support.crashes import Killed
from tests.support.fault_injection import Crash
from tests.support.people import add

HOUR: Final = timedelta(hours=1)
SITES: Final[Mapping[str, Callable[[Path], SandboxPlant]]] = {
    "maximo": MaximoPlant,
    "odoo": OdooMaintenancePlant,
    "sap_pm": SapPmPlant,
    "atlas": AtlasPlant,
    "rest": TicketsPlant,
}
RefusedCase = OrderedCase[SandboxPlant]


@pytest.fixture(params=SITES)
async def refused(
    request: pytest.FixtureRequest, storage_engine: AsyncEngine, tmp_path: Path
) -> AsyncIterator[RefusedCase]:
    """A case whose draft the CMMS has refused, for a field."""
    name: str = request.param
    site = SITES[name](tmp_path)
    await site.start()
    case = await ordered_case(await plant_on(storage_engine), site, name, site.connector)
    await add(case.storage.people, "gertrud", ["planner"], case.plant.clock.now())
    site.misbehave("create", "refuse_field", field="wopriority", code="BMXAA4195E")
    view = await case.ensure()
    assert (view.order, view.lane, view.waiting_step) == (None, Lane.PLANNER, "ensure-order")
    yield case
    await site.stop()


async def correct(
    refused: RefusedCase, values: Mapping[CorrectedField, str | int | None], by: str = "gertrud"
) -> DraftCorrection:
    asked = Correcting(values=dict(values), by=by, reason="as it is there", at=refused.plant.clock.now())
    return await refused.storage.cases.correct_draft(refused.case, asked)


async def placed(refused: RefusedCase) -> CaseView:
    """The case after its steps ran again, after the time for which they leave a system alone."""
    refused.plant.clock.time += HOUR
    refused.site.wait(HOUR)
    return await refused.ensure()


async def test_a_corrected_draft_is_sent_once_and_read_back_and_the_record_verifies(refused: RefusedCase) -> None:
    before = (await refused.view()).draft
    assert before is not None
    wanted = before.priority % 4 + 1
    values: dict[CorrectedField, str | int | None] = {
        CorrectedField.PRIORITY: wanted,
        CorrectedField.SUMMARY: "Look at the pump",
    }
    kept = await correct(refused, values)
    assert await correct(refused, values) == kept
    for _ in range(2):
        view = await placed(refused)
    assert view.order is not None
    assert refused.site.orders_of(refused.case) == 1
    assert (view.order.priority, view.draft, view.corrections) == (wanted, before, (kept,))
    assert view.correction_words == (kept.words,)
    assert view.lane is None
    told = await verify(refused.plant.engine, catalogue=refused.plant.catalogue)
    assert [str(finding) for finding in told.findings] == []


async def test_a_draft_that_waits_for_an_answer_by_now_is_not_corrected(refused: RefusedCase) -> None:
    refused.site.misbehave("create", "status_500")
    view = await placed(refused)
    assert (view.order, view.waiting_step, view.attempts) == (None, "ensure-order", 2)
    with pytest.raises(ActRejected, match="has not refused the draft"):
        await correct(refused, {CorrectedField.PRIORITY: 4})


class CorrectedMeanwhile:
    """A CMMS at which somebody corrects the draft while the order is created.

    Args:
        cmms: the CMMS.
        correct: makes the correction.
    """

    def __init__(self, cmms: Cmms, correct: Callable[[], Awaitable[object]]) -> None:
        self._cmms = cmms
        self._correct = correct

    def __getattr__(self, name: str) -> object:
        return getattr(self._cmms, name)

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        await self._correct()
        return await self._cmms.create_work_order(draft)


@pytest.mark.parametrize("earlier", [False, True], ids=["the first", "the second"])
async def test_a_correction_while_the_cmms_is_asked_is_told_as_too_late(refused: RefusedCase, *, earlier: bool) -> None:
    draft = (await refused.view()).draft
    assert draft is not None
    connect, wanted = refused.connect, draft.priority
    if earlier:
        wanted = draft.priority % 4 + 1
        await correct(refused, {CorrectedField.PRIORITY: wanted})

    async def late() -> None:
        await correct(refused, {CorrectedField.SUMMARY: "Look at the pump"})

    refused.connect = lambda: cast(Cmms, CorrectedMeanwhile(connect(), late))
    view = await placed(refused)
    assert view.order is not None
    assert view.order.priority == wanted
    told = f"Order {view.order.ref.id} went out without the last correction, made while {refused.system} was asked. "
    assert view.correction_words[-1:] == (f"{told}If it is still wanted, change the order there",)
    told_whole = consequences(await whole_case(refused.plant.engine, refused.case), 0)
    assert f"{view.correction_words[-1]}." in told_whole.sentences
    found = await verify(refused.plant.engine, catalogue=refused.plant.catalogue)
    assert [str(finding) for finding in found.findings] == []


async def test_a_process_that_is_killed_anywhere_after_a_correction_makes_one_order(refused: RefusedCase) -> None:
    draft = (await refused.view()).draft
    assert draft is not None
    wanted = draft.priority % 4 + 1
    await correct(refused, {CorrectedField.PRIORITY: wanted})
    for call in range(8):
        for after in (False, True):
            refused.plant.clock.time += HOUR
            refused.site.wait(HOUR)
            with suppress(Crash):
                await refused.steps(Killed(call, after=after)).ensure_order(CaseRef(case=refused.case))
    view = await placed(refused)
    assert view.order is not None
    assert (refused.site.orders_of(refused.case), view.order.priority) == (1, wanted)
    told = await verify(refused.plant.engine, catalogue=refused.plant.catalogue)
    assert [str(finding) for finding in told.findings] == []
