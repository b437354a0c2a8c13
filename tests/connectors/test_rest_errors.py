"""What a refusal means, by the status and by what the description reads of its body."""

from typing import Any

import httpx
import pytest

from domain.cmms import OrderQuery
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from tests.connectors.rest_answers import KEY, connected, gitlab_settings, reply

QUERY = OrderQuery(key=KEY)


async def refusal(answer: httpx.Response) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        await connected(lambda _: answer, gitlab_settings()).find_work_orders(QUERY)
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "kind", "field", "words"),
    [
        (400, {"message": {"title": ["is too long", "is odd"]}}, ActionRequired, "title", "title is too long, is odd"),
        (400, {"message": '400 (Bad request) "title" not given'}, Refused, None, '"title" not given'),
        (400, {"error": "order_by does not have a valid value"}, Refused, None, "order_by does not have"),
        (401, {"message": "401 Unauthorized"}, ActionRequired, None, "credentials"),
        (403, {"error": "insufficient_scope", "scope": "api"}, ActionRequired, None, "insufficient_scope"),
        (404, {"message": "404 Project Not Found"}, Refused, None, "404 Project Not Found"),
        (409, {"message": "conflict"}, Unavailable, None, "somebody else"),
        (422, {"message": {"base": ["is locked"]}}, ActionRequired, "base", "is locked"),
        (500, {"message": "500 Internal Server Error"}, Unavailable, None, "failed inside"),
        (400, [], Refused, None, "does not accept"),
        (400, {}, Refused, None, "does not accept"),
        (400, {"message": {"title": None}}, ActionRequired, "title", "does not accept"),
    ],
    ids=lambda value: "",
)
async def test_a_status_and_a_body_mean_one_of_three_errors(
    status: int, body: Any, kind: type[ConnectorError], field: str | None, words: str
) -> None:
    error = await refusal(reply(body, status))
    assert type(error) is kind
    assert words in error.problem
    assert getattr(error, "field", None) == field


async def test_a_wait_that_is_asked_for_in_words_is_passed_on() -> None:
    error = await refusal(httpx.Response(429, text="Retry later\n", headers={"Retry-After": "60"}))
    assert isinstance(error, Unavailable)
    assert error.retry_after is not None
    assert error.retry_after.total_seconds() == 60


async def test_a_redirect_is_not_followed() -> None:
    error = await refusal(httpx.Response(302, headers={"Location": "https://evil.example/"}))
    assert isinstance(error, ActionRequired)


async def test_an_answer_that_is_no_json_is_refused() -> None:
    assert isinstance(await refusal(httpx.Response(200, text="OK")), Refused)


async def test_an_answer_without_the_rows_names_the_place_in_the_description() -> None:
    error = await refusal(reply({"issues": []}))
    assert isinstance(error, ActionRequired)
    assert error.field == "answers.rows"


async def test_a_token_that_the_system_repeats_is_not_told() -> None:
    error = await refusal(reply({"message": "unknown token the-token"}, 403))
    assert "the-token" not in f"{error} {vars(error)}"
