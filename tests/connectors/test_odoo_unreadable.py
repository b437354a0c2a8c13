"""Records of Odoo that cannot be read: one of them hides no other, and none is taken for something that it is not."""

import json
from typing import Any

import httpx
import pytest

from connectors.json_reading import parsed_json
from connectors.mes.odoo_mrp import OdooMes, OdooSettings, connect
from connectors.mes.odoo_mrp.models import TimeLog, WorkOrder
from connectors.odoo.models import read_rows
from domain.errors import ActionRequired, Unavailable
from domain.production import JobState, PlaceResult
from tests.connectors import test_odoo_holds

SETTINGS = OdooSettings.model_validate({"url": "https://odoo.test", "database": "odoo", "api_key": "swordfish"})
CENTRE: dict[str, Any] = {
    "id": 7, "name": "Press", "active": True, "working_state": "done", "company_id": False,
    "resource_id": [7, "Press"], "resource_calendar_id": False,
}  # fmt: skip
TIMER: dict[str, Any] = {
    "id": 1, "workcenter_id": [7, "Press"], "workorder_id": [5, "WH/MO/00001 - Stamp"], "loss_type": "productive",
    "date_start": "2026-11-29 06:00:00", "date_end": False, "description": "Time Tracking",
}  # fmt: skip
ORDER: dict[str, Any] = {
    "id": 5, "state": "progress", "date_start": "2026-11-29 06:00:00",
    "date_finished": "2026-11-30 06:00:00", "production_id": [1, "WH/MO/00001"],
}  # fmt: skip
STOP: dict[str, Any] = {"id": 1, "date_from": "2199-01-01 00:00:00", "date_to": "2199-01-02 00:00:00"}
MODELS = {
    "mrp.workcenter": [CENTRE],
    "mrp.workcenter.productivity": [TIMER],
    "mrp.workorder": [ORDER],
    "resource.calendar.leaves": [STOP],
}


def mes(client: httpx.AsyncClient) -> OdooMes:
    return connect(SETTINGS, client, system="odoo")


