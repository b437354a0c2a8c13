"""What the descriptions of UpKeep and Dynamics 365 put on the wire, as far as their contracts tell."""

from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from connectors.cmms.rest import RestSettings, mapping
from connectors.cmms.rest.client import RestClient
from connectors.cmms.rest.description import RestDescription
from connectors.cmms.rest.loading import RestDescriptionFile
from connectors.cmms.rest.reading import needed
from domain.errors import Refused
from tests.connectors.rest_answers import CALL, KEY, Recorder, client_of, draft, gitlab_settings, reply, sent


def of_shipped(name: str, **own: Any) -> tuple[RestSettings, RestDescription]:
    """Settings with a description that is not complete, which the settings themselves refuse."""
    file = RestDescriptionFile.model_validate(name)
    given = {"description": file, "token": None, "user": "bot@plant", "password": SecretStr("Quartz-Harbor"), **own}
    return RestSettings.model_construct(
        **{**gitlab_settings(values={"project": "1"}).__dict__, "values": {}, **given}
    ), file.description


async def created(client: RestClient, description: RestDescription) -> httpx.Response:
    """The answer to the request that creates an order, by itself."""
    values = {**mapping.draft_values(draft(summary="Voltage"), description, gitlab_settings().zone), "asset": None}
    return await client.send(CALL, needed(description.create).request, values)


async def test_a_work_order_of_upkeep_is_asked_for_as_its_contract_says() -> None:
    settings, description = of_shipped("upkeep", url="https://api.onupkeep.com/api/v2")
    session = reply({"success": True, "result": {"sessionToken": "s-1", "expiresAt": "x"}})
    wire = Recorder(session, reply({"success": True, "result": {}}))
    await created(client_of(wire, settings), description)
    sign_in, creation = wire.asked
    assert (str(sign_in.url), sent(sign_in)) == (
        "https://api.onupkeep.com/api/v2/auth",
        {"email": "bot@plant", "password": "Quartz-Harbor"},
    )
    assert (creation.method, creation.url.path) == ("POST", "/api/v2/work-orders")
    assert creation.headers["session-token"] == "s-1"
    told = sent(creation)
    assert (told["title"], told["priority"], told["asset"]) == (f"Voltage [{KEY}]", 2, "PUMP-1")
    assert told["description"].endswith(f"Millwright key: {KEY}")


async def test_a_refusal_of_upkeep_is_told_in_its_words() -> None:
    settings, description = of_shipped("upkeep")
    refusal = reply({"success": False, "message": "asset is unknown"}, 400)
    wire = Recorder(reply({"result": {"sessionToken": "s-1"}}), refusal)
    with pytest.raises(Refused, match="asset is unknown"):
        await created(client_of(wire, settings), description)


async def test_a_work_order_of_dynamics_365_is_asked_for_as_its_contract_says() -> None:
    values = {"service_account": "/accounts(1)", "work_order_type": "/types(2)", "price_list": "/lists(3)"}
    own = {"url": "https://plant.example", "token_url": "https://login.example/token", "values": values}
    settings, description = of_shipped("dynamics_365_field_service", **own)
    number = "00000000-0000-0000-0000-000000000007"
    address = f"https://plant.example/api/data/v9.2/msdyn_workorders({number})"
    wire = Recorder(reply({"access_token": "t-1"}), httpx.Response(204, headers={"OData-EntityId": address}))
    client = client_of(wire, settings)
    answer = await created(client, description)
    sign_in, creation = wire.asked
    assert sign_in.content == b"grant_type=client_credentials&client_id=bot%40plant&client_secret=Quartz-Harbor"
    assert (creation.headers["authorization"], creation.headers["odata-version"]) == ("Bearer t-1", "4.0")
    assert creation.url.path == "/api/data/v9.2/msdyn_workorders"
    assert sent(creation) == {
        "msdyn_serviceaccount@odata.bind": "/accounts(1)",
        "msdyn_workordertype@odata.bind": "/types(2)",
        "msdyn_pricelist@odata.bind": "/lists(3)",
        "msdyn_systemstatus": 690970000,
    }
    headers = {name.lower(): value for name, value in answer.headers.items()}
    known = client.known({"body": await client.body(CALL, answer), "headers": headers})
    assert needed(needed(description.create).locator).name_of(known) == number


async def test_the_next_page_of_odata_is_where_the_answer_says() -> None:
    _, description = of_shipped("dynamics_365_field_service")
    following = needed(description.answers.paging.next)
    assert following.text_of({"body": {"value": [], "@odata.nextLink": "https://plant.example/x?$skiptoken=2"}}) == (
        "https://plant.example/x?$skiptoken=2"
    )
    assert following.text_of({"body": {"value": []}}) is None
