"""Questions to FactorySemantics MES beside those of our connector: what becomes of work orders, who may do what, and
what is refused. The answers of a real server are recorded; the sandbox's must be the same."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

FILE: Final = Path(__file__).parent / "factorysemantics_answers.json"
EQUIPMENT: Final = "QUESTION-1"
OTHER: Final = "QUESTION-2"
Answered = dict[str, Any]
"""A question with its answer, as it is recorded."""
Question = tuple[str, str, str, Any]

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?)?")
PEOPLE: Final = ("ADMIN", "FLOOR-SUP", "SCOTT", "MILLWRIGHT")
_ADMIN, _LEAD, _OPERATOR, _OURS = PEOPLE
_A, _B, _C = (f"WO-{EQUIPMENT}-{letter}" for letter in "ABC")


def _make(equipment: str) -> list[Question]:
    part = f"PART-{equipment}"
    operation = {"seq": 10, "name": "Press", "equipment": equipment}
    machine = {"code": equipment, "name": f"Press {equipment}", "level": "work_unit", "ideal_cycle_seconds": 1.0}
    route = {"code": f"ROUTE-{equipment}", "name": "Press", "material": part, "operations": [operation]}
    return [
        (_ADMIN, "POST", "/masterdata/equipment", machine),
        (_ADMIN, "POST", "/masterdata/materials", {"code": part, "name": "Part", "type": "finished"}),
        (_ADMIN, "POST", "/masterdata/routings", route),
    ]


def _order(code: str, person: str = _ADMIN, **more: object) -> Question:
    return (person, "POST", "/workorders", {"code": code, "material": f"PART-{EQUIPMENT}", "quantity": 100, **more})


def _do(person: str, code: str, act: str, **body: object) -> Question:
    return (person, "POST", f"/workorders/{code}/{act}", body)


def _see(path: str, person: str = _OURS) -> Question:
    return (person, "GET", path, None)


_HEAD: Final = _see(f"/equipment/{EQUIPMENT}")
_DISPATCH: Final = _see(f"/workorders/dispatch?equipment={EQUIPMENT}")
_TRAIL: Final = _see(f"/audit?entity_type=workorder&entity_id={_A}&limit=50")
_HELD: Final = _see("/workorders?status=on_hold&offset=0")

_QUESTIONS: Final[list[Question]] = [
    *_make(EQUIPMENT),
    *_make(OTHER),
    _order(_A),
    _order(_A),
    _order(_B, priority=10),
    _order(_C, quantity=0),
    _order(_C, material="NOSUCH"),
    _order(_C, person=_OPERATOR),
    _order(_C, person=_OURS),
    _HEAD,
    _DISPATCH,
    _do(_OURS, _A, "hold", reason="planned is not held"),
    _do(_OPERATOR, _A, "operations/10/start"),
    _do(_OPERATOR, _A, "release"),
    _do(_LEAD, _A, "release"),
    _do(_LEAD, _A, "release"),
    _DISPATCH,
    _do(_OURS, _A, "hold", reason="  released \n is held  "),
    _do(_OURS, _A, "hold", reason="twice"),
    _do(_OPERATOR, _A, "operations/10/start"),
    _HELD,
    _do(_OURS, _A, "resume"),
    _do(_OURS, _A, "resume"),
    _do(_OPERATOR, _A, "operations/20/start"),
    _do(_OPERATOR, _A, "operations/10/start"),
    _do(_OPERATOR, _A, "operations/10/start"),
    _do(_OURS, _A, "operations/10/start"),
    _see(f"/workorders/{_A}"),
    _HEAD,
    (_OPERATOR, "POST", "/execution/report", {"order": _A, "seq": 10, "good": 7, "scrap": 1}),
    _do(_OURS, _A, "hold", reason=""),
    _do(_OURS, _A, "hold"),
    _do(_OURS, _A, "hold", reason=5),
    _do(_OPERATOR, _A, "hold", reason="an operator may not"),
    _do(_OURS, "NOSUCH", "hold", reason="x"),
    _do(_OURS, "NOSUCH", "resume"),
    _do(_OURS, _A, "hold", reason="running is held"),
    (_OPERATOR, "POST", "/execution/report", {"order": _A, "seq": 10, "good": 1, "scrap": 0}),
    _do(_OPERATOR, _A, "operations/10/complete"),
    _DISPATCH,
    _HEAD,
    _do(_LEAD, _A, "resume"),
    _do(_LEAD, _A, "cancel"),
    _do(_LEAD, _B, "release"),
    _DISPATCH,
    _HEAD,
    _do(_LEAD, _B, "hold", reason="Millwright hold MW1: not ours"),
    _do(_LEAD, _A, "hold", reason="a"),
    _HELD,
    _see("/workorders?status=on_hold&offset=1"),
    _see("/workorders?status=on_hold&limit=1"),
    _see("/workorders?status=nosuch"),
    _see("/workorders?status=on_hold&limit=9999"),
    _TRAIL,
    _see(f"/audit?entity_type=workorder&entity_id={_A}&limit=2"),
    _see(f"/audit?entity_type=workorder&entity_id={_A}&limit=1000&actor=MILLWRIGHT"),
    _see(f"/audit?entity_type=workorder&entity_id={_A}", _OPERATOR),
    _see("/audit?entity_type=workorder&entity_id=NOSUCH"),
    _do(_LEAD, _B, "cancel"),
    _do(_LEAD, _B, "resume"),
    _do(_LEAD, _A, "resume"),
    _do(_OPERATOR, _A, "operations/10/complete"),
    _do(_OURS, _A, "hold", reason="it is completed"),
    _do(_LEAD, _A, "close"),
    _see(f"/workorders/{_A}"),
    _see("/workorders/NOSUCH"),
    _DISPATCH,
    _see("/workorders/dispatch?equipment=NOSUCH"),
    _see("/equipment/NOSUCH"),
    _see("/equipment/NOSUCH/oee"),
    _see(f"/scheduling/board?equipment={EQUIPMENT}&hours=744"),
    _see("/scheduling/board?equipment=NOSUCH&hours=744"),
    (_OPERATOR, "POST", f"/equipment/{EQUIPMENT}/state", {"state": "running"}),
    (_OPERATOR, "POST", f"/equipment/{EQUIPMENT}/state", {"state": "nosuch"}),
    (_OURS, "POST", f"/equipment/{EQUIPMENT}/state", {"state": "idle"}),
    _HEAD,
    (_ADMIN, "POST", "/masterdata/equipment", {"code": EQUIPMENT, "name": "again", "level": "work_unit"}),
    (_OPERATOR, "POST", "/masterdata/equipment", {"code": "QUESTION-3", "name": "no", "level": "work_unit"}),
    (_ADMIN, "POST", "/masterdata/equipment", {"code": "QUESTION-LINE", "name": "Line", "level": "work_center"}),
    (
        _ADMIN,
        "POST",
        "/masterdata/equipment",
        {"code": "QUESTION-4", "name": "Press", "level": "work_unit", "parent": "QUESTION-LINE"},
    ),
    _see("/equipment/QUESTION-4"),
    _see("/equipment/QUESTION-LINE"),
    ("nobody", "GET", "/auth/me", None),
    ("nobody", "GET", "/workorders/dispatch", None),
    ("nobody", "POST", f"/workorders/{_A}/resume", {}),
    _see("/auth/me"),
    _see("/auth/me", _OPERATOR),
    ("nobody", "POST", "/auth/login", {"code": "MILLWRIGHT", "password": "wrong"}),
    ("nobody", "POST", "/auth/login", {"code": "NOSUCH", "password": "wrong"}),
    ("nobody", "POST", "/auth/login", {"code": "MILLWRIGHT"}),
    _see("/nosuch"),
    (_OURS, "POST", "/workorders/dispatch", {}),
]


async def asked(url: str, tokens: Mapping[str, str]) -> list[Answered]:
    """Each question with its answer, at machines of their own. An answer to a change is passed on once it is committed.

    Args:
        tokens: of the persons who ask. `nobody` has none.
    """
    answered: list[Answered] = []
    async with httpx.AsyncClient(base_url=url, timeout=30.0) as client:
        for person, method, path, body in _QUESTIONS:
            headers = {"authorization": f"Bearer {tokens[person]}"} if person in tokens else {}
            reply = await client.request(method, path, headers=headers, json=body)
            if method == "POST":
                ours = {"authorization": f"Bearer {tokens[_OURS]}"}
                await client.post("/workorders/NOSUCH/resume", headers=ours)
            answer = _kept(path, json.loads(_TIME.sub("<time>", reply.text)))
            known = {"person": person, "ask": f"{method} {path}", "body": body, "status": reply.status_code}
            answered.append({**known, "answer": answer})
    return answered


def recorded() -> list[Answered]:
    """The questions with the answers of a real server."""
    kept: list[Answered] = json.loads(FILE.read_text(encoding="utf-8"))
    return kept


def _kept(path: str, answer: Any) -> Any:
    """An answer without what is of others, or of the hour."""
    if path.startswith("/audit") and isinstance(answer, list):
        return [{**row, "shift_code": None, "shift_day": None} for row in answer]
    if path.startswith("/workorders?") and "items" in answer:
        own = [order for order in answer["items"] if EQUIPMENT in order["code"]]
        return {**answer, "items": own}
    if path == "/auth/me" and isinstance(answer, dict) and answer.get("role") == "operator":
        return {**answer, "capabilities": []}
    return answer