def answering(model: str, rows: object) -> httpx.AsyncClient:
    """An Odoo whose answer for one model is odd."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.path.split("/")[3] if request.url.path.startswith("/json/2/") else ""
        if request.url.path.endswith("/search_read") and asked in MODELS:
            return httpx.Response(200, text=rows_text(rows if asked == model else MODELS[asked]))
        if request.url.path.endswith("/get_external_id"):
            return httpx.Response(200, json={"1": ""})
        return httpx.Response(403, json={"name": "odoo.exceptions.AccessError", "message": "no"})

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


def rows_text(rows: object) -> str:
    return rows if isinstance(rows, str) else json.dumps(rows)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", None), ("id", True), ("id", "7"), ("id", 0), ("id", 7.5), ("id", 10**30),
        ("state", False), ("state", 7), ("state", None),
    ],
)  # fmt: skip
async def test_a_work_order_without_id_or_state_needs_a_person(field: str, value: object) -> None:
    async with answering("mrp.workorder", [ORDER | {field: value}, ORDER | {"id": 6}]) as client:
        with pytest.raises(ActionRequired, match="cannot be read") as caught:
            await mes(client).read_production("EQ-7")
    assert caught.value.field == "mrp.workorder"


@pytest.mark.parametrize(
    "value", ["", "soon", "2026-13-45 99:99:99", "0001-01-01 00:00:00", "9999-12-31 23:59:59", 7, None, [], "x" * 10**6]
)
async def test_an_odd_date_is_left_out_and_told_as_a_doubt(value: object) -> None:
    async with answering("mrp.workorder", [ORDER | {"date_finished": value}]) as client:
        context = await mes(client).read_production("EQ-7")
    assert context.job is not None
    assert (context.job.state, context.job.ends_at) == (JobState.RUNNING, None)
    assert context.job.starts_at is not None
    assert context.doubt == "date_finished of work order 5 cannot be read"


@pytest.mark.parametrize(
    ("field", "value"),
    [("loss_type", False), ("date_end", "soon"), ("id", None), ("workorder_id", "5"), ("workorder_id", [5])],
)
async def test_a_time_log_that_cannot_be_read_may_be_a_timer_so_nothing_is_planned(field: str, value: object) -> None:
    async with answering("mrp.workcenter.productivity", [TIMER | {field: value}]) as client:
        with pytest.raises(ActionRequired) as caught:
            await mes(client).read_production("EQ-7")
    assert caught.value.field == "time_ids"


@pytest.mark.parametrize(("field", "value"), [("date_start", "soon"), ("description", ["x"])])
async def test_what_a_hold_does_not_need_of_a_time_log_may_be_odd(field: str, value: object) -> None:
    async with answering("mrp.workcenter.productivity", [TIMER | {field: value}]) as client:
        context = await mes(client).read_production("EQ-7")
    assert context.job is not None
    assert context.job.state is JobState.RUNNING


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 40])
async def test_a_number_that_is_none_makes_one_record_unreadable(number: str) -> None:
    odd = json.dumps([STOP, STOP | {"id": "here"}]).replace('"here"', number)
    async with answering("resource.calendar.leaves", odd) as client:
        context = await mes(client).read_production("EQ-7")
    assert context.next_stop_at is not None
    assert context.doubt is not None
    assert context.doubt.startswith("a planned stop: row 2 cannot be read: id ")


async def test_stops_that_this_version_asks_for_otherwise_hide_only_the_stops() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.path.split("/")[3]
        if asked == "resource.calendar.leaves":
            return httpx.Response(500, json={"name": "builtins.ValueError", "message": "Invalid field time_type"})
        return httpx.Response(200, json=MODELS[asked])

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        context = await mes(client).read_production("EQ-7")
    assert context.job is not None
    assert context.next_stop_at is None
    assert context.doubt is not None
    assert "Invalid field time_type" in context.doubt


async def test_a_work_centre_that_cannot_be_read_needs_a_person() -> None:
    async with answering("mrp.workcenter", [CENTRE | {"active": "yes"}]) as client:
        with pytest.raises(ActionRequired) as caught:
            await mes(client).read_production("EQ-7")
    assert caught.value.field == "mrp.workcenter"


def test_a_record_twice_is_one_and_with_two_contents_none() -> None:
    assert read_rows([ORDER, ORDER], WorkOrder).rows == read_rows([ORDER], WorkOrder).rows
    both = read_rows([ORDER, ORDER | {"state": "done"}, ORDER | {"id": 6}], WorkOrder)
    assert [row.id for row in both.rows] == [6]
    assert both.unreadable == ("record 5 came with two contents",)


def test_every_odd_row_is_set_aside_and_the_others_are_taken() -> None:
    odd = [None, 7, "x", [], {}, True, parsed_json(b'{"id": NaN}'), TIMER]
    found = read_rows(odd, TimeLog)
    assert [row.id for row in found.rows] == [1]
    assert len(found.unreadable) == len(odd) - 1


def test_text_that_postgresql_does_not_store_is_shown_as_such() -> None:
    (row,) = read_rows([TIMER | {"description": "a\x00b"}], TimeLog).rows
    assert row.description == "a\N{REPLACEMENT CHARACTER}b"


PLAN = test_odoo_holds.PLAN.model_copy(update={"target": None})
OURS = TIMER | {"id": 2, "workorder_id": False, "loss_type": "availability"}


class Blocking:
    """An Odoo that takes a hold, and whose further answers are given."""

    def __init__(self, load: httpx.Response, last: httpx.Response) -> None:
        self.closed: list[Any] = []
        self._load = load
        self._last = last
        self._loaded = self._stopped = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match request.url.path.split("/")[3:]:
            case []:
                return httpx.Response(200, json={"version": "19.0", "version_info": [19, 0]})
            case ["mrp.workcenter", _] if self._stopped:
                return self._last
            case ["mrp.workcenter", _]:
                return httpx.Response(200, json=[CENTRE])
            case ["mrp.workcenter.productivity", "load"]:
                self._loaded = True
                return self._load
            case ["mrp.workcenter.productivity", "button_block"]:
                self._stopped = True
                return httpx.Response(200, json=None)
            case ["mrp.workcenter.productivity", "search_read"]:
                return httpx.Response(200, json=[TIMER, *([OURS] if self._loaded else [])])
            case ["mrp.workcenter.productivity", "get_external_id"]:
                return httpx.Response(200, json={"1": "", "2": "millwright.hold_MWKEY_7"})
            case ["mrp.workcenter.productivity.loss", "search_read"]:
                return httpx.Response(200, json=[{"id": 2}])
            case ["mrp.workcenter.productivity.loss", _]:
                return httpx.Response(200, json={"2": "mrp.block_reason1"})
            case other:
                raise AssertionError(other)

    async def place(self) -> PlaceResult:
        async with httpx.AsyncClient(transport=httpx.MockTransport(self)) as client:
            return await mes(client).place_hold(PLAN, "reason")


TAKEN = httpx.Response(200, json={"ids": [2], "messages": [], "nextrow": 0})


@pytest.mark.parametrize(
    "last",
    [
        httpx.Response(200, json=[CENTRE]),
        httpx.Response(200, json=[CENTRE | {"active": "yes"}]),
        httpx.Response(200, json=[]),
        httpx.Response(200, content=b"nonsense"),
        httpx.Response(403, json={"name": "odoo.exceptions.AccessError", "message": "no"}),
    ],
)
async def test_a_hold_that_was_taken_and_is_not_read_as_held_is_accepted(last: httpx.Response) -> None:
    assert await Blocking(TAKEN, last).place() is PlaceResult.ACCEPTED


async def test_an_answer_of_load_that_cannot_be_read_is_a_lost_one() -> None:
    with pytest.raises(Unavailable, match="is looked up"):
        await Blocking(httpx.Response(200, content=b"[1, 2"), TAKEN).place()


async def test_a_hold_that_lost_a_race_is_asked_for_again() -> None:
    lost = {"ids": False, "messages": [{"type": "error", "message": "could not serialize access due to …"}]}
    with pytest.raises(Unavailable, match="somebody else is changing the same record"):
        await Blocking(httpx.Response(200, json=lost), TAKEN).place()
