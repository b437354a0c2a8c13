"""A person's correction of a refused draft is stored once, and only while the draft waits to be corrected."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from alembic.util import CommandError
from sqlalchemy import text

from domain.assets import Alias
from domain.cases import Decision, Lane
from domain.casework import Waits
from domain.corrections import CorrectedField, DraftCorrection
from domain.errors import ActionRequired, ActRejected
from domain.work_orders import OrderRejection, WorkOrderDraft, WorkOrderStatus
from millwright.audit.evidence import write_evidence
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.corrections import Correcting
from millwright.storage.cases.drift import DriftStore
from millwright.storage.database.schema import check, downgrade, upgrade
from millwright.storage.events.register import RegisterStore
from tests.audit.test_audit_tampering import offline
from tests.support.attached_order import draft_for, theirs
from tests.support.judged_plant import Plant
from tests.support.plant import START, code, deviation

PRIORITY: Final = {CorrectedField.PRIORITY: 4}
REFUSED: Final = Waits("ensure-order", "a person to correct it", lane=Lane.PLANNER, failed=True, draft_refused=True)


@pytest.fixture
async def case(plant: Plant) -> str:
    await plant.take(code(1), deviation(2))
    [[found]] = await plant.rows("SELECT id FROM cases")
    return str(found)


async def intend(cases: CaseStore, case: str) -> WorkOrderDraft:
    view, _ = await cases.view(case)
    return await cases.intend_order(case, "maximo", draft_for(view, view.cmms_asset or ""), None, None)


async def refuse(cases: CaseStore, case: str) -> WorkOrderDraft:
    """The draft of a case, which the CMMS refused."""
    draft = await intend(cases, case)
    await cases.wait(case, REFUSED)
    return draft


async def correct(
    cases: CaseStore, case: str, values: Mapping[CorrectedField, str | int | None] = PRIORITY, by: str = "pat"
) -> DraftCorrection:
    asked = Correcting(values=dict(values), by=by, reason="as it is there", at=(await cases.view(case))[0].opened_at)
    return await cases.correct_draft(case, asked)


async def test_the_draft_goes_out_as_corrected_and_the_first_one_stays(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    first = await refuse(cases, case)
    [[before]] = await plant.rows("SELECT generation FROM due WHERE subject = 'case/' || :case", case=case)
    kept = await correct(cases, case)
    [[after]] = await plant.rows("SELECT generation FROM due WHERE subject = 'case/' || :case", case=case)
    assert int(str(after)) == int(str(before)) + 1
    view, _ = await cases.view(case)
    assert (view.draft, view.corrections) == (first, (kept,))
    sent = first.model_copy(update={"priority": 4})
    assert (view.draft_to_send, await intend(cases, case)) == (sent, sent)


async def test_the_same_correction_again_changes_nothing_and_that_of_another_person_is_refused(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await refuse(cases, case)
    first = await correct(cases, case)
    both = await asyncio.gather(*(correct(cases, case) for _ in range(2)))
    assert both == [first, first]
    with pytest.raises(ActRejected, match="has these values already"):
        await correct(cases, case, by="paul")
    acts = await plant.rows("SELECT actor FROM acts WHERE kind = 'order-corrected'")
    assert acts == [("pat",)]


async def test_only_a_refused_draft_is_corrected(cases: CaseStore, case: str) -> None:
    with pytest.raises(ActRejected, match="there is no case MWNOTHERE0"):
        await cases.correct_draft(
            "MWNOTHERE0", Correcting(values=PRIORITY, by="pat", reason="x", at=(await cases.view(case))[0].opened_at)
        )
    with pytest.raises(ActRejected, match="was not drafted yet"):
        await correct(cases, case)
    await intend(cases, case)
    with pytest.raises(ActRejected, match="maximo has not refused the draft"):
        await correct(cases, case)
    await cases.wait(case, Waits("ensure-order", "maximo to answer", failed=True))
    with pytest.raises(ActRejected, match="maximo has not refused the draft"):
        await correct(cases, case)
    for lane in (Lane.PLANNER, Lane.OPERATIONS):
        # A machine is held, or a question about a hold is overdue: the draft waits for an answer all the same.
        await cases.wait(case, REFUSED)
        await cases.wait(case, Waits("ensure-order", "maximo to answer", lane=lane, failed=True))
        with pytest.raises(ActRejected, match="maximo has not refused the draft"):
            await correct(cases, case)
    placed = theirs((await cases.view(case))[0], "1224", START)
    ours = placed.model_copy(update={"ref": placed.ref.model_copy(update={"key": case})})
    await cases.record_order(case, ours, START)
    await cases.wait(case, REFUSED)
    with pytest.raises(ActRejected, match="is in maximo already"):
        await correct(cases, case)


async def test_the_draft_of_a_case_that_was_called_off_is_not_corrected(cases: CaseStore, case: str) -> None:
    await refuse(cases, case)
    no = Decision(approved=False, by="pat", reason="it is being replaced", at=(await cases.view(case))[0].opened_at)
    await cases.record_decision(case, no)
    with pytest.raises(ActRejected, match=f"the work of case {case} was called off: it is being replaced"):
        await correct(cases, case)


async def test_the_name_of_the_asset_is_that_of_the_crosswalk_now(plant: Plant, cases: CaseStore, case: str) -> None:
    await refuse(cases, case)
    with pytest.raises(ActRejected, match="has these values already"):
        await correct(cases, case, {CorrectedField.ASSET_NAME: "mapped"})
    view, _ = await cases.view(case)
    register, now = RegisterStore(plant.engine, plant.clock), plant.clock.now()
    there = {"siteid": "NASHUA"}
    name = Alias(system="cmms:maximo", external_id="11430", asset=view.asset.id, attributes=there, valid_from=now)
    await register.map_alias(name, "pat")
    await correct(cases, case, {CorrectedField.ASSET_NAME: "mapped"})
    sent = await intend(cases, case)
    assert (sent.asset_external_id, sent.asset_attributes) == ("11430", {"siteid": "NASHUA"})
    placed = theirs(view, "1224", START)
    ours = placed.model_copy(update={"ref": placed.ref.model_copy(update={"key": case})})
    [known] = await DriftStore(plant.engine, plant.clock).recorded("maximo", [ours])
    assert known.asset_name == "11430"
    assert (await verify(plant.engine, catalogue=plant.catalogue)).findings == ()


async def test_an_export_with_a_correction_verifies_alone_and_one_that_was_altered_does_not(
    plant: Plant, cases: CaseStore, case: str, tmp_path: Path
) -> None:
    await refuse(cases, case)
    await correct(cases, case)
    await export(plant.engine, tmp_path / "right")
    code, said = offline(tmp_path / "right")
    assert (code, said[0].partition(";")[0]) == (0, "verified: everything agrees")
    pack = await write_evidence(plant.engine, plant.catalogue, case, tmp_path / "pack", START, ZoneInfo("UTC"))
    assert "order-corrected" in pack.page.read_text()
    async with plant.engine.begin() as connection:
        await connection.execute(text("UPDATE work_orders SET corrections = NULL"))
    await export(plant.engine, tmp_path / "wrong")
    code, said = offline(tmp_path / "wrong")
    assert (code, "what people corrected of its draft is not as recorded" in said[0]) == (1, True)


async def test_the_column_is_not_taken_back_while_a_corrected_draft_waits(
    plant: Plant, cases: CaseStore, case: str, database_url: str
) -> None:
    await refuse(cases, case)
    await correct(cases, case)
    await plant.engine.dispose()
    with pytest.raises(CommandError, match=f"without what people corrected: {case}; have their orders placed first"):
        downgrade(database_url, "0040_attached_orders")
    # The later migrations were taken back before.
    upgrade(database_url)
    check(database_url)


@pytest.mark.parametrize(
    "said",
    [
        {"rejection": OrderRejection(reason="it was greased yesterday", by="PLANNER")},
        {"put_off_until": START + timedelta(days=3)},
    ],
    ids=["a reason", "a day"],
)
async def test_the_column_is_not_taken_back_while_an_order_has_what_planners_said_of_it(
    plant: Plant, cases: CaseStore, case: str, database_url: str, said: Mapping[str, object]
) -> None:
    draft = await intend(cases, case)
    placed = theirs((await cases.view(case))[0], "1224", START)
    ours = placed.model_copy(update={"ref": placed.ref.model_copy(update={"key": draft.key}), "codes": ()})
    await cases.record_order(case, ours, START)
    later = {"changed_at": START + timedelta(hours=1), "status": WorkOrderStatus.ON_HOLD}
    await cases.record_order(case, ours.model_copy(update={**later, **said}), START + timedelta(hours=1))
    # The order itself has it no more, and the record still has.
    gone = {"changed_at": START + timedelta(hours=2)}
    await cases.record_order(case, ours.model_copy(update=gone), START + timedelta(hours=2))
    await plant.engine.dispose()
    with pytest.raises(CommandError, match="orders with what planners said of them: 1224; restore a backup"):
        downgrade(database_url, "0041_maintenance_histories")
    upgrade(database_url)
    check(database_url)


async def test_the_column_is_taken_back_where_earlier_builds_can_read_all(
    plant: Plant, cases: CaseStore, case: str, database_url: str
) -> None:
    draft = await intend(cases, case)
    placed = theirs((await cases.view(case))[0], "1224", START)
    ours = placed.model_copy(update={"ref": placed.ref.model_copy(update={"key": draft.key}), "codes": ()})
    await cases.record_order(case, ours, START)
    await plant.engine.dispose()
    downgrade(database_url, "0041_maintenance_histories")
    upgrade(database_url)
    check(database_url)


@pytest.mark.parametrize(
    "alteration",
    [
        "UPDATE work_orders SET corrections = jsonb_set(corrections, '{0,changes,0,after}', '1')",
        "UPDATE work_orders SET corrections = jsonb_set(corrections, '{0,by}', '\"mallory\"')",
        "UPDATE work_orders SET corrections = NULL",
    ],
)
async def test_an_altered_correction_is_not_sent_and_is_found(
    plant: Plant, cases: CaseStore, case: str, alteration: str
) -> None:
    await refuse(cases, case)
    await correct(cases, case)
    async with plant.engine.begin() as connection:
        await connection.execute(text(alteration))
    with pytest.raises(ActionRequired, match="what people corrected of the draft is not as in the record"):
        await intend(cases, case)
    found = (await verify(plant.engine, catalogue=plant.catalogue)).findings
    assert "what people corrected of its draft is not as recorded" in {finding.what for finding in found}
