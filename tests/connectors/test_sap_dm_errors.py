"""What the errors of SAP Digital Manufacturing mean in each of their forms, and how its tokens are used."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.production import HoldState, PlaceResult
from tests.connectors.sap_dm_answers import (
    BLOCK,
    DETAIL,
    HOLD,
    IN_WORK,
    PAUSE,
    RELEASE,
    RESOURCE,
    STATUS,
    Sap,
    Turns,
    resource,
    sfc,
)

SFC_ACT = {
    "displayMessage": "said", "errorMessageKey": "sfc.x", "technicalMessage": "java.lang.X", "errorCode": 13,
}  # fmt: skip
READING = {"code": "sfc.x", "message": "said", "causeMessage": "java.lang.X", "correlationId": "c"}
RESOURCE_3 = {"error": {"code": "resource.x", "message": "said", "correlationId": "c", "details": []}}
PARAMETER = {"errors": [{"message": "said", "parameter": "resource"}]}
TOKEN = {"error": "invalid_token", "error_description": "said"}


async def failure_of(path: str, answer: Any) -> ConnectorError:
    mes = Sap({path: answer}).mes()
    asks: dict[str, Callable[[], Awaitable[object]]] = {
        HOLD: lambda: mes.place_hold(PAUSE, "reason"),
        DETAIL: lambda: mes.read_hold(PAUSE),
    }
    with pytest.raises(ConnectorError) as caught:
        await asks.get(path, lambda: mes.read_production("PRESS"))()
    return caught.value


@pytest.mark.parametrize(
    ("path", "body"),
    [(HOLD, SFC_ACT), (DETAIL, READING), (RESOURCE, RESOURCE_3), (RESOURCE, TOKEN)],
    ids=["sfc-act", "reading", "resource-3", "token"],
)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (403, ActionRequired),
        (405, Refused),
        (409, Unavailable),
        (412, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
async def test_a_status_means_the_same_in_every_form(
    path: str, body: dict[str, Any], status: int, error: type[ConnectorError]
) -> None:
    failure = await failure_of(path, httpx.Response(status, json=body))
    naming = body is PARAMETER and status == 400
    assert type(failure) is (ActionRequired if naming else error)
    assert "said" in failure.problem
    assert getattr(failure, "field", None) == (
        "resource" if body is PARAMETER and issubclass(type(failure), ActionRequired) else None
    )
    assert "java.lang" not in failure.problem


async def test_a_parameter_that_is_not_allowed_is_named() -> None:
    failure = await failure_of(IN_WORK, httpx.Response(400, json=PARAMETER))
    assert isinstance(failure, ActionRequired)
    assert (failure.field, "resource: said" in failure.problem) == ("resource", True)


@pytest.mark.parametrize("path", [IN_WORK, HOLD])
async def test_what_is_not_there_is_for_a_person(path: str) -> None:
    failure = await failure_of(path, httpx.Response(404, json=READING))
    assert type(failure) is ActionRequired


@pytest.mark.parametrize(
    "body", ["", "nonsense", "[]", '{"error": 7}', '{"errors": {}}', '{"errors": [7]}', '{"details": 1}', "{", "\u0000"]
)
async def test_an_error_of_another_form_leaves_the_status_to_speak(body: str) -> None:
    assert type(await failure_of(DETAIL, httpx.Response(400, text=body))) is Refused
    assert type(await failure_of(DETAIL, httpx.Response(500, text=body))) is Unavailable


async def test_the_details_of_an_error_are_told_once_each() -> None:
    details = [{"code": "a", "message": "first"}, {"code": "b", "message": "said"}, {"code": "c"}, 7]
    body = {"error": {"code": "x", "message": "said", "details": details}}
    failure = await failure_of(RESOURCE, httpx.Response(400, json=body))
    assert failure.problem.endswith("(HTTP 400: said; first)")


async def test_a_wait_that_is_asked_for_is_passed_on_and_no_other() -> None:
    failure = await failure_of(DETAIL, httpx.Response(429, headers={"retry-after": "7"}))
    assert isinstance(failure, Unavailable)
    assert failure.retry_after == timedelta(seconds=7)
    bare = await failure_of(DETAIL, httpx.Response(429))
    assert isinstance(bare, Unavailable)
    assert bare.retry_after is None


@pytest.mark.parametrize(
    ("status", "page", "error"),
    [
        (200, "<title>Maintenance</title>", Unavailable),
        (200, '<title>Log on</title><input type="password">', ActionRequired),
        (502, "<title>Bad gateway</title>", Unavailable),
        (302, "<title>Elsewhere</title>", ActionRequired),
    ],
)
@pytest.mark.parametrize("path", [RESOURCE, IN_WORK, DETAIL, "/oauth/token"])
async def test_a_page_in_the_place_of_an_answer(path: str, status: int, page: str, error: type[ConnectorError]) -> None:
    assert type(await failure_of(path, httpx.Response(status, html=f"<html>{page}</html>"))) is error


@pytest.mark.parametrize("content", [b"{", b"7", b'"text"', b"[" * 100_000, b'[{"sfc": "SFC1"'])
@pytest.mark.parametrize("path", [RESOURCE, IN_WORK, "/oauth/token"])
async def test_an_answer_that_is_cut_off_or_of_another_form_is_refused(path: str, content: bytes) -> None:
    assert type(await failure_of(path, httpx.Response(200, content=content))) is Refused


@pytest.mark.parametrize("content", [b'{"holdIds": ["1"', b"<html></html>", b"[]"])
async def test_a_hold_whose_answer_cannot_be_read_is_no_proof_that_it_is_ours(content: bytes) -> None:
    sap = Sap({HOLD: httpx.Response(200, content=content), DETAIL: Turns(sfc(), sfc("HOLD"))})
    try:
        result: PlaceResult | type[ConnectorError] = await sap.mes().place_hold(PAUSE, "reason")
    except ConnectorError as error:
        result = type(error)
    assert result is (Unavailable if content.startswith(b"<html") else PlaceResult.HELD_ALREADY)


async def test_a_hold_that_names_no_hold_is_none_of_ours() -> None:
    sap = Sap({HOLD: {"holdIds": []}, DETAIL: Turns(sfc(), sfc("HOLD"))})
    assert await sap.mes().place_hold(PAUSE, "reason") is PlaceResult.HELD_ALREADY
    with pytest.raises(Unavailable, match="names no hold"):
        await Sap({HOLD: {}}).mes().place_hold(PAUSE, "reason")


@pytest.mark.parametrize("later", [httpx.Response(500), httpx.Response(429), httpx.Response(200, text="{")])
async def test_a_hold_that_was_taken_is_ours_though_it_cannot_be_read_back(later: httpx.Response) -> None:
    assert await Sap({DETAIL: Turns(sfc(), later)}).mes().place_hold(PAUSE, "reason") is PlaceResult.ACCEPTED
    taken = Sap({RESOURCE: Turns(resource(), later)})
    assert await taken.mes().place_hold(BLOCK, "reason") is PlaceResult.ACCEPTED


@pytest.mark.parametrize(("plan", "path"), [(PAUSE, RELEASE), (BLOCK, STATUS)], ids=["sfc", "resource"])
async def test_a_release_after_which_it_is_still_held_is_not_done(plan: Any, path: str) -> None:
    sap = Sap({DETAIL: sfc("HOLD"), RESOURCE: resource(status="DISABLED")})
    with pytest.raises(Unavailable, match="still held"):
        await sap.mes().release_hold(plan, "done")
    assert [asked for asked, _ in sap.written()] == [path]


async def test_one_token_is_fetched_for_many_calls_at_once() -> None:
    sap = Sap()
    mes = sap.mes()
    await asyncio.gather(*(mes.read_production("PRESS") for _ in range(8)))
    assert sap.tokens == ["token-1"]


def refusing(tokens: set[str], answer: Any) -> Callable[[httpx.Request], Any]:
    def reply(request: httpx.Request) -> Any:
        token = request.headers["authorization"].removeprefix("Bearer ")
        return httpx.Response(401, json=TOKEN) if token in tokens else answer

    return reply


async def test_a_token_that_is_refused_is_renewed_once_however_many_calls_it_fails() -> None:
    sap = Sap({path: refusing({"token-1"}, answer) for path, answer in [(RESOURCE, resource()), (DETAIL, sfc())]})
    mes = sap.mes()
    contexts = await asyncio.gather(*(mes.read_production("PRESS") for _ in range(8)))
    assert all(context.job is not None for context in contexts)
    assert sap.tokens == ["token-1", "token-2"]


async def test_a_second_refusal_needs_a_person_and_is_not_asked_a_third_time() -> None:
    sap = Sap({HOLD: refusing({"token-1", "token-2"}, {})})
    with pytest.raises(ActionRequired, match="does not accept our credentials"):
        await sap.mes().place_hold(PAUSE, "reason")
    assert [path for path, _ in sap.asked].count(HOLD) == 2


async def test_a_token_is_not_used_to_its_last_second() -> None:
    lives = Turns(*({"access_token": f"t{number}", "expires_in": life} for number, life in enumerate((0.001, 3600))))
    sap = Sap({"/oauth/token": lives})
    mes = sap.mes()
    await mes.hold_target("PRESS")
    await asyncio.sleep(0.002)
    await mes.hold_target("PRESS")
    await mes.hold_target("PRESS")
    assert [path for path, _ in sap.asked].count("/oauth/token") == 2


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (httpx.Response(401, json={"error": "unauthorized", "error_description": "Bad credentials"}), ActionRequired),
        (httpx.Response(400, json={"error": "invalid_client"}), ActionRequired),
        (httpx.Response(400, json={"error": "unsupported_grant_type"}), Refused),
        (httpx.Response(429), Unavailable),
        (httpx.Response(200, json={"token_type": "bearer"}), Refused),
        (httpx.Response(200, json={"access_token": "line\nend"}), Refused),
        (httpx.Response(200, json={"access_token": "x", "expires_in": 0}), Refused),
    ],
)
async def test_what_the_token_address_says(reply: httpx.Response, error: type[ConnectorError]) -> None:
    failure = await failure_of("/oauth/token", reply)
    assert type(failure) is error


async def test_neither_the_secret_nor_a_token_is_told_though_the_server_echoes_them() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"message": f"{request.headers['authorization']} swordfish"})

    failure = await failure_of(DETAIL, echo)
    assert "token-1" not in f"{failure} {failure!r} {vars(failure)}"
    assert "swordfish" not in f"{failure} {failure!r} {vars(failure)}"
    assert "[secret]" in failure.problem


async def test_the_client_signs_in_as_rfc_6749_says() -> None:
    seen: list[httpx.Request] = []

    def token(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"access_token": "x"})

    await Sap({"/oauth/token": token}).mes(client_id="sb-a!b1|dm:x").hold_target("PRESS")
    (asked,) = seen
    assert asked.content == b"grant_type=client_credentials"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    # The id and the secret are form-encoded, so that a colon in the id does not end it.
    assert httpx.BasicAuth("sb-a%21b1%7Cdm%3Ax", "swordfish")._auth_header == asked.headers["authorization"]


async def test_what_is_written_is_exactly_this() -> None:
    sap = Sap({DETAIL: Turns(sfc(), sfc("HOLD"), sfc("HOLD"), sfc())})
    mes = sap.mes()
    assert await mes.place_hold(PAUSE, "Bearing:\nstop") is PlaceResult.IN_EFFECT
    assert await mes.release_hold(PAUSE, "MWKEY: ready to run") is HoldState.ABSENT
    blocked = Sap({RESOURCE: Turns(resource(), resource(status="DISABLED"), resource(status="DISABLED"), resource())})
    mes = blocked.mes(user="SHIFT")
    assert await mes.place_hold(BLOCK, "Bearing") is PlaceResult.IN_EFFECT
    assert await mes.release_hold(BLOCK, "MWKEY: ready") is HoldState.ABSENT
    status = {"plant": "P1", "resource": "PRESS", "user": "SHIFT", "immediate": True}
    assert [*sap.written(), *blocked.written()] == [
        (HOLD, {"plant": "P1", "sfcs": ["SFC1"], "comments": "MWKEY: Bearing: stop"}),
        (RELEASE, {"plant": "P1", "sfcs": ["SFC1"], "releaseComments": "MWKEY: ready to run"}),
        (STATUS, {**status, "status": "DISABLED", "comments": "MWKEY: Bearing"}),
        (STATUS, {**status, "status": "PRODUCTIVE", "comments": "MWKEY: ready"}),
    ]
