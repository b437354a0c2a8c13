"""What the connector to Odoo Maintenance asks, and what it makes of answers that a real server gives rarely."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.cmms.odoo import OdooCmms, OdooMaintenanceSettings, connect
from domain.cmms import OrderQuery
from domain.errors import ActionRequired, Refused, Unavailable
from domain.work_orders import WorkOrderDraft, WorkOrderRef, WorkOrderStatus
from tests.support.plant import TestClock

KEY = "MWABCDEFGH"
NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
REQUEST: dict[str, Any] = {
    "id": 7, "name": "Voltage", "description": f"<p>Look.</p><p>Millwright key: {KEY}</p>",
    "stage_id": [1, "New Request"],
    "kanban_state": "normal", "archive": False, "priority": "2", "schedule_date": False,
    "equipment_id": [3, "M001/M001-COMP1"], "create_date": "2026-11-30 07:25:02", "create_uid": [8, "cmms"],
    "write_date": "2026-11-30 07:25:03", "write_uid": [8, "cmms"],
}  # fmt: skip
EQUIPMENT = {"id": 3, "serial_no": "M001-COMP1", "active": True, "company_id": [1, "My Company"]}
STAGES = [
    {"id": 1, "name": "New Request", "done": False},
    {"id": 2, "name": "In Progress", "done": False},
    {"id": 3, "name": "Repaired", "done": True},
    {"id": 4, "name": "Scrap", "done": True},
]
NO_REFERENCE = {
    "name": "builtins.ValueError",
    "message": f"External ID not found in the system: millwright.order_{KEY}",
}
LOST = {"ids": False, "messages": [{"type": "error", "message": "could not serialize access due to concurrent update"}]}

DRAFT = WorkOrderDraft(
    key=KEY,
    asset="machine-1",
    asset_attributes={},
    asset_external_id="M001-COMP1",
    summary="Voltage",
    paragraphs=("Look.",),
    failure_mode="ELF",
    priority=2,
    released=True,
    reported_at=NOW,
)
REF = WorkOrderRef(system="odoo", id="7", locator="7", key=KEY)
Answer = Any


class Site:
    """Answers by the model and the method. A list of answers is given one by one, and its last one from then on."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Answer] = {
            "/web/version": {"version": "19.0", "version_info": [19, 0, 0, "final", 0, ""]},
            "res.users/context_get": {"uid": 8},
            "res.users/search_read": [{"id": 8, "login": "cmms"}],
            "maintenance.stage/search_read": STAGES,
            "maintenance.stage/get_external_id": {
                "1": "maintenance.stage_0", "2": "maintenance.stage_1", "3": "maintenance.stage_3",
                "4": "maintenance.stage_4",
            },
            "maintenance.equipment/search_read": [EQUIPMENT],
            "maintenance.request/search_read": [REQUEST],
            "maintenance.request/get_external_id": {"7": f"millwright.order_{KEY}"},
            "maintenance.request/load": {"ids": [7], "messages": []},
            "mail.message/search_read": [],
        }  # fmt: skip

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/json/2/")
        self.asked.append((path, json.loads(request.content) if request.content else {}))
        answer = self.answers[path]
        if isinstance(answer, Turns):
            answer = answer.next()
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for asked, body in self.asked if asked == path]

    def cmms(self, **more: object) -> OdooCmms:
        base = {"url": "https://odoo.test", "database": "odoo", "api_key": "swordfish"}
        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        settings = OdooMaintenanceSettings.model_validate(base | more)
        return connect(settings, client, system="odoo", clock=TestClock(NOW))


