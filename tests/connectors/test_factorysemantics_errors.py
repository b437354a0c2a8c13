"""What the errors of FactorySemantics MES mean, and how the connector says so."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from connectors.mes.factorysemantics import FactorySemanticsMes, FactorySemanticsSettings, connect
from connectors.mes.factorysemantics.faults import MEANINGS, detail_of
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable

SETTINGS = FactorySemanticsSettings.model_validate(
    {"url": "https://mes.test", "user": "MILLWRIGHT", "password": "swordfish"}
)
TOKEN = "token-that-nobody-sees"
SIGNED_IN = httpx.Response(200, json={"token": TOKEN, "code": "MILLWRIGHT", "name": "Millwright", "role": "holder"})


async def failure_of(answer: httpx.Response | Callable[[httpx.Request], httpx.Response]) -> ConnectorError:
    """The error of a reading to which the server answers so, after it has let us sign in."""

    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/login":
            return SIGNED_IN
        return answer(request) if callable(answer) else answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
        mes: FactorySemanticsMes = connect(SETTINGS, client, system="factorysemantics")
        with pytest.raises(ConnectorError) as caught:
            await mes.read_production("EQ-7")
    return caught.value


CASES = [
    (400, "invalid credentials", ActionRequired),
    (400, "a hold needs a reason - the person resuming it has to know why", Refused),
    (401, "sign in required", ActionRequired),
    (403, "this action needs the 'orders.close' capability, which the 'viewer' role does not grant", ActionRequired),
    (404, "equipment 'EQ-7' not found", ActionRequired),
    (404, "Not Found", ActionRequired),
    (409, "work order WO-1: cannot go from closed to on_hold", Unavailable),
    (422, [{"loc": ["query", "limit"], "msg": "Input should be less than 500"}], Refused),
    (429, "slow down", Unavailable),
    (500, "Internal Server Error", Unavailable),
    (502, "invalid credentials", Unavailable),
]


@pytest.mark.parametrize(("status", "detail", "error"), CASES)
async def test_an_error_means_one_of_the_three(status: int, detail: object, error: type[ConnectorError]) -> None:
    failure = await failure_of(httpx.Response(status, json={"detail": detail}))
    assert type(failure) is error


def test_every_word_of_the_table_has_a_case() -> None:
    assert MEANINGS.keys() <= {detail for _, detail, _ in CASES if isinstance(detail, str)}


async def test_a_machine_that_is_missing_is_told_from_an_address_that_is_wrong() -> None:
    missing = await failure_of(httpx.Response(404, json={"detail": "equipment 'EQ-7' not found"}))
    wrong = await failure_of(httpx.Response(404, json={"detail": "Not Found"}))
    assert isinstance(missing, ActionRequired)
    assert isinstance(wrong, ActionRequired)
    assert (missing.field, wrong.field) == ("equipment", "url")
    assert "it does not serve /equipment/EQ-7" in wrong.problem


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "said"}, "said"),
        ({"detail": [{"loc": ["body", "reason"], "msg": "Field required"}]}, "body.reason: Field required"),
        ({"detail": [7]}, ""),
        ({"detail": []}, ""),
        ({"detail": 7}, ""),
        ({}, ""),
        ([], ""),
    ],
)
def test_the_words_of_an_error(body: object, words: str) -> None:
    assert detail_of(httpx.Response(422, json=body)) == words


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x00", b"[" * 100_000])
def test_an_error_without_json_has_no_words(content: bytes) -> None:
    assert detail_of(httpx.Response(500, content=content)) == ""


@pytest.mark.parametrize(
    ("status", "page", "error", "words"),
    [
        (404, "<title>404 Not Found</title>", ActionRequired, "something else than FactorySemantics MES"),
        (200, "<title>Maintenance</title>", Unavailable, "a maintenance page or a proxy's"),
        (200, '<title>Log in</title><input type="password">', ActionRequired, "a sign-in page"),
        (502, "<title>Bad gateway</title>", Unavailable, "it failed inside"),
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


async def test_password_and_token_are_in_no_message_though_the_server_echoes_them() -> None:
    failure = await failure_of(httpx.Response(403, json={"detail": f"swordfish and {TOKEN} are odd"}))
    assert failure.problem.endswith("[secret] and [secret] are odd)")
    assert not {"swordfish", TOKEN} & set(f"{failure!r} {vars(failure)}".split())


async def test_a_token_that_is_refused_is_replaced_once() -> None:
    asked: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(401, json={"detail": "sign in required"})

    failure = await failure_of(server)
    assert isinstance(failure, ActionRequired)
    assert asked == ["/equipment/EQ-7", "/equipment/EQ-7"]


@pytest.mark.parametrize("content", [b"{", b"7", b'{"a": 1}', b'"text"', b"null", b"[" * 100_000])
async def test_an_answer_of_another_shape_is_refused(content: bytes) -> None:
    assert type(await failure_of(httpx.Response(200, content=content))) is Refused
