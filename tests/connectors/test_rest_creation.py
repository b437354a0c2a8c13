"""An order is created once: looked up before, read back after, and never made again where that cannot be shown."""

from collections.abc import Mapping

import httpx
import pytest

from domain.errors import ActionRequired, Refused
from domain.work_orders import Touched
from tests.connectors.rest_answers import (
    GITLAB,
    KEY,
    REF,
    SMALL,
    Recorder,
    acme,
    connected,
    draft,
    gitlab_settings,
    order,
    reply,
    sent,
    settings_of,
)

CREATED: Mapping[str, str] = {"Location": "/orders/a1"}
"""What an answer to a creation says of the new order."""


async def test_a_field_that_is_null_is_left_out_and_lists_and_words_are_sent_as_written() -> None:
    made = order()
    wire = Recorder(
        reply({"rows": []}),
        reply({}, 201, {"Location": "/orders/a1"}),
        reply({"rows": [made]}),
        reply({"name": "bot"}),
        reply({"rows": []}),
    )
    record = await connected(wire).create_work_order(draft(due_at=None, summary="Voltage"))
    assert sent(wire.asked[1]) == {"key": KEY, "title": "Voltage", "tags": ["millwright", "high"]}
    assert (record.ref, record.touched) == (REF, Touched.NO)


def made_and_not_found(*after: httpx.Response, headers: Mapping[str, str] = CREATED) -> Recorder:
    """What answers a creation after which the search does not show the order."""
    return Recorder(reply({"rows": []}), reply({}, 201, headers), reply({"rows": []}), *after)


async def test_an_order_that_the_search_does_not_show_yet_is_read_where_the_creation_says() -> None:
    wire = made_and_not_found(reply(order()), reply({"name": "bot"}), reply({"rows": []}))
    assert (await connected(wire).create_work_order(draft())).ref == REF
    assert [request.url.path for request in wire.asked[3:4]] == ["/api/orders/a1"]


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ((reply({}, 404), reply({"name": "bot"})), "it is gone"),
        ((reply({}, 404), reply({}, 404)), "our user may not see it"),
        ((reply({}, 403),), "HTTP 403"),
        ((reply({}, 503),), "HTTP 503"),
        ((reply(order(key=None)),), "it does not have this key"),
        ((reply(order(key="MWBBBBBBBB")),), "it does not have this key"),
        ((reply(order(changed="soon")),), "order.changed_at"),
        ((reply(order(id="b2")),), "answers with the order b2"),
        ((reply(order()), reply({"name": "bot"}), reply({}, 503)), "HTTP 503"),
    ],
    ids=["gone", "hidden", "forbidden", "unavailable", "no key", "another key", "unreadable", "another order", "notes"],
)
async def test_an_order_that_was_made_and_cannot_be_shown_is_not_made_again(
    after: tuple[httpx.Response, ...], words: str
) -> None:
    with pytest.raises(Refused, match="the order a1 was created, and the search for its key does not show it") as error:
        await connected(made_and_not_found(*after)).create_work_order(draft())
    assert words in error.value.problem


@pytest.mark.parametrize(
    ("text", "headers"),
    [(SMALL.replace('  locator: headers.location.split("/")[2]\n', ""), CREATED), (SMALL, {})],
    ids=["no locator in the description", "no locator in the answer"],
)
async def test_an_order_that_was_made_and_has_no_locator_is_not_made_again(
    text: str, headers: Mapping[str, str]
) -> None:
    wire = made_and_not_found(headers=headers)
    with pytest.raises(Refused, match="an order was created, and the search for its key does not show it"):
        await connected(wire, settings_of(text)).create_work_order(draft())


async def test_an_answer_that_names_another_order_than_the_search_is_for_a_person() -> None:
    wire = Recorder(reply({"rows": []}), reply({}, 201, {"Location": "/orders/b2"}), reply({"rows": [order()]}))
    with pytest.raises(ActionRequired, match="b2 was created, and the search for its key finds a1"):
        await connected(wire).create_work_order(draft())


async def test_a_creation_whose_answer_has_no_locator_names_the_place_in_the_description() -> None:
    wire = Recorder(reply({"rows": []}), reply({}, 201), reply({"rows": [order()]}))
    with pytest.raises(ActionRequired) as refused:
        await connected(wire).create_work_order(draft())
    assert refused.value.field == "create.locator"


async def test_two_orders_with_one_key_are_for_a_person() -> None:
    with pytest.raises(ActionRequired, match="W-1, W-2"):
        await connected(acme(order(), order(id="a2", number="W-2"))).create_work_order(draft())


async def test_an_order_of_another_asset_with_this_key_is_for_a_person() -> None:
    with pytest.raises(ActionRequired, match="is for the asset PUMP-2, not PUMP-1"):
        await connected(acme(order(asset="PUMP-2"))).create_work_order(draft())


async def test_gitlab_is_asked_for_its_label_before_an_order_is_created() -> None:
    wire = Recorder(reply([]), reply({"message": "404 Label Not Found"}, 404))
    with pytest.raises(ActionRequired, match="no asset named PUMP/1") as refused:
        await connected(wire, gitlab_settings()).create_work_order(draft(asset_external_id="PUMP/1"))
    assert refused.value.field == "asset"
    assert wire.asked[1].url.raw_path == b"/api/v4/projects/plant%2Fmaintenance/labels/asset%3A%20PUMP%2F1"


async def test_an_asset_with_a_comma_has_no_label_in_gitlab() -> None:
    wire = Recorder(reply([]), reply({"id": 7, "name": "asset: PUMP,1"}))
    with pytest.raises(ActionRequired, match="no asset named PUMP,1"):
        await connected(wire, gitlab_settings()).create_work_order(draft(asset_external_id="PUMP,1"))


async def test_an_order_of_another_asset_is_not_released_either() -> None:
    waiting = {**GITLAB, "iid": 4, "labels": ["asset: PUMP-2", "millwright", "waiting for approval"]}

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        path = request.url.path
        if path.endswith("/user"):
            return reply({"username": "bot"})
        return reply([] if path.endswith(("/notes", "_events")) else [waiting])

    with pytest.raises(ActionRequired, match="is for the asset PUMP-2"):
        await connected(answer, gitlab_settings()).create_work_order(draft(released=True))
