"""Orders of MaintainX that are not found: a new one, and one that is followed."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest

from connectors.cmms.maintainx import MaintainXCmms, MaintainXSettings
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.work_orders import WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from tests.connectors.maintainx_answers import (
    DRAFT,
    GONE,
    REF,
    SETTINGS,
    MaintainXWire,
    connected,
    listed,
    order,
    page,
    single,
)

LIST, ONE = "GET /workorders", "GET /workorders/107"
CREATED = httpx.Response(200, json={"id": 107})


def bare(**changes: Any) -> dict[str, Any]:
    """An order without our external data."""
    return order(externalData=None, **changes)


async def test_a_new_order_that_comes_back_without_its_external_data_needs_a_person() -> None:
    """Its title has the key, so the next attempt finds it and creates no other."""
    wire = MaintainXWire({LIST: [page(), page(), page(listed())], "POST /workorders": CREATED, ONE: single(bare())})
    cmms = connected(wire)
    with pytest.raises(ActionRequired, match=r"order 107 was created, and .*does not have our key"):
        await cmms.create_work_order(DRAFT)
    with pytest.raises(ActionRequired, match="if it is a copy"):
        await cmms.create_work_order(DRAFT)
    assert len(wire.of("POST", "/workorders")) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (GONE, "our user may not see it"),
        (httpx.Response(403, json={"errors": [{"error": "not yours"}]}), "not yours"),
        (httpx.Response(400, json={"error": "odd"}), "odd"),
        (httpx.Response(200, json={"order": 1}), "workOrder"),
        (single(order(title=None)), "title"),
        (single(bare(title="Bearing")), "neither its title nor its external data has our key"),
    ],
    ids=["gone", "forbidden", "refused", "of another shape", "unreadable", "without any key"],
)
async def test_a_new_order_that_no_search_would_find_is_refused_so_that_no_attempt_creates_another(
    answer: httpx.Response, words: str
) -> None:
    """Refused waits for a person; anything else is tried again by itself, and would create an order each time."""
    wire = MaintainXWire({"POST /workorders": CREATED, ONE: answer})
    with pytest.raises(Refused, match=f"order 107 was created, and .*{words}"):
        await connected(wire).create_work_order(DRAFT)


READERS: Mapping[str, Callable[[MaintainXCmms, WorkOrderRef], Awaitable[WorkOrderRecord]]] = {
    "read": lambda cmms, ref: cmms.read_work_order(ref),
    "release": lambda cmms, ref: cmms.release_work_order(ref, "approved"),
    "withdraw": lambda cmms, ref: cmms.withdraw_work_order(ref, "revised"),
}


@pytest.mark.parametrize("call", READERS)
async def test_an_order_that_is_gone_where_others_are_shown_is_deleted(
    call: str,
) -> None:
    wire = MaintainXWire({ONE: GONE})
    record = await READERS[call](connected(wire), REF)
    assert (record.status, record.ref) == (WorkOrderStatus.DELETED, REF)
    assert [asked.url.params["limit"] for asked in wire.of("GET", "/workorders")] == ["1"]


@pytest.mark.parametrize("call", READERS)
@pytest.mark.parametrize(
    ("proof", "kind", "words"),
    [
        (httpx.Response(404, json={"error": "Not found"}), ActionRequired, "neither the order 7 nor a list of orders"),
        (httpx.Response(404), ActionRequired, "neither the order 7 nor a list of orders"),
        (httpx.Response(403, json={"errors": [{"error": "no access"}]}), ActionRequired, "no access"),
        (httpx.Response(401), ActionRequired, "credentials"),
        (httpx.Response(500, json={"error": "oops"}), Unavailable, "oops"),
        (httpx.Response(200, json={"pages": []}), Refused, "workOrders"),
    ],
    ids=["not found", "not found in no words", "forbidden", "refused", "down", "another system"],
)
async def test_an_order_is_not_taken_for_deleted_where_no_list_is_shown_either(
    call: str,
    proof: httpx.Response,
    kind: type[ConnectorError],
    words: str,
) -> None:
    with pytest.raises(kind, match=words) as caught:
        await READERS[call](connected(MaintainXWire({ONE: GONE, LIST: proof})), REF)
    assert getattr(caught.value, "field", None) == ("url" if "neither" in words else None)


def of_organization(name: str | None) -> MaintainXSettings:
    return MaintainXSettings.model_validate({**SETTINGS.model_dump(), "organization": name})


async def created_in(organization: str | None) -> WorkOrderRef:
    wire = MaintainXWire({"POST /workorders": CREATED, ONE: single()})
    return (await connected(wire, of_organization(organization)).create_work_order(DRAFT)).ref


@pytest.mark.parametrize("call", READERS)
@pytest.mark.parametrize("now", ["43", None])
async def test_an_order_that_another_organisation_does_not_have_is_not_taken_for_deleted(
    call: str, now: str | None
) -> None:
    ref = await created_in("42")
    cmms = connected(MaintainXWire({ONE: GONE}), of_organization(now))
    with pytest.raises(ActionRequired, match=r"7 is an order of the organisation 42, and .*looks deleted") as caught:
        await READERS[call](cmms, ref)
    assert caught.value.field == "organization"


@pytest.mark.parametrize("organization", ["42", None])
async def test_an_order_that_its_own_organisation_does_not_have_is_deleted(organization: str | None) -> None:
    ref = await created_in(organization)
    cmms = connected(MaintainXWire({ONE: GONE}), of_organization(organization))
    assert (await cmms.read_work_order(ref)).status is WorkOrderStatus.DELETED


@pytest.mark.parametrize(("then", "now"), [(None, "42"), ("42", None)], ids=str)
async def test_an_order_that_is_found_is_read_whichever_organisation_the_settings_named_at_its_creation(
    then: str | None, now: str | None
) -> None:
    ref = await created_in(then)
    record = await connected(MaintainXWire({ONE: single()}), of_organization(now)).read_work_order(ref)
    assert record.ref.same_record(ref)
