"""What Odoo's exceptions, its statuses and the messages of `load` mean, and how the connector says so."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors.mes.odoo_mrp import OdooMes, OdooSettings, connect
from connectors.odoo.faults import MEANINGS, load_fault
from connectors.odoo.models import LoadMessage
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable

SETTINGS = OdooSettings.model_validate({"url": "https://odoo.test", "database": "odoo", "api_key": "swordfish"})
EXCEPTIONS = "odoo.exceptions."


def refusal(status: int, name: str, message: str = "said") -> httpx.Response:
    """An error of the JSON-2 API, in the shape of the recordings."""
    body = {"name": name, "message": message, "arguments": [message], "context": {}, "debug": "Traceback: swordfish"}
    return httpx.Response(status, json=body)


async def failure_of(answer: httpx.Response | Callable[[httpx.Request], httpx.Response]) -> ConnectorError:
    transport = httpx.MockTransport(answer if callable(answer) else lambda _: answer)
    async with httpx.AsyncClient(transport=transport) as client:
        mes: OdooMes = connect(SETTINGS, client, system="odoo")
        with pytest.raises(ConnectorError) as caught:
            await mes.read_production("EQ-7")
    return caught.value


CASES = [
    (401, "werkzeug.exceptions.Unauthorized", ActionRequired),
    (403, f"{EXCEPTIONS}AccessError", ActionRequired),
    (403, f"{EXCEPTIONS}AccessDenied", ActionRequired),
    (404, "werkzeug.exceptions.NotFound", ActionRequired),
    (404, f"{EXCEPTIONS}MissingError", Unavailable),
    (409, f"{EXCEPTIONS}LockError", Unavailable),
    (500, f"{EXCEPTIONS}ConcurrencyError", Unavailable),
    (422, f"{EXCEPTIONS}UserError", ActionRequired),
    (422, f"{EXCEPTIONS}ValidationError", ActionRequired),
    (422, f"{EXCEPTIONS}RedirectWarning", ActionRequired),
    (422, "werkzeug.exceptions.UnprocessableEntity", Refused),
    (500, "builtins.ValueError", Refused),
    (500, "builtins.TypeError", Refused),
    (500, "builtins.KeyError", Refused),
    (500, "builtins.AttributeError", Refused),
    (500, "psycopg2.errors.SerializationFailure", Unavailable),
    (500, "psycopg2.errors.LockNotAvailable", Unavailable),
    (500, "psycopg2.errors.DeadlockDetected", Unavailable),
    (500, "psycopg2.OperationalError", Unavailable),
    (500, "a.module.of.the.site.Error", Unavailable),
    (400, "a.module.of.the.site.Error", Refused),
    (503, "builtins.ValueError", Unavailable),
]


@pytest.mark.parametrize(("status", "name", "error"), CASES)
async def test_an_exception_means_one_of_the_three_errors(status: int, name: str, error: type[ConnectorError]) -> None:
    failure = await failure_of(refusal(status, name, "Uh-oh!\nContact your administrator."))
    assert type(failure) is error
    assert f"HTTP {status}: Uh-oh!)" in failure.problem
    assert "Traceback" not in failure.problem


def test_every_exception_of_the_table_has_a_case() -> None:
    assert MEANINGS.keys() <= {name for _, name, _ in CASES}


@pytest.mark.parametrize("body", ["", "nonsense", "[]", '{"message": "no name"}', '{"name": 7}', "\u0000"])
async def test_an_error_body_of_another_shape_leaves_the_status_to_speak(body: str) -> None:
    assert type(await failure_of(httpx.Response(422, text=body))) is Refused
    assert type(await failure_of(httpx.Response(500, text=body))) is Unavailable


@pytest.mark.parametrize(
    ("status", "page", "error", "words"),
    [
        (404, "<title>404 Not Found</title>", ActionRequired, "no such database"),
        (200, "<title>Maintenance</title>", Unavailable, "a maintenance page or a proxy's"),
        (200, '<title>Log in</title><input type="password">', ActionRequired, "a sign-in page"),
        (502, "<title>Bad gateway</title>", Unavailable, "it failed inside"),
        (303, "<title>Elsewhere</title>", ActionRequired, "it sends us elsewhere"),
    ],
)
async def test_a_page_in_the_place_of_an_answer(
    status: int, page: str, error: type[ConnectorError], words: str
) -> None:
    failure = await failure_of(httpx.Response(status, html=f"<!DOCTYPE html><html>{page}</html>"))
    assert type(failure) is error
    assert words in failure.problem


async def test_a_wait_that_a_proxy_asks_for_is_passed_on() -> None:
    failure = await failure_of(httpx.Response(429, headers={"retry-after": "7"}))
    assert isinstance(failure, Unavailable)
    assert failure.retry_after == timedelta(seconds=7)


async def test_the_key_is_in_no_message_though_the_server_echoes_it() -> None:
    failure = await failure_of(refusal(422, f"{EXCEPTIONS}UserError", "bearer swordfish is odd"))
    assert "swordfish" not in f"{failure} {failure!r} {vars(failure)}"
    assert "[secret]" in failure.problem


@pytest.mark.parametrize("content", [b"{", b"7", b'{"a": 1}', b'"text"', b"null", b"[" * 100_000])
async def test_an_answer_that_is_no_list_is_refused(content: bytes) -> None:
    assert type(await failure_of(httpx.Response(200, content=content))) is Refused


@pytest.mark.parametrize(
    ("messages", "error", "field"),
    [
        ([{"message": "could not serialize access due to concurrent update"}], Unavailable, None),
        ([{"message": "deadlock detected"}], Unavailable, None),
        ([{"message": "could not obtain lock on row"}], Unavailable, None),
        (
            [{"message": "No matching record", "field": "workcenter_id"}, {"message": "x"}],
            ActionRequired,
            "workcenter_id",
        ),
        ([{"message": "Uh-oh! company inconsistencies", "field": False}], ActionRequired, None),
        ([], ActionRequired, None),
    ],
)
def test_what_load_says_with_status_200(
    messages: list[dict[str, Any]], error: type[ConnectorError], field: str | None
) -> None:
    kind, words, named = load_fault([LoadMessage.model_validate(message) for message in messages])
    assert (kind, named) == (error, field)
    assert all(message["message"] in words for message in messages)
