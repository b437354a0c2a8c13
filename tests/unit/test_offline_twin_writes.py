"""The offline verifier compares what a twin was told with the acts, also of earlier builds."""

from typing import Any

import pytest

from millwright.audit.offline_cases import case_findings

Act = tuple[str, dict[str, Any]]

OUTCOME = {"outcome": "unknown", "cancelled": False, "found_at": "2015-01-15T06:00:00Z"}
WRITE: dict[str, Any] = {"twin": "m-1", "model": "dtmi:x:M;1", "etag": "e", "properties": [], "order": None}
GONE: dict[str, Any] = {"twin": "m-1", "model": None, "etag": None, "properties": [], "order": None}
TOLD: Act = ("twin-told", {"etag": "e", "told": WRITE})
TOLD_BY_AN_EARLIER_BUILD: Act = ("twin-told", {"etag": "e"})
NOT_TOLD: Act = ("twin-not-told", {"told": GONE})
RECLASSIFIED: Act = ("outcome-reclassified", {"outcome": {**OUTCOME, "outcome": "confirmed"}})


def findings(told: tuple[Act, ...], **row: object) -> list[str]:
    """What is found of the outcome of a case with these acts on its twin, whose row says this."""
    opened = {"asset": "a", "failure_mode": "f", "event": ["s", "1"], "rung": "inspect"}
    acts: list[Act] = [("case-opened", opened), ("outcome-found", {"outcome": OUTCOME}), *told]
    body = [detail["outcome"] for kind, detail in acts if kind.startswith("outcome-")][-1]
    case = {
        **opened,
        "id": "MWAAAAAAAA",
        "closed_as": None,
        "decision": None,
        "order": None,
        "attached_orders": [],
        "outcome": {**body, "body": body},
        "labels": [],
        "twin_etag": None,
        **row,
    }
    said = [{"kind": kind, "at": "2015-01-15T06:00:00Z", "actor": "millwright", "detail": d} for kind, d in acts]
    return [finding.what for finding in case_findings(case, said)]


@pytest.mark.parametrize(
    ("told", "row"),
    [
        ((), {"twin_write": None}),
        ((TOLD,), {"twin_etag": "e", "twin_write": WRITE}),
        ((NOT_TOLD,), {"twin_write": GONE}),
        # A pack of an earlier build, and its record in this one.
        ((TOLD_BY_AN_EARLIER_BUILD,), {"twin_etag": "e"}),
        ((TOLD_BY_AN_EARLIER_BUILD,), {"twin_etag": "e", "twin_write": None}),
        ((TOLD, RECLASSIFIED), {"twin_write": None}),
        ((TOLD, RECLASSIFIED, TOLD), {"twin_etag": "e", "twin_write": WRITE}),
    ],
)
def test_what_a_twin_was_told_agrees_with_the_acts_since_the_outcome(
    told: tuple[Act, ...], row: dict[str, object]
) -> None:
    assert findings(told, **row) == []


@pytest.mark.parametrize(
    ("told", "row"),
    [
        ((TOLD,), {"twin_etag": "e", "twin_write": GONE}),
        ((TOLD,), {"twin_etag": "e", "twin_write": None}),
        ((TOLD,), {"twin_etag": "f", "twin_write": WRITE}),
        ((NOT_TOLD,), {"twin_etag": "e", "twin_write": GONE}),
        ((), {"twin_write": GONE}),
        ((TOLD_BY_AN_EARLIER_BUILD,), {"twin_etag": "e", "twin_write": WRITE}),
        ((TOLD, RECLASSIFIED), {"twin_write": WRITE}),
    ],
)
def test_a_write_that_is_not_in_the_acts_is_named(told: tuple[Act, ...], row: dict[str, object]) -> None:
    assert findings(told, **row) == ["what the twin was told is not as recorded"]
