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


def attached(modes: Mapping[str, str] = MODES, **more: Any) -> dict[str, Any]:
    at = "2015-01-05T00:00:00Z"
    return act("order-attached", record=record(**more), failure_modes=dict(modes), read_at=at)


def detached(**more: Any) -> dict[str, Any]:
    return act("order-detached", record=record(**more), because="is over")


OFF: Final = act("case-called-off", reason="retired")
NO: Final = act("case-decided", approved=False, reason="no")
OWN: Final = act("order-placed", record=record("2000", CASE))

SOUND: Final = {
    "attached": [attached()],
    "read again": [attached(), act("order-changed", record=record(status="in_progress"))],
    "detached without a code": [attached(), detached(codes=[])],
    "detached with another code": [attached(), detached(codes=[{"role": "problem", "group": None, "code": "SEAL"}])],
    "detached at its end": [attached(), detached(status="completed")],
    "detached by a case that was called off": [attached(), OFF, detached()],
    "detached by a case that a person rejected": [attached(), NO, detached()],
    "then an order of its own": [attached(), detached(status="deleted"), OWN],
    "then another order of a person": [attached(), detached(codes=[]), attached(number="1225")],
    "an order of its own": [OWN, act("order-changed", record=record("2000", CASE, "completed"))],
}

WRONG: Final = {
    "another failure": ([attached({"BEARING": "LOO"})], "its codes did not name PDE"),
    "no table": ([attached({})], "its codes did not name PDE"),
    "two failures": (
        [attached(codes=[*CODED, {"role": "problem", "group": None, "code": "SEAL"}])],
        "its codes did not name PDE",
    ),
    "a key of ours": ([attached(key="MWBBBBBBBB")], "has a key of ours"),
    "an order that was over": ([attached(status="completed")], "was completed then"),
    "beside an order of its own": ([OWN, attached()], "it had one already"),
    "beside another": ([attached(), attached(number="1225")], "it had one already"),
    "its own order beside it": ([attached(), OWN], "an order of its own and one of a person at the same time"),
    "detached with its code": ([attached(), detached()], "with the code of its fault"),
    "detached after the case was supported again": (
        [attached(), OFF, act("case-supported"), detached()],
        "with the code of its fault",
    ),
    "one that it did not have": ([detached()], "was detached that it did not have"),
    "another one detached": ([attached(), detached(number="1225", codes=[])], "was detached that it did not have"),
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
        "attachment": attached()["detail"],
        "attached_at": "2015-01-05T00:00:00Z",
        "detached_at": None,
        "because": None,
    }
    whole = {"id": CASE, "failure_mode": "PDE", "attached_orders": [row]}
    assert list(attached_order_findings(whole, [attached()])) == []
    for name, value in (("because", "it"), ("detached_at", "2015-01-06T00:00:00Z"), ("external_id", "1")):
        altered = {**whole, "attached_orders": [{**row, name: value}]}
        [found] = attached_order_findings(altered, [attached()])
        assert "are not as recorded" in found.what
    [lost] = attached_order_findings({**whole, "attached_orders": []}, [attached()])
    assert "are not as recorded" in lost.what