class Turns:
    """Answers one after another; the last one stays."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = [*answers]

    def next(self) -> Answer:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def site(**more: Answer) -> Site:
    """A site with other answers: `request_search` for `maintenance.request/search_read`, and so on."""
    models = {"request": "maintenance.request", "equipment": "maintenance.equipment", "stage": "maintenance.stage",
              "message": "mail.message", "reference": "ir.model.data"}  # fmt: skip
    methods = {"search": "search_read", "ids": "get_external_id", "load": "load", "check": "check_object_reference"}
    made = Site()
    for name, answer in more.items():
        model, method = name.split("_")
        made.answers[f"{models[model]}/{methods[method]}"] = answer
    return made


async def test_the_check_is_one_line_with_server_database_and_user() -> None:
    made = site()
    made.answers["maintenance.request/search_count"] = 4
    assert await made.cmms().check() == (
        "Odoo 19.0 at https://odoo.test answers with database odoo; signed in as cmms; "
        "4 maintenance requests of this user"
    )


async def test_the_check_names_a_setting_that_names_no_stage() -> None:
    with pytest.raises(ActionRequired, match="no single stage 'Neu'") as caught:
        await site().cmms(new_stage="Neu").check()
    assert caught.value.field == "new_stage"


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        (
            {"maintenance.stage_33": "completed", "Repared": "completed", "maintenance.stage_4": "completed"},
            "it has no single stage 'maintenance.stage_33'; it has no single stage 'Repared'; a request there is never",
        ),
        ({"Repaired": "completed", "maintenance.stage_3": "completed"}, "the stage 'Repaired' is named twice"),
        ({"maintenance.stage_3": "in_progress"}, "'maintenance.stage_3' is in_progress by the settings, but its field"),
    ],
    ids=["missing", "named twice", "contradicted"],
)
async def test_the_check_names_each_stage_of_the_settings_that_means_nothing(
    stages: dict[str, str], words: str
) -> None:
    made = site()
    made.answers["maintenance.request/search_count"] = 4
    with pytest.raises(ActionRequired) as caught:
        await made.cmms(stages=stages).check()
    assert words in str(caught.value)
    assert caught.value.field == "stages"


async def test_an_order_is_looked_up_then_loaded_so_that_it_overwrites_nothing_then_read_back() -> None:
    made = site(request_search=Turns([], [REQUEST]))
    record = await made.cmms().create_work_order(DRAFT)
    assert (record.ref, record.status) == (REF, WorkOrderStatus.APPROVED)
    order = [path for path, _ in made.asked if path.startswith("maintenance.request/")]
    assert order[:3] == [
        "maintenance.request/search_read",
        "maintenance.request/load",
        "maintenance.request/search_read",
    ]
    (loaded,) = made.bodies("maintenance.request/load")
    assert loaded["context"] == {"mode": "update", "noupdate": True}
    assert dict(zip(loaded["fields"], loaded["data"][0], strict=True))["id"] == f"millwright.order_{KEY}"
    looked, read = made.bodies("maintenance.request/search_read")
    assert (looked["domain"], read["domain"]) == (
        [["description", "ilike", f"Millwright key: {KEY}"]],
        [["id", "=", 7]],
    )


async def test_an_order_that_is_there_is_not_loaded_again() -> None:
    made = site()
    assert (await made.cmms().create_work_order(DRAFT)).ref == REF
    assert made.bodies("maintenance.request/load") == []


async def test_the_loser_of_a_race_takes_the_request_of_the_winner() -> None:
    made = site(request_search=Turns([], [REQUEST]), request_load=LOST)
    assert (await made.cmms().create_work_order(DRAFT)).ref == REF
    assert len(made.bodies("maintenance.request/load")) == 1


async def test_a_creation_that_lost_to_another_order_of_the_asset_is_asked_for_again_later() -> None:
    with pytest.raises(Unavailable, match="somebody else is changing the same record") as caught:
        await site(request_search=[], request_load=LOST).cmms().create_work_order(DRAFT)
    assert caught.value.key == KEY


@pytest.mark.parametrize("answer", ["nonsense", {"ids": "7"}, [], {"ids": [-1]}])
async def test_an_answer_of_a_creation_that_cannot_be_read_is_looked_up_later(answer: Answer) -> None:
    with pytest.raises(Unavailable, match="whether the request was created is looked up"):
        await site(request_search=[], request_load=answer).cmms().create_work_order(DRAFT)


async def test_a_request_that_was_stored_and_is_not_shown_needs_a_person() -> None:
    with pytest.raises(ActionRequired, match="request 7 is stored but our user may not see it"):
        await site(request_search=[]).cmms().create_work_order(DRAFT)


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ({"equipment_search": []}, "serial_no", "M001-COMP1 is not one equipment there: no equipment has it"),
        ({"equipment_search": [EQUIPMENT, {**EQUIPMENT, "id": 4}]}, "serial_no", "has the serial number: 3, 4"),
        ({"equipment_search": [{**EQUIPMENT, "active": False}]}, "active", "is archived"),
        ({"equipment_search": [{**EQUIPMENT, "serial_no": "m001-comp1"}]}, "serial_no", "no equipment has it"),
        ({"equipment_search": [{**EQUIPMENT, "active": "yes"}]}, "serial_no", "record 3 cannot be read: active"),
        ({"stage_search": [{"id": 1, "name": "New", "done": 1}]}, "stage_id", "record 1 cannot be read: done"),
    ],
)
async def test_an_asset_that_is_not_one_equipment_needs_a_person(
    more: dict[str, Answer], field: str, words: str
) -> None:
    made = site(request_search=[], **more)
    with pytest.raises(ActionRequired, match=words) as caught:
        await made.cmms().create_work_order(DRAFT)
    assert caught.value.field == field
    assert made.bodies("maintenance.request/load") == []


async def test_an_order_with_our_key_on_another_asset_needs_a_person() -> None:
    made = site(equipment_search=[{**EQUIPMENT, "serial_no": "M009"}])
    with pytest.raises(ActionRequired, match="is for asset M009, not M001-COMP1"):
        await made.cmms().create_work_order(DRAFT)


async def test_a_request_without_an_external_id_of_ours_that_another_created_is_no_order_of_ours() -> None:
    copy = {**REQUEST, "id": 9, "create_uid": [9, "planner"]}
    made = site(request_search=Turns([copy], [REQUEST]), request_ids=Turns({"9": ""}, {"7": f"millwright.order_{KEY}"}))
    assert (await made.cmms().create_work_order(DRAFT)).ref == REF
    assert len(made.bodies("maintenance.request/load")) == 1


async def test_a_request_that_odoo_does_not_have_any_more_is_deleted_now() -> None:
    made = site(request_search=[], reference_check=httpx.Response(500, json=NO_REFERENCE))
    record = await made.cmms().read_work_order(REF)
    assert (record.status, record.changed_at, record.vendor_status) == (WorkOrderStatus.DELETED, NOW, "not found")


async def test_another_error_of_that_look_up_deletes_nothing() -> None:
    for problem, error in (("Uh-oh", Refused), ("External ID not found in the system: another.id", Refused)):
        body = {"name": "builtins.ValueError", "message": problem}
        with pytest.raises(error):
            await site(request_search=[], reference_check=httpx.Response(500, json=body)).cmms().read_work_order(REF)
    with pytest.raises(Unavailable):
        await site(request_search=[], reference_check=httpx.Response(500)).cmms().read_work_order(REF)


async def test_a_request_that_exists_and_is_hidden_from_us_needs_a_person() -> None:
    made = site(request_search=[], reference_check=["maintenance.request", False])
    with pytest.raises(ActionRequired, match="our user may not see"):
        await made.cmms().read_work_order(REF)


async def test_an_order_without_a_place_is_found_by_its_external_id() -> None:
    made = site(reference_check=["maintenance.request", 7])
    assert (await made.cmms().read_work_order(REF.model_copy(update={"locator": None}))).ref == REF


@pytest.mark.parametrize("external", ["", "millwright.order_MWZZZZZZZZ"])
async def test_a_request_that_is_not_proved_by_its_external_id_is_not_touched(external: str) -> None:
    acts: list[Callable[[OdooCmms], Any]] = [
        lambda cmms: cmms.read_work_order(REF),
        lambda cmms: cmms.release_work_order(REF, "x"),
        lambda cmms: cmms.withdraw_work_order(REF, "x"),
        lambda cmms: cmms.add_note(REF, "note-1", "x"),
    ]
    made = site(request_ids={"7": external})
    for act in acts:
        with pytest.raises(ActionRequired, match="external id"):
            await act(made.cmms())
    assert {path.partition("/")[2] for path, _ in made.asked} <= {"search_read", "get_external_id", "context_get"}


async def test_orders_of_an_asset_are_asked_for_by_serial_number_and_time_and_given_oldest_first() -> None:
    later = {**REQUEST, "id": 8, "create_date": "2026-11-30 07:30:00", "create_uid": [9, "planner"]}
    over = {**REQUEST, "id": 9, "stage_id": [3, "Repaired"]}
    made = site(request_search=[later, over, REQUEST], request_ids={"7": f"millwright.order_{KEY}", "8": "", "9": ""})
    query = OrderQuery(asset_external_id="M001-COMP1", since=NOW - timedelta(hours=1), open_only=True)
    found = await made.cmms().find_work_orders(query)
    assert [(record.ref.id, record.ref.key) for record in found] == [("7", KEY), ("8", "")]
    (asked,) = made.bodies("maintenance.request/search_read")
    assert asked["domain"] == [
        ["equipment_id.serial_no", "=", "M001-COMP1"], ["create_date", ">=", "2026-11-30 07:00:00"]
    ]  # fmt: skip


async def test_a_search_that_finds_too_many_needs_a_narrower_one() -> None:
    rows = [{**REQUEST, "id": number} for number in range(1, 501)]
    with pytest.raises(ActionRequired, match="500 requests or more match"):
        await site(request_search=rows).cmms().find_work_orders(OrderQuery(asset_external_id="M001-COMP1"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (OrderQuery(key=KEY), 1),
        (OrderQuery(key=KEY, asset_external_id="M001-COMP1", since=NOW - timedelta(hours=1)), 1),
        (OrderQuery(key=KEY, asset_external_id="M002"), 0),
        (OrderQuery(key=KEY, since=NOW), 0),
    ],
)
async def test_a_search_by_key_finds_the_order_that_also_matches_the_rest(query: OrderQuery, found: int) -> None:
    assert len(await site().cmms().find_work_orders(query)) == found


async def test_a_request_that_cannot_be_read_in_a_search_needs_a_person_who_is_told_which() -> None:
    made = site(request_search=[{**REQUEST, "write_date": "yesterday"}])
    with pytest.raises(ActionRequired, match="record 7 cannot be read: write_date is no date") as caught:
        await made.cmms().find_work_orders(OrderQuery(asset_external_id="M001-COMP1"))
    assert caught.value.field == "write_date"


async def test_a_note_that_is_there_is_not_added_again() -> None:
    note = {"id": 70, "res_id": 7, "body": "<p>[MW:note-1] x</p>", "message_type": "comment", "create_uid": [8, "cmms"]}
    made = site(message_search=[note], message_load={"ids": [71], "messages": []})
    cmms = made.cmms()
    made.answers["mail.message/get_external_id"] = {"70": ""}
    await cmms.add_note(REF, "note-1", "x")
    (loaded,) = made.bodies("mail.message/load")
    assert loaded["context"] == {"mode": "update", "noupdate": True}
    made.answers["mail.message/get_external_id"] = {"70": loaded["data"][0][0]}
    await cmms.add_note(REF, "note-1", "x")
    assert len(made.bodies("mail.message/load")) == 1


NOT_ADDED = httpx.Response(503)
STAGED = {"new_stage": "maintenance.stage_0", "approved_stage": "Approved"}
WITH_APPROVAL = [*STAGES, {"id": 5, "name": "Approved", "done": False}]


async def test_the_reason_of_a_withdrawal_is_written_before_the_request_is_archived() -> None:
    made = site(message_load=Turns(NOT_ADDED, {"ids": [71], "messages": []}))
    made.answers["maintenance.request/archive_equipment_request"] = True
    cmms = made.cmms()
    with pytest.raises(Unavailable):
        await cmms.withdraw_work_order(REF, "revised")
    assert made.bodies("maintenance.request/archive_equipment_request") == []
    made.answers["maintenance.request/search_read"] = Turns([REQUEST], [REQUEST], [{**REQUEST, "archive": True}])
    assert (await cmms.withdraw_work_order(REF, "revised")).status is WorkOrderStatus.CANCELLED
    paths = [path for path, _ in made.asked if path.endswith(("/load", "/archive_equipment_request"))]
    assert paths == ["mail.message/load", "mail.message/load", "maintenance.request/archive_equipment_request"]


async def test_the_reason_of_a_release_is_written_before_the_request_is_moved() -> None:
    made = site(stage_search=WITH_APPROVAL, message_load=Turns(NOT_ADDED, {"ids": [71], "messages": []}))
    made.answers["maintenance.request/write"] = True
    cmms = made.cmms(**STAGED)
    with pytest.raises(Unavailable):
        await cmms.release_work_order(REF, "accepted")
    assert made.bodies("maintenance.request/write") == []
    moved = {**REQUEST, "stage_id": [5, "Approved"]}
    made.answers["maintenance.request/search_read"] = Turns([REQUEST], [REQUEST], [moved])
    assert (await cmms.release_work_order(REF, "accepted")).status is WorkOrderStatus.APPROVED
    assert made.bodies("maintenance.request/write") == [{"ids": [7], "vals": {"stage_id": 5}}]


@pytest.mark.parametrize("act", ["release", "withdraw"])
async def test_a_request_that_is_begun_while_the_reason_is_written_stays_as_it_is(act: str) -> None:
    made = site(stage_search=WITH_APPROVAL, message_load={"ids": [71], "messages": []})
    begun = {**REQUEST, "stage_id": [2, "In Progress"], "write_uid": [9, "technician"]}
    made.answers["maintenance.request/search_read"] = Turns([REQUEST], [begun])
    cmms = made.cmms(**STAGED)
    asked = cmms.release_work_order(REF, "x") if act == "release" else cmms.withdraw_work_order(REF, "x")
    assert (await asked).status is WorkOrderStatus.IN_PROGRESS
    assert not [path for path, _ in made.asked if path.endswith(("/write", "/archive_equipment_request"))]


async def test_the_key_is_in_the_header_and_in_no_error() -> None:
    echo = httpx.Response(422, json={"name": "odoo.exceptions.UserError", "message": "bearer swordfish is odd"})
    with pytest.raises(ActionRequired) as caught:
        await site(request_search=echo).cmms().create_work_order(DRAFT)
    assert "swordfish" not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
