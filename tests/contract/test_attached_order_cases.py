"""A case on its storage attaches the order that a person made in the sandbox's CMMS, and detaches it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.autonomy import Autonomy
from activities.outcomes import Outcomes
from activities.progress import CaseRef
from activities.returns_to_normal import ReturnsToNormal
from domain.cases import CaseView, ClosedAs
from domain.open_work import OpenWorkQuery
from domain.outcomes import OutcomeClass
from domain.ports import OutcomeCodes, TwinGraph
from domain.site_codes import SiteCodes
from domain.work_orders import CompletionReport, WorkOrderRef, WorkOrderStatus
from millwright.audit.verifying import verify
from millwright.explaining.consequences import consequences
from millwright.storage.audit.reasons import find
from millwright.storage.audit.record import read_record
from millwright.storage.cases.returns_to_normal import NormalStore
from millwright.storage.reporting.case_lists import whole_case
from sandbox.clock import PlantClock
from tests.contract.atlas_plant import AtlasPlant
from tests.contract.cmms_plant import SandboxPlant
from tests.contract.conftest import MaximoPlant
from tests.contract.ordered_case import MINUTES, OrderedCase, ordered_case, plant_on
from tests.contract.rest_plant import TicketsPlant
from tests.contract.sap_pm_plant import SapPmPlant
from tests.support.crashes import Killed
from tests.support.fault_injection import Crash
from tests.workflows.fake_plant import FakeTwins

ASSET: Final = "M001-COMP1"
DAY: Final = timedelta(days=1)


class CodingPlant(SandboxPlant, Protocol):
    """A CMMS in which people choose the codes of a failure on open orders."""

    failure_modes: Mapping[str, str]
    clock: PlantClock

    async def people_code(self, ref: WorkOrderRef) -> None: ...
    async def people_uncode(self, ref: WorkOrderRef) -> None: ...


@dataclass(frozen=True)
class Means(OutcomeCodes):
    """Codes that all mean one class."""

    found: OutcomeClass

    def classify(self, report: CompletionReport) -> OutcomeClass:
        return self.found if report.codes else OutcomeClass.UNKNOWN


SITES: Final[Mapping[str, tuple[Callable[[Path], CodingPlant], str]]] = {
    "maximo": (MaximoPlant, "OVERVOLT"),
    "sap_pm": (SapPmPlant, "ELEC/0110"),
    "atlas": (AtlasPlant, "OVERVOLT"),
    "rest": (TicketsPlant, "OVERVOLT"),
}

NOTE: Final = {"maximo": "note", "sap_pm": "note", "atlas": "comment", "rest": "note"}
"""The operation by which a note is written on an order of a person."""

CodingCase = OrderedCase[CodingPlant]


@pytest.fixture(params=SITES)
async def ready(
    request: pytest.FixtureRequest, storage_engine: AsyncEngine, tmp_path: Path
) -> AsyncIterator[CodingCase]:
    name: str = request.param
    make, code = SITES[name]
    site = make(tmp_path)
    site.failure_modes = {code: "PDE"}
    await site.start()
    case = await ordered_case(await plant_on(storage_engine), site, name, site.connector)
    site.wait(case.plant.clock.now() - site.clock.now())
    yield replace(case, codes={name: Means(OutcomeClass.CONFIRMED)})
    await site.stop()


async def theirs_of(ready: CodingCase, asset: str = ASSET, *, coded: bool = True) -> WorkOrderRef:
    """The reference to an order that a person just made, with or without the code of the fault."""
    number = await ready.site.people_open(asset)
    about = OpenWorkQuery(
        asset_external_id=asset,
        asset_attributes=(await ready.view()).cmms_attributes,
        since=ready.plant.clock.now() - DAY,
    )
    [ref] = [order.ref for order in (await ready.connect().find_open_work(about)).orders if order.ref.id == number]
    if coded:
        await ready.site.people_code(ref)
    return ref


async def attached(ready: CodingCase) -> WorkOrderRef:
    """The reference to the order of a person that is attached to the case, with its note."""
    theirs = await theirs_of(ready)
    view = await ready.ensure()
    assert view.attached is not None
    assert (await ready.order()).ref == theirs
    await ready.moved()
    return theirs


async def learnt(ready: CodingCase) -> CaseView:
    """The case after the steps that learn from its order."""
    cases, catalogue = ready.storage.cases, ready.plant.catalogue
    twins, autonomy = cast("TwinGraph", FakeTwins()), Autonomy(catalogue, ready.storage.autonomy)
    tables = {system: SiteCodes(codes) for system, codes in ready.codes.items()}
    normals = ReturnsToNormal(NormalStore(ready.storage.engine, ready.plant.clock), catalogue, ready.plant.clock)
    steps = Outcomes(cases, twins, tables, autonomy, ready.plant.clock, {}, normals)
    for step in (steps.record_outcome, steps.tell_twin, steps.keep_label, steps.close_case):
        await step(CaseRef(case=ready.case))
    return await ready.view()


def completed(ready: CodingCase, theirs: WorkOrderRef) -> None:
    """People approve an order and complete it."""
    ready.site.approve(theirs)
    ready.site.complete(theirs, "Regulator burnt.")


async def has_own_order(ready: CodingCase) -> CaseView:
    """The case, which has one order of its own in the CMMS."""
    view = await ready.view()
    assert view.order is not None
    assert (view.order.ref.key, view.attached) == (ready.case, None)
    assert ready.site.orders_of(ready.case) == 1
    return view


async def no_findings(ready: CodingCase) -> None:
    """The record has no fault."""
    assert (await verify(ready.plant.engine, catalogue=ready.plant.catalogue)).findings == ()


async def test_an_order_of_a_person_is_followed_with_one_note_to_its_finding(ready: CodingCase) -> None:
    theirs = await attached(ready)
    await ready.later(DAY)
    assert ready.site.orders_of(ready.case) == 0
    assert len(await ready.site.notes(theirs)) == 1
    before = await ready.order()
    completed(ready, theirs)
    view = await ready.later(DAY)
    assert view.order is not None
    assert (view.order.status, view.order.ref) == (WorkOrderStatus.COMPLETED, theirs)
    assert before.status is not WorkOrderStatus.COMPLETED
    view = await learnt(ready)
    assert (view.closed_as, view.outcome, view.labelled) == (ClosedAs.DONE, OutcomeClass.CONFIRMED, True)
    told = consequences(await whole_case(ready.plant.engine, ready.case), event=0).sentences
    assert any(f"Order {theirs.id} of a person is its work order" in each for each in told)
    await no_findings(ready)


async def test_an_order_that_was_closed_without_the_finding_gives_the_case_one_of_its_own(ready: CodingCase) -> None:
    nothing = replace(ready, codes={ready.system: Means(OutcomeClass.NOTHING_FOUND)})
    theirs = await attached(nothing)
    completed(ready, theirs)
    view = await nothing.later(DAY)
    assert (view.order, view.outcome, view.closed_as) == (None, None, None)
    await no_findings(ready)
    await nothing.later(MINUTES)
    view = await has_own_order(ready)
    assert view.draft is not None
    [told] = [paragraph for paragraph in view.draft.paragraphs if paragraph.startswith(f"Order {theirs.id} ")]
    assert "was closed without this finding: it was completed with" in told
    assert (view.outcome, view.labelled) == (None, False)
    told_later = consequences(await whole_case(ready.plant.engine, ready.case), event=0).sentences
    assert told in told_later
    await no_findings(ready)


async def test_an_order_that_was_deleted_gives_the_case_one_of_its_own(ready: CodingCase) -> None:
    theirs = await attached(ready)
    ready.site.delete(theirs)
    await ready.later(DAY)
    await ready.later(MINUTES)
    view = await has_own_order(ready)
    assert [each.words for each in view.detached] == [
        f"Order {theirs.id} was closed without this work: it is not found."
    ]
    await no_findings(ready)


async def test_a_code_that_was_taken_off_gives_the_case_an_order_of_its_own(ready: CodingCase) -> None:
    theirs = await attached(ready)
    await ready.site.people_uncode(theirs)
    await ready.later(DAY)
    await ready.later(MINUTES)
    view = await has_own_order(ready)
    assert [each.words for each in view.detached] == [f"Order {theirs.id} has no problem code any more."]
    await ready.site.people_code(theirs)
    await ready.later(DAY)
    await has_own_order(ready)
    await no_findings(ready)


async def _uncoded(ready: CodingCase) -> None:
    await theirs_of(ready, coded=False)


async def _two(ready: CodingCase) -> None:
    await theirs_of(ready)
    await theirs_of(ready)


async def _other_asset(ready: CodingCase) -> None:
    await theirs_of(ready, "M002-COMP1")


async def _other_mode(ready: CodingCase) -> None:
    await theirs_of(ready)
    ready.site.failure_modes = dict.fromkeys(ready.site.failure_modes, "LOO")


async def _no_table(ready: CodingCase) -> None:
    await theirs_of(ready)
    ready.site.failure_modes = {}


async def _finished(ready: CodingCase) -> None:
    completed(ready, await theirs_of(ready))


async def _with_a_key(ready: CodingCase) -> None:
    ready.site.put_key(await theirs_of(ready), "MW77777777")


REFUSING: Final = {
    "no code": _uncoded,
    "two with the code": _two,
    "another asset": _other_asset,
    "another failure mode": _other_mode,
    "no table of codes": _no_table,
    "finished": _finished,
    "a key of another case": _with_a_key,
}


@pytest.mark.parametrize("people", REFUSING.values(), ids=REFUSING)
async def test_otherwise_the_case_has_an_order_of_its_own(
    ready: CodingCase, people: Callable[[CodingCase], Awaitable[None]]
) -> None:
    await people(ready)
    await ready.ensure()
    assert (await has_own_order(ready)).detached == ()


async def test_a_note_whose_answer_was_lost_is_there_once(ready: CodingCase) -> None:
    theirs = await theirs_of(ready)
    ready.site.misbehave(NOTE[ready.system], "commit_then_drop")
    await ready.ensure()
    waits = await ready.moved()
    assert (waits.order_notes, waits.attempts) == ((), 1)
    view = await ready.later(timedelta(hours=1))
    assert (view.order_notes, len(await ready.site.notes(theirs))) == ((f"{ready.case}-attached-1",), 1)
    await no_findings(ready)


async def test_a_process_killed_at_any_call_leaves_one_order_and_one_note(ready: CodingCase) -> None:
    theirs = await theirs_of(ready)
    for after in (False, True):
        for call in range(5):
            steps = ready.steps(Killed(call, after=after))
            for step in (steps.ensure_order, steps.move_order):
                with suppress(Crash):
                    await step(CaseRef(case=ready.case))
            ready.plant.clock.time += timedelta(hours=1)
    await ready.ensure()
    await ready.moved()
    assert (await ready.order()).ref == theirs
    assert ready.site.orders_of(ready.case) == 0
    assert len(await ready.site.notes(theirs)) == 1
    await no_findings(ready)


async def test_a_process_killed_while_an_order_is_detached_leaves_one_order_of_its_own(ready: CodingCase) -> None:
    theirs = await attached(ready)
    await ready.site.people_uncode(theirs)
    ready.plant.clock.time += DAY
    ready.site.wait(DAY)
    for after in (False, True):
        for call in range(4):
            steps = ready.steps(Killed(call, after=after))
            for step in (steps.move_order, steps.ensure_order):
                with suppress(Crash):
                    await step(CaseRef(case=ready.case))
            ready.plant.clock.time += timedelta(hours=1)
    await ready.later(DAY)
    await ready.later(timedelta(hours=1))
    view = await has_own_order(ready)
    assert [each.order.id for each in view.detached] == [theirs.id]
    async with read_record(ready.plant.engine) as record:
        assert (await find(record, theirs.id)).case == ready.case
    await no_findings(ready)


async def test_of_several_workers_at_once_all_have_the_same_order(ready: CodingCase) -> None:
    theirs = await theirs_of(ready)
    await asyncio.gather(*(ready.ensure() for _ in range(4)))
    assert (await ready.order()).ref == theirs
    assert ready.site.orders_of(ready.case) == 0
    await no_findings(ready)
