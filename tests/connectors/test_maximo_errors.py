"""What Maximo's message codes mean, and how the connector says so."""

from typing import Any

import httpx
import pytest

from connectors.cmms.maximo import MaximoSettings, connect
from connectors.cmms.maximo.faults import MEANINGS, codes_of
from domain.clock import WallClock
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.work_orders import WorkOrderRef

SETTINGS = MaximoSettings.model_validate({"url": "https://eam.test/maximo/api", "api_key": "swordfish"})
REF = WorkOrderRef(
    system="maximo", id="1201", locator="https://eam.test/maximo/api/os/mxapiwodetail/_X", key="MWABCDEFGH"
)


def refusal(status: int, code: str, message: str = "said", attribute: str | None = None) -> httpx.Response:
    """An error reply in the shape of IBM's guide."""
    error: dict[str, Any] = {
        "reasonCode": code,
        "message": f"{code} - {message}",
        "statusCode": str(status),
        "extendedError": {"moreInfo": {"href": f"https://eam.test/maximo/oslc/error/messages/{code}"}},
    }
    if attribute:
        error |= {"errorattrname": attribute, "errorobjpath": "workorder", "errattrvalue": "x"}
    return httpx.Response(status, json={"Error": error})


async def failure_of(reply: httpx.Response) -> ConnectorError:
    def answer(request: httpx.Request) -> httpx.Response:
        if "jsonschemas" in request.url.path:
            return httpx.Response(200, json={"properties": {}})
        return reply

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(ConnectorError) as caught:
            await connect(SETTINGS, http, system="maximo", clock=WallClock()).read_work_order(REF)
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "attribute", "error"),
    [
        (401, "BMXAA0021E", None, ActionRequired),
        (400, "BMXAA0030E", None, ActionRequired),
        (400, "BMXAA0090E", "assetnum", ActionRequired),
        (400, "BMXAA1496E", None, Refused),
        (400, "BMXAA2661E", "location", ActionRequired),
        (400, "BMXAA4049E", "description", Refused),
        (400, "BMXAA4105E", None, Refused),
        (400, "BMXAA4129E", None, Refused),
        (400, "BMXAA4590E", None, ActionRequired),
        (400, "BMXAA4599E", None, Refused),
        (400, "BMXAA4638E", None, Refused),
        (400, "BMXAA4679E", None, Refused),
        (400, "BMXAA5401E", "failurecode", ActionRequired),
        (400, "BMXAA8744E", None, Refused),
        (403, "BMXAA9301E", None, ActionRequired),
        (400, "BMXZZ9999E", "glaccount", ActionRequired),
        (400, "BMXZZ9999E", None, Refused),
        (412, "BMXAA8229W", None, Unavailable),
        (500, "BMXAA4049E", "description", Refused),
    ],
)
async def test_a_code_means_one_of_the_three_errors(
    status: int, code: str, attribute: str | None, error: type[ConnectorError]
) -> None:
    failure = await failure_of(refusal(status, code, attribute=attribute))
    assert type(failure) is error
    assert code in str(failure)
    if isinstance(failure, ActionRequired):
        assert failure.field == attribute


def test_every_code_of_the_table_is_a_code() -> None:
    assert all(codes_of(code) == (code,) for code in MEANINGS)


async def test_a_mandatory_field_wrapped_in_a_status_error_is_what_counts() -> None:
    wrapped = refusal(
        400, "BMXAA4590E", "Cannot change status: BMXAA5401E - Failure Class is required.", attribute="failurecode"
    )
    failure = await failure_of(wrapped)
    assert isinstance(failure, ActionRequired)
    assert failure.field == "failurecode"
    assert "Failure Class is required" in str(failure)


@pytest.mark.parametrize(
    "body", ["", "nonsense", "[]", '{"Error": "text"}', '{"Error": {}}', '{"oslc:Error": {"reasonCode": "x"}}']
)
async def test_an_error_body_of_another_shape_leaves_the_status_to_speak(body: str) -> None:
    assert type(await failure_of(httpx.Response(400, text=body))) is Refused


async def test_the_key_of_the_effect_stands_in_the_error() -> None:
    failure = await failure_of(refusal(400, "BMXAA4049E"))
    assert (failure.system, failure.operation, failure.key) == ("maximo", "read-work-order", "MWABCDEFGH")
