"""Questions to Odoo's manufacturing beside those of our connector: what blocks a work centre, what ends a block, and
what is refused to whom. The answers of a real server are recorded; the sandbox's must be the same."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from tests.contract.odoo_questions import Answered, asked_by_json

FILE: Final = Path(__file__).parent / "odoo_mrp_answers.json"

_CENTRES, _LOGS, _ORDERS = "mrp.workcenter", "mrp.workcenter.productivity", "mrp.workorder"
_PRODUCTIONS, _LEAVES, _LOSSES = "mrp.production", "resource.calendar.leaves", "mrp.workcenter.productivity.loss"
_FAILURE, _DEFECT, _REDUCED_SPEED = 2, 5, 4
Question = tuple[str, str, Any]


def _create(model: str, *rows: dict[str, object], by: str = "manager") -> Question:
    return (by, f"{model}/create", {"vals_list": [*rows]})


def _press(model: str, method: str, *ids: int, by: str = "operator") -> Question:
    """A person presses a button on records."""
    return (by, f"{model}/{method}", {"ids": [*ids]})


def _write(model: str, number: int, by: str = "operator", **values: object) -> Question:
    return (by, f"{model}/write", {"ids": [number], "vals": values})


def _load(fields: list[str], row: list[str], by: str = "millwright") -> Question:
    return (by, f"{_LOGS}/load", {"fields": fields, "data": [row]})


def _all(model: str, *fields: str, by: str = "millwright", domain: object = ()) -> Question:
    asked = {"domain": domain or [], "fields": [*fields]}
    return (by, f"{model}/search_read", asked)


_CENTRE: Final = _all(_CENTRES, "name", "code", "working_state", "resource_id", "resource_calendar_id", "company_id")
_OPEN: Final = _all(
    _LOGS, "workcenter_id", "workorder_id", "user_id", "loss_id", "loss_type", "description", "company_id",
    domain=[["date_end", "=", False]],
)  # fmt: skip
_WORK: Final = _all(_ORDERS, "name", "display_name", "state", "workcenter_id", "working_state", "working_user_ids")
_STATES: Final = (_CENTRE, _OPEN, _WORK)
_WHOLE_LOG: Final = ["id", "workcenter_id/.id", "loss_id/.id", "description"]

_MADE: Final[list[Question]] = [
    _create(_CENTRES, {"name": "Press 1", "code": "EQ-1"}),
    _create(_CENTRES, {"name": "Press 2", "code": "EQ-1", "active": False}),
    _create("product.product", {"name": "Part"}),
    _create(
        _PRODUCTIONS,
        {
            "product_id": 1,
            "product_qty": 10,
            "workorder_ids": [
                [0, 0, {"name": "Stamp", "workcenter_id": 1, "duration_expected": 60}],
                [0, 0, {"name": "Bend", "workcenter_id": 1, "duration_expected": 60}],
            ],
        },
    ),
    _WORK,
    _all(_PRODUCTIONS, "name", "product_id", "state", "lot_producing_ids"),
    _press(_PRODUCTIONS, "action_confirm", 1, by="manager"),
    _all(_PRODUCTIONS, "name", "product_id", "state", "workorder_ids"),
    _all(_LOSSES, "name", "loss_type", "sequence", "manual"),
    ("millwright", f"{_LOSSES}/get_external_id", {"ids": [1, 2, 3, 4, 5, 6, 7]}),
    *_STATES,
]
_BLOCKED: Final[list[Question]] = [
    _press(_CENTRES, "unblock", 1),
    _press(_ORDERS, "button_start", 1),
    _press(_ORDERS, "button_start", 1),
    *_STATES,
    _press(_ORDERS, "button_start", 1, by="manager"),
    _OPEN,
    _press(_ORDERS, "button_pending", 1, by="manager"),
    _create(_LOGS, {"workcenter_id": 1, "loss_id": _FAILURE, "description": "by hand"}, by="operator"),
    *_STATES,
    _press(_ORDERS, "button_start", 2),
    _press(_LOGS, "button_block", 3, 2),
    _press(_LOGS, "button_block", 3),
    *_STATES,
    _press(_ORDERS, "button_start", 1),
    _press(_LOGS, "button_block", 3),
    _press(_ORDERS, "action_mark_as_done", 1),
    _load(_WHOLE_LOG, ["millwright.hold_MW1_1", "1", str(_FAILURE), "ours"]),
    _load(_WHOLE_LOG, ["millwright.hold_MW1_1", "1", str(_FAILURE), "ours again"]),
    ("millwright", f"{_LOGS}/get_external_id", {"ids": [1, 2, 3, 4, 5]}),
    _OPEN,
    _write(_LOGS, 4, by="millwright", date_end="2026-11-29 10:00:00"),
    *_STATES,
    _press(_CENTRES, "unblock", 1),
    _press(_CENTRES, "unblock", 1),
    _press(_ORDERS, "button_unblock", 1),
    *_STATES,
    _create(_LOGS, {"workcenter_id": 1, "loss_id": _REDUCED_SPEED}, by="operator"),
    _CENTRE,
    _create(_LOGS, {"workcenter_id": 1, "loss_id": _DEFECT}, by="operator"),
    _CENTRE,
    _press(_ORDERS, "button_finish", 1),
    _press(_ORDERS, "button_start", 1),
    _press(_CENTRES, "unblock", 1),
    _press(_ORDERS, "button_start", 1),
    _press(_ORDERS, "button_finish", 1),
    *_STATES,
]
"""The logs are numbered as they are made: 1 and 2 are timers, 3 is a person's block, 4 is ours."""
_REFUSED: Final[list[Question]] = [
    _create(_LOGS, {"workcenter_id": 1}, by="operator"),
    _create(_LOGS, {"loss_id": _FAILURE}, by="operator"),
    _create(_LOGS, {"workcenter_id": 999, "loss_id": _FAILURE}, by="operator"),
    _create(_LOGS, {"workcenter_id": 1, "loss_id": 999}, by="operator"),
    _create(_LOGS, {"workcenter_id": 1, "loss_id": _FAILURE, "date_start": "nonsense"}, by="operator"),
    _create(_LOGS, {"workcenter_id": 1, "loss_id": _FAILURE, "nosuch": 1}, by="operator"),
    _load(_WHOLE_LOG, ["millwright.hold_MW2_1", "999", str(_FAILURE), "ours"]),
    _load(_WHOLE_LOG, ["millwright.hold_MW2_1", "1", "999", "ours"]),
    _load(_WHOLE_LOG, ["millwright.hold_MW2_1", "", str(_FAILURE), "ours"]),
    _load(_WHOLE_LOG, ["millwright.hold_MW2_1", "1", "", "ours"]),
    _load([*_WHOLE_LOG, "nosuch"], ["millwright.hold_MW2_1", "1", str(_FAILURE), "ours", "1"]),
    _load(_WHOLE_LOG, ["millwright.hold_MW2_1", "1", str(_FAILURE), "ours"], by="cmms"),
    _write(_LOGS, 999, date_end="2026-11-29 10:00:00"),
    _press(_LOGS, "button_block", 999),
    _press(_LOGS, "nosuch", 3),
    _press(_CENTRES, "unblock", 999),
    _press(_CENTRES, "unblock"),
    _press(_ORDERS, "button_start", 999),
    _press(_CENTRES, "unblock", 1, by="cmms"),
    _create(_CENTRES, {"name": "Press 3"}, by="operator"),
    _write(_CENTRES, 1, code="EQ-2"),
    _create(_LOSSES, {"name": "New"}, by="operator"),
    _all(_CENTRES, "code", by="cmms"),
    _all(_LOGS, "loss_type", by="cmms"),
    _all(_ORDERS, "state", by="cmms"),
    _all(_PRODUCTIONS, "state", by="cmms"),
    _all(_LOSSES, "name", by="cmms"),
    _all("stock.lot", "name", by="cmms"),
    _all("product.product", "name", by="cmms"),
    _all(_LEAVES, "name", by="cmms"),
    _all(_CENTRES, "nosuch"),
    _all(_CENTRES, "code", domain=[["nosuch", "=", 1]]),
    _all(_CENTRES, "code", domain=[["code", "=", "EQ-1"], ["active", "in", [True, False]]]),
    ("millwright", "ir.config_parameter/get_param", {"key": "database.uuid"}),
]
_LEFT: Final[list[Question]] = [
    _create(
        _LEAVES,
        {
            "name": "Overhaul",
            "resource_id": 1,
            "date_from": "2199-01-01 00:00:00",
            "date_to": "2199-01-02 00:00:00",
            "time_type": "leave",
        },
    ),
    _all(
        _LEAVES, "name", "resource_id", "calendar_id", "company_id", "time_type", domain=[["time_type", "=", "leave"]]
    ),
    _create(
        _LEAVES,
        {"name": "Backwards", "resource_id": 1, "date_from": "2199-01-02 00:00:00", "date_to": "2199-01-01 00:00:00"},
    ),
    _press(_LOGS, "unlink", 3),
    _press(_LOGS, "unlink", 3),
    _press(_CENTRES, "unlink", 1, by="manager"),
    _write("product.product", 1, by="manager", tracking="lot"),
    _create("stock.lot", {"name": "LOT-1", "product_id": 1}),
    _write(_PRODUCTIONS, 1, by="manager", lot_producing_ids=[[6, 0, [1]]]),
    _all(_PRODUCTIONS, "name", "lot_producing_ids"),
    _all("stock.lot", "name", "product_id"),
]
_QUESTIONS: Final = [*_MADE, *_BLOCKED, *_REFUSED, *_LEFT]


async def asked(url: str, database: str, keys: Mapping[str, str]) -> list[Answered]:
    """Each question with its answer, on a database in which nothing was done yet. Times are masked."""
    async with httpx.AsyncClient(base_url=url) as client:
        return [await asked_by_json(client, database, keys, *question) for question in _QUESTIONS]


def recorded() -> list[Answered]:
    """The questions with the answers of a real server."""
    kept: list[Answered] = json.loads(FILE.read_text(encoding="utf-8"))
    return kept
