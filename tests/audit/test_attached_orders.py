"""The verifier makes again why an order of a person was the order of a case."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from millwright.audit.offline_attached_orders import attached_order_findings

CASE: Final = "MWAAAAAAAA"
CODED: Final = [{"role": "problem", "group": None, "code": "Bearing"}]
MODES: Final = {"BEARING": "PDE", "SEAL": "ELP"}


def record(number: str = "1224", key: str = "", status: str = "approved", codes: Any = None) -> dict[str, Any]:
    ref = {"system": "maximo", "kind": "order", "id": number, "locator": None, "key": key}
    return {"ref": ref, "status": status, "codes": CODED if codes is None else codes}


def act(kind: str, **detail: Any) -> dict[str, Any]:
    return {"kind": kind, "actor": "millwright", "at": "2015-01-05T00:00:00Z", "detail": detail}


def taken(modes: Mapping[str, str] = MODES, **more: Any) -> dict[str, Any]:
    at = "2015-01-05T00:00:00Z"
    return act("order-attached", record=record(**more), failure_modes=dict(modes), read_at=at)


def given_back(**more: Any) -> dict[str, Any]:
    return act("order-detached", record=record(**more), because="is over")


OFF: Final = act("case-called-off", reason="retired")
NO: Final = act("case-decided", approved=False, reason="no")
OWN: Final = act("order-placed", record=record("2000", CASE))

SOUND: Final = {
    "taken": [taken()],
    "read again": [taken(), act("order-changed", record=record(status="in_progress"))],
    "given back without a code": [taken(), given_back(codes=[])],
    "given back with another code": [taken(), given_back(codes=[{"role": "problem", "group": None, "code": "SEAL"}])],
    "given back at its end": [taken(), given_back(status="completed")],
    "given back by a case that was called off": [taken(), OFF, given_back()],
    "given back by a case that a person rejected": [taken(), NO, given_back()],
    "then an order of its own": [taken(), given_back(status="deleted"), OWN],
    "then another order of a person": [taken(), given_back(codes=[]), taken(number="1225")],
    "an order of its own": [OWN, act("order-changed", record=record("2000", CASE, "completed"))],
}

WRONG: Final = {
    "another failure": ([taken({"BEARING": "LOO"})], "its codes did not name PDE"),
    "no table": ([taken({})], "its codes did not name PDE"),
    "two failures": (
        [taken(codes=[*CODED, {"role": "problem", "group": None, "code": "SEAL"}])],
        "its codes did not name PDE",
    ),
    "a key of ours": ([taken(key="MWBBBBBBBB")], "has a key of ours"),
    "an order that was over": ([taken(status="completed")], "was completed then"),
    "beside an order of its own": ([OWN, taken()], "it had one already"),
    "beside another": ([taken(), taken(number="1225")], "it had one already"),
    "its own order beside it": ([taken(), OWN], "an order of its own and one of a person at the same time"),
    "given back with its code": ([taken(), given_back()], "with the code of its fault"),
    "given back after the case was supported again": (
        [taken(), OFF, act("case-supported"), given_back()],
        "with the code of its fault",
    ),
    "one that it did not have": ([given_back()], "was detached that it did not have"),
    "another one given back": ([taken(), given_back(number="1225", codes=[])], "was detached that it did not have"),
    "a reading of a person's order that it does not have": (
        [act("order-changed", record=record())],
        "an order of its own and one of a person",
    ),
}


def findings(acts: list[dict[str, Any]]) -> list[str]:
    case = {"id": CASE, "failure_mode": "PDE"}
    return [found.what for found in attached_order_findings(case, acts)]


@pytest.mark.parametrize("acts", SOUND.values(), ids=SOUND)
def test_what_the_steps_do_has_no_finding(acts: list[dict[str, Any]]) -> None:
    assert findings(acts) == []


@pytest.mark.parametrize(("acts", "words"), WRONG.values(), ids=WRONG)
def test_what_they_never_do_is_named(acts: list[dict[str, Any]], words: str) -> None:
    [found] = findings(acts)
    assert words in found


def test_rows_that_differ_from_the_acts_are_named() -> None:
    row = {
        "system": "maximo",
        "kind": "order",
        "external_id": "1224",
        "attachment": taken()["detail"],
        "attached_at": "2015-01-05T00:00:00Z",
        "detached_at": None,
        "because": None,
    }
    whole = {"id": CASE, "failure_mode": "PDE", "attached_orders": [row]}
    assert list(attached_order_findings(whole, [taken()])) == []
    for name, value in (("because", "it"), ("detached_at", "2015-01-06T00:00:00Z"), ("external_id", "1")):
        altered = {**whole, "attached_orders": [{**row, name: value}]}
        [found] = attached_order_findings(altered, [taken()])
        assert "are not as recorded" in found.what
    [lost] = attached_order_findings({**whole, "attached_orders": []}, [taken()])
    assert "are not as recorded" in lost.what
