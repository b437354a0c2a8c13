"""The twin of a work order and its relationship from the asset, in the sandbox's twins."""

import pytest

from connectors.azure.digital_twins import AzureTwinGraph, DigitalTwinsSettings, connect
from domain.errors import Unavailable
from domain.twin_writes import ToldResult
from sandbox.faults import Fault, Faults
from sandbox.twins import TwinService
from tests.connectors.outcome_twins import (
    AT,
    CASE,
    COMPONENT,
    ORDER,
    ORDER_MODEL,
    ORDERS,
    PRESS,
    WORK,
    meanwhile,
    once,
    says,
)


@pytest.mark.parametrize("operation", ["put_twin", "put_relationship"])
async def test_an_order_twin_whose_answer_was_lost_is_found_and_not_made_twice(
    relating: AzureTwinGraph, twin_service: TwinService, twin_faults: Faults, operation: str
) -> None:
    # The client's transport sends a PUT again at once; the service refuses that by If-None-Match.
    twin_faults.add(Fault("twins", operation, "commit_then_drop", 1, {}))
    write = await relating.tell_outcome(COMPONENT, WORK)
    assert write.order is not None
    assert (write.order.twin, write.order.why) == (ORDER, None)
    assert [each["$relationshipId"] for each in twin_service.relationships(COMPONENT)].count(ORDER) == 1


async def test_the_order_gets_a_twin_that_is_related_to_the_asset_once(
    relating: AzureTwinGraph, twin_service: TwinService
) -> None:
    write, again = [await relating.tell_outcome(COMPONENT, WORK) for _ in range(2)]
    assert write.order is not None
    assert again.order is not None
    assert (write.order.twin, write.order.created, write.order.related) == (ORDER, True, True)
    assert (again.order.twin, again.order.created, again.order.related) == (ORDER, False, False)
    assert says(twin_service, ORDER) == {
        "number": "WO/17 a",
        "status": "completed",
        "caseId": CASE,
        "outcome": "confirmed",
        "endedAt": AT,
        "updatedBy": "millwright",
    }
    assert {each.name: each.why for each in write.order.properties if not each.taken} == {
        "system": "its model does not declare it"
    }
    related = [each for each in twin_service.relationships(COMPONENT) if each["$relationshipName"] == "maintainedBy"]
    assert [(each["$relationshipId"], each["$targetId"]) for each in related] == [(ORDER, ORDER)]


async def test_an_order_whose_outcome_became_known_later_is_corrected_in_place(
    relating: AzureTwinGraph, twin_service: TwinService
) -> None:
    unknown = WORK.model_copy(update={"order": {**WORK.order, "outcome": "unknown"}})
    await relating.tell_outcome(COMPONENT, unknown)
    write = await relating.tell_outcome(COMPONENT, WORK)
    assert says(twin_service, ORDER)["outcome"] == "confirmed"
    assert write.order is not None
    assert {each.name: each.result for each in write.order.properties}["outcome"] is ToldResult.WRITTEN


@pytest.mark.parametrize(
    ("orders", "twin", "why"),
    [
        (ORDERS, PRESS, "model dtmi:plant:Press;1 declares no relationship maintainedBy"),
        ({**ORDERS, "model": "dtmi:x:O;1"}, COMPONENT, "model dtmi:x:O;1 is not in the graph"),
        (
            {**ORDERS, "model": "dtmi:plant:Upkeep;1"},
            COMPONENT,
            (
                "the relationship maintainedBy of model dtmi:manufacturing:Component;2 leads to "
                "dtmi:manufacturing:WorkOrder;1, and not to dtmi:plant:Upkeep;1"
            ),
        ),
    ],
)
async def test_where_the_models_have_no_such_relationship_no_twin_is_made(
    twin_service: TwinService, orders: dict[str, str], twin: str, why: str
) -> None:
    settings = DigitalTwinsSettings.model_validate({"endpoint": twin_service.url, "work_orders": orders})
    async with connect(settings) as graph:
        write = await graph.tell_outcome(twin, WORK)
    assert write.order is not None
    assert (write.order.twin, write.order.why) == (None, why)
    assert twin_service.twin(ORDER) is None


async def test_an_order_twin_that_the_service_refuses_is_told_and_not_forced(
    relating: AzureTwinGraph, twin_service: TwinService
) -> None:
    twin_service._plane.decommission_model(ORDER_MODEL)  # the service has no such call in process
    write = await relating.tell_outcome(COMPONENT, WORK)
    assert write.order is not None
    assert write.told
    assert "ModelDecommissioned" in str(write.order.why)


async def test_a_twin_of_somebody_else_under_the_id_is_not_touched(
    relating: AzureTwinGraph, twin_service: TwinService
) -> None:
    twin_service.put_twin(ORDER, {"$metadata": {"$model": "dtmi:plant:Upkeep;1"}})
    before = twin_service.twin(ORDER)
    write = await relating.tell_outcome(COMPONENT, WORK)
    assert twin_service.twin(ORDER) == before
    assert write.order is not None
    assert write.order.why == f"twin {ORDER} is of model dtmi:plant:Upkeep;1, and not of {ORDER_MODEL}"


async def test_a_relationship_of_somebody_else_under_the_id_is_not_replaced(
    relating: AzureTwinGraph, twin_service: TwinService
) -> None:
    twin_service.put_relationship(COMPONENT, ORDER, "monitoredBy", "machine-001-volt")
    write = await relating.tell_outcome(COMPONENT, WORK)
    assert write.order is not None
    assert write.order.why == f"twin {COMPONENT} has another relationship with the id {ORDER}"


async def test_two_attempts_at_once_make_one_twin_and_one_relationship(twin_service: TwinService) -> None:
    def first() -> None:
        body = {"$metadata": {"$model": ORDER_MODEL}, "caseId": CASE}
        twin_service.put_twin(ORDER, body)
        twin_service.put_relationship(COMPONENT, ORDER, "maintainedBy", ORDER)

    settings = DigitalTwinsSettings.model_validate({"endpoint": twin_service.url, "work_orders": ORDERS})
    graph = meanwhile(settings, "upsert_digital_twin", once(first))
    async with graph:
        write = await graph.tell_outcome(COMPONENT, WORK)
    assert write.order is not None
    assert (write.order.created, write.order.related, write.order.why) == (False, False, None)
    assert says(twin_service, ORDER)["number"] == "WO/17 a"


async def test_an_order_twin_that_is_deleted_before_it_is_related_is_made_again_later(
    twin_service: TwinService,
) -> None:
    settings = DigitalTwinsSettings.model_validate({"endpoint": twin_service.url, "work_orders": ORDERS})
    graph = meanwhile(
        settings,
        "upsert_relationship",
        once(lambda: twin_service._plane.twins.delete(ORDER)),  # the service has no such call in process
    )
    async with graph:
        with pytest.raises(Unavailable, match=f"twin {ORDER} was deleted while we related it"):
            await graph.tell_outcome(COMPONENT, WORK)
        write = await graph.tell_outcome(COMPONENT, WORK)
    assert write.order is not None
    assert (write.order.created, write.order.related) == (True, True)
