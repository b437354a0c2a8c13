"""What the connector to Odoo Maintenance makes of recorded answers of a real Odoo 19.0 server.

`tests/contract/foreign/odoo_cmms_recordings.py` made them, and a test there compares them with that server.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.cmms.odoo import OdooCmms, OdooMaintenanceSettings, connect
from domain.cmms import OrderQuery
from domain.errors import ActionRequired
from domain.work_orders import Touched, WorkOrderDraft, WorkOrderRef, WorkOrderStatus
from tests.support.plant import TestClock
from tests.support.recorded_answers import RecordedAnswers

SCENES = json.loads((Path(__file__).parent / "odoo_cmms_recordings.json").read_text(encoding="utf-8"))
PLAYED_AT = datetime(2027, 1, 1, tzinfo=UTC)
DRAFT = WorkOrderDraft(
    key="MWABCDEFGH",
    asset="machine-1",
    asset_attributes={},
    asset_external_id="M001-COMP1",
    summary="Machine 1: voltage <high> & rising",
    paragraphs=("Look at the regulator.", "Evidence:\n190 V"),
    failure_mode="ELF",
    priority=2,
    released=False,
    reported_at=datetime(2026, 11, 29, 12, 0, tzinfo=UTC),
)
REF = WorkOrderRef(system="odoo", id="1", locator="1", key="MWABCDEFGH")


async def played(scene: str, act: Callable[[OdooCmms], Awaitable[Any]]) -> Any:
    """The result of an act in a scene, all of which was played."""
    recorded = RecordedAnswers(SCENES[scene])
    settings = {
        "url": "https://odoo.test",
        "database": "odoo",
        "api_key": "swordfish",
        "approved_stage": "Approved",
    }
    async with httpx.AsyncClient(transport=httpx.MockTransport(recorded)) as client:
        made = OdooMaintenanceSettings.model_validate(settings)
        done = await act(connect(made, client, system="odoo", clock=TestClock(PLAYED_AT)))
    assert recorded.is_over
    signed_in = {(headers.get("authorization"), headers.get("x-odoo-database")) for headers in recorded.headers}
    assert signed_in <= {("bearer swordfish", "odoo"), (None, None)}
    return done


def asked(scene: str, method: str) -> list[Any]:
    return [exchange["body"] for exchange in SCENES[scene] if exchange["ask"].endswith(f"/{method}")]


async def test_the_check_names_server_database_and_user() -> None:
    assert await played("check", lambda cmms: cmms.check()) == (
        "Odoo 19.0 at https://odoo.test answers with database odoo; signed in as cmms; "
        "0 maintenance requests of this user"
    )


async def test_an_order_is_created_once_in_the_first_stage_and_read_back() -> None:
    created = await played("create", lambda cmms: cmms.create_work_order(DRAFT))
    assert created.ref == REF
    assert (created.status, created.touched, created.priority) == (
        WorkOrderStatus.WAITING_APPROVAL, Touched.NO, 2
    )  # fmt: skip
    assert await played("create-again", lambda cmms: cmms.create_work_order(DRAFT)) == created
    assert (len(asked("create", "load")), asked("create-again", "load")) == (1, [])


async def test_a_note_is_added_once() -> None:
    for scene in ("note", "note-again"):
        await played(scene, lambda cmms: cmms.add_note(REF, "note-1", "Seen again."))
    assert (len(asked("note", "load")), asked("note-again", "load")) == (1, [])


async def test_a_release_moves_the_request_to_the_approved_stage_and_says_why() -> None:
    released = await played("release", lambda cmms: cmms.release_work_order(REF, "accepted by pat"))
    assert (released.status, released.vendor_status, released.touched) == (
        WorkOrderStatus.APPROVED, "Approved", Touched.NO
    )  # fmt: skip
    assert "accepted by pat" in json.dumps(asked("release", "load"))


async def test_completed_work_is_read_with_its_stage_and_the_words_of_the_technician() -> None:
    record = await played("read-completed", lambda cmms: cmms.read_work_order(REF))
    assert (record.status, record.touched) == (WorkOrderStatus.COMPLETED, Touched.YES)
    assert record.report.notes == ("Regulator burnt.",)
    assert record.report.disposition == "maintenance.stage_3"
    query = OrderQuery(asset_external_id="M001-COMP1")
    assert await played("find", lambda cmms: cmms.find_work_orders(query)) == (record,)
    page = await played("changes", lambda cmms: cmms.changed_since(None))
    assert (page.records, page.unreadable) == ((record,), ())


async def test_a_deleted_request_is_deleted_and_can_be_made_anew_and_withdrawn() -> None:
    deleted = await played("read-deleted", lambda cmms: cmms.read_work_order(REF))
    assert (deleted.status, deleted.changed_at) == (WorkOrderStatus.DELETED, PLAYED_AT)
    anew = await played("create-after", lambda cmms: cmms.create_work_order(DRAFT))
    assert anew.ref.id == "2"
    withdrawn = await played("withdraw", lambda cmms: cmms.withdraw_work_order(anew.ref, "revised"))
    assert (withdrawn.status, withdrawn.vendor_status) == (WorkOrderStatus.CANCELLED, "New Request, archived")


@pytest.mark.parametrize(
    ("scene", "act", "field", "words"),
    [
        ("wrong-key", lambda cmms: cmms.check(), None, "does not accept our credentials"),
        (
            "unknown-asset",
            lambda cmms: cmms.create_work_order(
                DRAFT.model_copy(update={"key": "MWNOASSET0", "asset_external_id": "NOSUCH"})
            ),
            "serial_no",
            "NOSUCH is not one equipment there",
        ),
    ],
    ids=["wrong-key", "unknown-asset"],
)
async def test_what_is_wrong_needs_a_person(
    scene: str, act: Callable[[OdooCmms], Awaitable[object]], field: str | None, words: str
) -> None:
    with pytest.raises(ActionRequired, match=words) as caught:
        await played(scene, act)
    assert caught.value.field == field
