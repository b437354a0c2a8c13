"""Questions to Odoo Maintenance beside those of our connector: what it refuses, what it makes of texts, and its faults
over XML-RPC. The answers of a real server are recorded; the sandbox's must be the same."""

import json
import re
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from tests.contract.odoo_people import ASSETS, IN_PROGRESS, REPAIRED, REQUESTS

FILE: Final = Path(__file__).parent / "odoo_answers.json"
Answered = dict[str, Any]
"""A question with its answer, as it is recorded."""

_CREATE_ONLY: Final = {"mode": "update", "noupdate": True}
_NOTE: Final = ["id", "model", "res_id", "message_type", "subtype_id/id", "body"]
_PEOPLES: Final = 1
"""The id of the first request, which a planner makes."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?")
_TEXTS: Final = (
    "<script>alert(1)</script>Hi",
    "plain text",
    "a & b < c > d",
    "line1\nline2",
    "  spaced  ",
    "",
    "<p></p>",
    "<p>a<br/>b</p>",
    "<p onclick='x()'>a</p>",
    "<p>x</p>\n<p>y</p>",
    "<p>a",
    "<p>a<b>c</p>d",
    "<p>a</p>tail",
    "<P CLASS=x>a</P>",
    "<b>a</b> text",
    "text <b>a</b>",
    "a<br>b",
    "<custom>z</custom>",
    "<!-- c -->x",
    "<iframe src='x'></iframe>y",
    "<style>p{}</style>y",
    "<form><input></form>",
    "<button>q</button>",
    "<ul><li>a<li>b</ul>",
    "<td>x</td>",
    "<html><body><p>q</p></body></html>",
    "<img src=x onerror=y>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='https://x.y/?a=1&b=2'>x</a>",
    "<p style='color:red'>q</p>",
    "<p>ä 轴 🔧 'q' \"w\" &quot;</p>",
    '<div class="o-x">\ufeffMillwright&nbsp;key: MW1<br></div>',
    "<p>a\0b</p>",
    "a\x01b",
    "<3",
)


def _load(fields: list[str], row: list[str], model: str = REQUESTS, **context: object) -> tuple[str, Any]:
    body: dict[str, object] = {"fields": fields, "data": [row]}
    return f"{model}/load", body | {"context": context or _CREATE_ONLY}


def _search(domain: object, fields: list[str], model: str = REQUESTS, **more: object) -> tuple[str, Any]:
    return f"{model}/search_read", {"domain": domain, "fields": fields, **more}


def _change(**values: object) -> tuple[str, Any]:
    return f"{REQUESTS}/write", {"ids": [_PEOPLES], "vals": values}


_SHOWN: Final = (f"{REQUESTS}/read", {"ids": [_PEOPLES], "fields": ["description"]})
_MESSAGES: Final = _search(
    [["model", "=", REQUESTS], ["res_id", "=", _PEOPLES]],
    ["body", "message_type", "create_uid"],
    "mail.message",
    order="id",
)
_FIRST: Final[list[tuple[str, str, Any]]] = [
    ("planner", f"{REQUESTS}/create", {"vals_list": [{"name": "It drips.", "equipment_id": 1}]}),
    ("cmms", *_load(["id", "name"], ["millwright.first", "x"])),
    ("cmms", *_load(["id", "name"], ["millwright.first", "not changed"])),
    ("cmms", *_search([["id", "=", 2]], ["name", "priority", "kanban_state", "maintenance_type", "owner_user_id"])),
    ("cmms", *_load(["id", "name"], ["millwright.first", "changed"], mode="init")),
    ("cmms", *_search([["id", "=", 2]], ["name", "user_id", "company_id", "close_date", "done", "request_date"])),
    ("cmms", f"{REQUESTS}/get_external_id", {"ids": [1, 2, 999]}),
    ("cmms", "ir.model.data/check_object_reference", {"module": "millwright", "xml_id": "first"}),
    ("operator", "ir.model.data/check_object_reference", {"module": "millwright", "xml_id": "first"}),
    ("cmms", f"{REQUESTS}/search", {"domain": []}),
    ("cmms", f"{REQUESTS}/search", {"domain": [["name", "ilike", "DRIPS"]]}),
    ("cmms", f"{REQUESTS}/search", {"domain": [["name", "like", "DRIPS"]]}),
    ("cmms", f"{REQUESTS}/search", {"domain": [["name", "=like", "It%s."]]}),
    ("cmms", f"{REQUESTS}/search", {"domain": [["name", "not ilike", "drips"]]}),
    ("cmms", f"{REQUESTS}/search", {"domain": [["name", "ilike", "_t d"]]}),
    ("cmms", f"{REQUESTS}/search", {"domain": [["name", "ilike", "\\_t d"]]}),
    ("cmms", f"{REQUESTS}/search", {"domain": ["!", ["equipment_id", "=", False]]}),
    ("cmms", f"{REQUESTS}/search", {"domain": [["equipment_id.serial_no", "=", ASSETS[0]]]}),
    ("cmms", f"{REQUESTS}/search", {"domain": ["|", ["id", "=", 1], ["id", "=", 2]], "order": "id asc", "limit": 1}),
    ("cmms", f"{REQUESTS}/search_count", {"domain": [["stage_id.done", "=", False], ["archive", "=", False]]}),
]
"""What is there afterwards. Only its ids are known: a refused creation uses one up, or does not."""
_REFUSED: Final[list[tuple[str, str, Any]]] = [
    ("cmms", f"{REQUESTS}/create", {"vals_list": [{"equipment_id": 1}]}),
    ("cmms", f"{REQUESTS}/create", {"vals_list": [{"name": "x", "priority": "9"}]}),
    ("cmms", f"{REQUESTS}/create", {"vals_list": [{"name": "x", "nosuch": "9"}]}),
    ("cmms", f"{REQUESTS}/create", {"vals_list": [{"name": "x", "equipment_id": 999}]}),
    ("cmms", *_search([], ["nosuch"])),
    ("cmms", *_search([["nosuch", "=", 1]], ["id"])),
    ("cmms", *_search([["id", "nosuch", 1]], ["id"])),
    ("cmms", *_search(["|", ["id", "=", 1]], ["id"])),
    ("cmms", *_search([["write_date", ">=", "nonsense"]], ["id"])),
    ("cmms", *_search([["id", "=", 1]], ["id"], order="nosuch")),
    ("cmms", *_search([["id", "=", 1]], ["id"], order="id sideways")),
    ("cmms", *_search([], ["id"], ids=[1])),
    ("cmms", f"{REQUESTS}/search_read", {"domain": [], "nosuch": 1}),
    ("cmms", f"{REQUESTS}/search_count", {}),
    ("cmms", f"{REQUESTS}/write", {"ids": [1]}),
    ("cmms", f"{REQUESTS}/write", {"ids": [999], "vals": {"name": "x"}}),
    ("cmms", *_change(stage_id=999)),
    ("cmms", *_change(nosuch=1)),
    ("cmms", *_change(name=False)),
    ("cmms", *_change(name="a\0b")),
    ("cmms", *_change(kanban_state="nosuch")),
    ("cmms", f"{REQUESTS}/read", {"ids": [999], "fields": ["name"]}),
    ("cmms", f"{REQUESTS}/read", {"ids": [999], "fields": ["id"]}),
    ("cmms", f"{REQUESTS}/nosuch", {}),
    ("cmms", f"{REQUESTS}/_write", {"ids": [1], "vals": {}}),
    ("cmms", "no.such/search", {}),
    ("cmms", "nosuch", {}),
    ("nobody", f"{REQUESTS}/search", {"domain": []}),
    ("cmms", *_load(["id", "name", "nosuch"], ["millwright.a", "x", "1"])),
    ("cmms", *_load(["id", "name"], ["millwright.a", ""])),
    ("cmms", *_load(["id", "priority"], ["millwright.a", "2"])),
    ("cmms", *_load(["id", "name", "priority"], ["millwright.a", "x", "9"])),
    ("cmms", *_load(["id", "name", "request_date"], ["millwright.a", "x", "nonsense"])),
    ("cmms", *_load(["id", "name", "equipment_id/.id"], ["millwright.a", "x", "999"])),
    ("cmms", *_load(["id", "name", "equipment_id/.id"], ["millwright.a", "x", "abc"])),
    ("cmms", *_load(["id", "name", "stage_id/.id"], ["millwright.a", "x", "999"])),
    ("cmms", *_load(["id", "name", "company_id/.id"], ["millwright.a", "x", "9"])),
    ("cmms", *_load(["name"], ["without an external id"])),
    ("cmms", *_load(_NOTE, ["millwright.n", REQUESTS, "999", "comment", "mail.mt_note", "x"], "mail.message")),
    ("cmms", *_load(_NOTE, ["millwright.n", REQUESTS, "1", "nosuch", "mail.mt_note", "x"], "mail.message")),
    ("cmms", *_load(_NOTE, ["millwright.n", REQUESTS, "1", "comment", "mail.nosuch", "x"], "mail.message")),
    ("cmms", "ir.model.data/search_read", {"domain": [], "fields": ["name"]}),
    ("cmms", "ir.model.data/check_object_reference", {"module": "millwright", "xml_id": "nosuch"}),
    ("cmms", "ir.config_parameter/get_param", {"key": "database.uuid"}),
    ("operator", *_search([], ["id"])),
    ("operator", *_search([], ["id"], "maintenance.equipment")),
    ("operator", *_MESSAGES),
    ("operator", f"{REQUESTS}/read", {"ids": [1], "fields": ["name"]}),
    ("operator", *_change(name="x")),
    ("operator", "maintenance.stage/write", {"ids": [1], "vals": {"name": "x"}}),
    ("planner", "maintenance.equipment/create", {"vals_list": [{"name": "twice", "serial_no": ASSETS[0]}]}),
    ("planner", "maintenance.equipment/unlink", {"ids": [1]}),
]
_CHANGES: Final[list[tuple[str, str, Any]]] = [
    ("planner", *_change(stage_id=IN_PROGRESS)),
    ("planner", *_change(kanban_state="blocked")),
    ("planner", *_change(name="renamed")),
    ("planner", *_change(priority="3")),
    ("planner", f"{REQUESTS}/message_post", {"ids": [1], "body": "plain <b>x</b>", "message_type": "comment"}),
    ("planner", *_change(stage_id=REPAIRED)),
    ("planner", f"{REQUESTS}/read", {"ids": [1], "fields": ["close_date", "kanban_state", "done", "stage_id"]}),
    ("planner", f"{REQUESTS}/reset_equipment_request", {"ids": [1]}),
    ("planner", f"{REQUESTS}/read", {"ids": [1], "fields": ["close_date", "archive", "done", "stage_id"]}),
    ("planner", f"{REQUESTS}/archive_equipment_request", {"ids": [1]}),
    ("cmms", *_search([["id", "=", 1]], ["name", "archive", "priority", "write_uid"])),
    ("cmms", *_MESSAGES),
    ("planner", "maintenance.equipment/write", {"ids": [2], "vals": {"active": False}}),
    ("cmms", *_search([], ["serial_no", "active"], "maintenance.equipment")),
    ("cmms", *_search([["active", "in", [True, False]]], ["serial_no", "active"], "maintenance.equipment", order="id")),
    ("planner", f"{REQUESTS}/unlink", {"ids": [1]}),
    ("planner", f"{REQUESTS}/unlink", {"ids": [1]}),
    ("cmms", *_MESSAGES),
]
_QUESTIONS: Final = [
    *_FIRST,
    *_REFUSED,
    *((("planner", *asked)) for text in _TEXTS for asked in (_change(description=text), _SHOWN)),
    *_CHANGES,
]


_USERS: Final = {"cmms": 8, "operator": 6}
_BY_XML_RPC: Final[list[tuple[str, str, str, list[Any], dict[str, Any]]]] = [
    ("cmms", "maintenance.stage", "search_read", [], {"domain": [], "fields": ["name", "done"]}),
    ("cmms", "maintenance.stage", "search_read", [[["id", "=", 1]], ["name"]], {}),
    ("cmms", "res.users", "context_get", [], {}),
    ("cmms", REQUESTS, "get_metadata", [[2]], {}),
    ("cmms", REQUESTS, "get_external_id", [[2]], {}),
    ("cmms", REQUESTS, "search_read", [], {"domain": [], "fields": ["nosuch"]}),
    ("cmms", REQUESTS, "search_count", [], {}),
    ("cmms", REQUESTS, "nosuch", [], {}),
    ("cmms", REQUESTS, "_write", [], {}),
    ("cmms", "no.such", "search", [], {}),
    ("cmms", REQUESTS, "create", [[{"priority": "2"}]], {}),
    ("cmms", REQUESTS, "create", [[{"name": "x", "priority": "9"}]], {}),
    ("cmms", REQUESTS, "write", [[999], {"name": "x"}], {}),
    ("cmms", REQUESTS, "archive_equipment_request", [[2]], {}),
    ("cmms", REQUESTS, "read", [[2], ["archive", "name"]], {}),
    ("cmms", REQUESTS, "load", [], {"fields": ["id", "name"], "data": [["millwright.b", ""]], "context": _CREATE_ONLY}),
    ("cmms", "ir.model.data", "check_object_reference", ["millwright", "nosuch"], {}),
    ("cmms", "ir.model.data", "check_object_reference", [], {"module": "millwright", "xml_id": "first"}),
    ("operator", REQUESTS, "write", [[2], {"name": "x"}], {}),
    ("nobody", REQUESTS, "search", [[]], {}),
]
"""Asked by `execute_kw` after all others: model, method, arguments, and arguments by name."""


async def asked(url: str, database: str, keys: Mapping[str, str]) -> list[Answered]:
    """Each question with its answer, on a database in which nothing was done yet. Times and new ids are masked."""
    async with httpx.AsyncClient(base_url=url) as client:
        answered = [await asked_by_json(client, database, keys, *question) for question in _QUESTIONS]
        return answered + [await _asked_by_xml_rpc(client, database, keys, *question) for question in _BY_XML_RPC]


async def asked_by_json(
    client: httpx.AsyncClient, database: str, keys: Mapping[str, str], person: str, path: str, body: Any
) -> Answered:
    """A question over the JSON-2 API with its answer."""
    headers = {"authorization": f"bearer {keys.get(person, 'wrong')}", "x-odoo-database": database}
    reply = await client.post(f"/json/2/{path}", headers=headers, json=body)
    kind = reply.headers["content-type"]
    answer = json.loads(_TIME.sub("<time>", reply.text)) if "json" in kind else "a page"
    if isinstance(answer, dict):
        answer.pop("debug", None)
    known = {"person": person, "ask": path, "body": body, "status": reply.status_code, "type": kind}
    return known | {"answer": _without_new_ids(path, answer)}


async def _asked_by_xml_rpc(
    client: httpx.AsyncClient,
    database: str,
    keys: Mapping[str, str],
    person: str,
    model: str,
    method: str,
    arguments: list[Any],
    named: dict[str, Any],
) -> Answered:
    """A question with its answer; of a stack trace only the last line."""
    user, key = _USERS.get(person, _USERS["cmms"]), keys.get(person, "wrong")
    content = xmlrpc.client.dumps((database, user, key, model, method, arguments, named), "execute_kw")
    reply = await client.post("/xmlrpc/2/object", content=content.encode())
    answer: Any
    try:
        (answer,), _ = xmlrpc.client.loads(reply.text)
    except xmlrpc.client.Fault as fault:
        words = str(fault.faultString)
        answer = [fault.faultCode, words.strip().splitlines()[-1] if words.startswith("Traceback") else words]
    known = {"person": person, "ask": f"{model}/{method} by XML-RPC", "body": [arguments, named]}
    told = {"status": reply.status_code, "type": reply.headers["content-type"]}
    return {**known, **told, "answer": json.loads(_TIME.sub("<time>", json.dumps(answer)))}


def recorded() -> list[Answered]:
    """The questions with the answers of a real server."""
    kept: list[Answered] = json.loads(FILE.read_text(encoding="utf-8"))
    return kept


def _without_new_ids(path: str, answer: Any) -> Any:
    """An answer without the ids of messages, which count those of the whole server."""
    if path == "mail.message/search_read" and isinstance(answer, list):
        return [{**row, "id": 0} for row in answer]
    return [0] if path.endswith("/message_post") and isinstance(answer, list) else answer
