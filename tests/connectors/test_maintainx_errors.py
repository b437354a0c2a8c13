"""What each refusal of MaintainX means, by the shapes of its contract."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.cmms import OrderQuery
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from tests.connectors.maintainx_answers import API_KEY, DRAFT, KEY, REF, MaintainXWire, connected

LIST = "GET /workorders"
NAMED = {"errors": [{"error": "must be shorter", "fieldPath": "title", "fieldValue": "x"}, {"error": "no"}]}
UNNAMED = {"errors": [{"error": "x-organization-id is required"}]}


@pytest.mark.parametrize(
    ("status", "body", "kind", "words", "field"),
    [
        (400, {"error": "limit must be between 1 and 200"}, Refused, "limit must be between 1 and 200", None),
        (400, UNNAMED, Refused, "x-organization-id is required", None),
        (400, NAMED, ActionRequired, "title: must be shorter; no", "title"),
        (400, {"errors": "another shape"}, Refused, "it does not accept the request", None),
        (401, None, ActionRequired, "it does not accept our credentials", None),
        (403, UNNAMED, ActionRequired, "our user may not do this", None),
        (403, NAMED, ActionRequired, "title: must be shorter", "title"),
        (404, {"error": "Not found"}, Refused, "Not found", None),
        (429, {"error": "Too many requests"}, Unavailable, "it asks us to slow down", None),
        (500, {"error": "Internal"}, Unavailable, "it failed inside", None),
        (503, None, Unavailable, "it failed inside", None),
    ],
)
async def test_a_refusal_is_of_its_kind_and_in_words(
    status: int, body: Any, kind: type[ConnectorError], words: str, field: str | None
) -> None:
    reply = httpx.Response(status) if body is None else httpx.Response(status, json=body)
    with pytest.raises(kind, match="maintainx find-work-orders") as caught:
        await connected(MaintainXWire({LIST: reply})).find_work_orders(OrderQuery(key=KEY))
    assert words in str(caught.value)
    assert caught.value.key == KEY
    assert getattr(caught.value, "field", None) == field


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X-Rate-Limit-Reset": "17", "X-Rate-Limit-Remaining": "0"}, timedelta(seconds=17)),
        ({"X-Rate-Limit-Reset": "0"}, timedelta()),
        ({"X-Rate-Limit-Reset": "0.5"}, timedelta(seconds=0.5)),
        ({"X-Rate-Limit-Reset": "1e300"}, timedelta(days=1)),
        ({"X-Rate-Limit-Reset": "inf"}, None),
        ({"X-Rate-Limit-Reset": "-3"}, None),
        ({"X-Rate-Limit-Reset": "soon"}, None),
        ({"Retry-After": "3"}, timedelta(seconds=3)),
        ({}, None),
    ],
    ids=str,
)
async def test_the_wait_is_the_number_of_seconds_that_are_left(headers: dict[str, str], wait: timedelta | None) -> None:
    reply = httpx.Response(429, headers=headers)
    with pytest.raises(Unavailable) as caught:
        await connected(MaintainXWire({LIST: reply})).check()
    assert caught.value.retry_after == wait


async def test_the_headers_of_other_answers_ask_for_no_wait() -> None:
    reply = httpx.Response(500, headers={"X-Rate-Limit-Reset": "17"})
    with pytest.raises(Unavailable) as caught:
        await connected(MaintainXWire({LIST: reply})).check()
    assert caught.value.retry_after is None


async def test_an_asset_that_is_not_there_needs_a_person() -> None:
    wire = MaintainXWire({"POST /workorders": httpx.Response(404, json={"error": "Asset not found"})})
    with pytest.raises(ActionRequired, match=r"does not know the asset 5.*Asset not found") as caught:
        await connected(wire).create_work_order(DRAFT)
    assert caught.value.field == "assetId"


async def test_a_secret_that_is_echoed_is_masked() -> None:
    wire = MaintainXWire({LIST: httpx.Response(400, json={"error": f"Bearer {API_KEY} is odd"})})
    with pytest.raises(Refused) as caught:
        await connected(wire).check()
    assert API_KEY not in f"{caught.value} {vars(caught.value)}"
    assert "Bearer [secret] is odd" in str(caught.value)


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_an_order_that_is_refused_is_refused_with_its_words(status: int) -> None:
    wire = MaintainXWire({"GET /workorders/107": httpx.Response(status, json={"error": "broken"})})
    with pytest.raises((Refused, ActionRequired, Unavailable), match="read-work-order"):
        await connected(wire).read_work_order(REF)
