"""From what HTTP says to the three ways in which a connector fails."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from pydantic import BaseModel, SecretStr

from connectors.call import Call
from connectors.http import JsonSystem, StatusMeaning, VendorFault, meaning_of, retry_after
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable

CALL = Call("vendor", "do-something", "MWKEY")
URL = "http://vendor.test/api/things"
SECRET = "swordfish-1234"


class Thing(BaseModel):
    name: str


def nothing_known(_reply: httpx.Response) -> VendorFault:
    return VendorFault()


def system_of(
    answer: Callable[[httpx.Request], httpx.Response],
    read_fault: Callable[[httpx.Response], VendorFault] = nothing_known,
    timeout: timedelta = timedelta(seconds=5),
    concurrency: int = 4,
) -> JsonSystem:
    return JsonSystem(
        httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        timeout=timeout,
        concurrency=concurrency,
        read_fault=read_fault,
        secrets=[SecretStr(SECRET)],
    )


async def failure_of(system: JsonSystem) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        system.read(CALL, await system.send(CALL, "GET", URL), Thing)
    assert (caught.value.system, caught.value.operation, caught.value.key) == ("vendor", "do-something", "MWKEY")
    return caught.value


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, ActionRequired),
        (400, Refused),
        (401, ActionRequired),
        (402, ActionRequired),
        (403, ActionRequired),
        (404, Refused),
        (405, Refused),
        (406, Refused),
        (407, ActionRequired),
        (408, Unavailable),
        (409, Unavailable),
        (410, Refused),
        (412, Unavailable),
        (418, Refused),
        (421, Unavailable),
        (422, Refused),
        (423, Unavailable),
        (425, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
        (501, Refused),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
        (505, Refused),
        (599, Unavailable),
    ],
)
async def test_each_status_means_one_of_the_three_errors(status: int, error: type[ConnectorError]) -> None:
    failure = await failure_of(system_of(lambda _: httpx.Response(status, json={})))
    assert type(failure) is error
    assert f"HTTP {status}" in str(failure)


@pytest.mark.parametrize("status", [400, 422])
async def test_a_refusal_that_names_a_field_needs_a_person(status: int) -> None:
    system = system_of(lambda _: httpx.Response(status), lambda _: VendorFault("too blue", field="colour"))
    failure = await failure_of(system)
    assert isinstance(failure, ActionRequired)
    assert failure.field == "colour"
    assert "too blue" in str(failure)


async def test_a_field_named_in_a_server_error_changes_nothing() -> None:
    fault = VendorFault("boom", field="colour", meaning=Refused)
    assert type(await failure_of(system_of(lambda _: httpx.Response(503), lambda _: fault))) is Unavailable


@pytest.mark.parametrize("status", [404, 500])
async def test_a_vendors_code_outranks_the_status(status: int) -> None:
    fault = VendorFault("no licence", meaning=ActionRequired)
    assert type(await failure_of(system_of(lambda _: httpx.Response(status), lambda _: fault))) is ActionRequired


@pytest.mark.parametrize("status", [99, 100, 204, 302, 404, 500, 700])
def test_every_status_has_a_meaning(status: int) -> None:
    assert meaning_of(status).words


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "7"}, timedelta(seconds=7)),
        ({"retry-after": "0.5"}, timedelta(seconds=0.5)),
        ({"retry-after": "-3"}, timedelta()),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "99999999999999999999"}, timedelta(days=1)),
        (
            {"date": "Mon, 05 Jan 2015 08:00:00 GMT", "retry-after": "Mon, 05 Jan 2015 08:01:30 GMT"},
            timedelta(seconds=90),
        ),
        ({"date": "Mon, 05 Jan 2015 08:00:00 GMT", "retry-after": "Sun, 04 Jan 2015 08:00:00 GMT"}, timedelta()),
        ({"retry-after": "Sun, 04 Jan 2015 08:00:00 GMT"}, timedelta()),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], wait: timedelta | None) -> None:
    assert retry_after(httpx.Response(429, headers=headers)) == wait


async def test_a_wait_that_the_vendor_asks_for_is_passed_on() -> None:
    failure = await failure_of(system_of(lambda _: httpx.Response(503, headers={"retry-after": "12"})))
    assert isinstance(failure, Unavailable)
    assert failure.retry_after == timedelta(seconds=12)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_page_with_a_server_error_stays_a_passing_fault(status: int) -> None:
    page = httpx.Response(status, html="<html><title>Bad &amp; gone</title></html>")
    failure = await failure_of(system_of(lambda _: page))
    assert type(failure) is Unavailable
    assert "an HTML page titled 'Bad & gone'" in str(failure)


async def test_a_page_instead_of_json_is_a_maintenance_page_that_passes() -> None:
    failure = await failure_of(system_of(lambda _: httpx.Response(200, html="<html><title>Back soon</title></html>")))
    assert type(failure) is Unavailable
    assert "'Back soon' instead of JSON" in str(failure)


async def test_a_page_says_more_than_its_status_where_the_vendor_is_known_for_it() -> None:
    answers = [httpx.Response(404, html="<html>no database</html>"), httpx.Response(404, json={})]
    system = JsonSystem(
        httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answers.pop(0))),
        timeout=timedelta(seconds=5),
        concurrency=1,
        read_fault=nothing_known,
        pages={404: StatusMeaning(ActionRequired, "it has no such database")},
    )
    assert "it has no such database" in str(await failure_of(system))
    assert type(await failure_of(system)) is Refused


async def test_a_page_that_asks_for_a_password_needs_a_person() -> None:
    page = '<!DOCTYPE html><html><form><input type="password"></form></html>'
    failure = await failure_of(system_of(lambda _: httpx.Response(200, text=page)))
    assert type(failure) is ActionRequired
    assert "sign-in page" in str(failure)


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "{}", '{"name": NaN}', '{"name": {"deeper": 1}}'])
async def test_a_reply_of_another_shape_is_unreadable(body: str) -> None:
    failure = await failure_of(system_of(lambda _: httpx.Response(200, text=body)))
    assert type(failure) is Refused
    assert "unreadable reply" in str(failure)


@pytest.mark.parametrize(
    "cause",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("cut"),
        httpx.RemoteProtocolError("no answer"),
        httpx.ReadTimeout("slow"),
        httpx.PoolTimeout("full"),
        httpx.WriteError("cut"),
    ],
)
async def test_a_broken_exchange_means_try_later(cause: httpx.TransportError) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise cause

    assert type(await failure_of(system_of(fail))) is Unavailable


async def test_a_vendor_that_never_answers_is_given_up_in_time() -> None:
    async def silence(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    system = JsonSystem(
        httpx.AsyncClient(transport=httpx.MockTransport(silence)),
        timeout=timedelta(milliseconds=20),
        concurrency=1,
        read_fault=nothing_known,
    )
    for _ in range(2):
        failure = await failure_of(system)
        assert "no answer from vendor.test within 0.02 s" in str(failure)


async def test_no_more_exchanges_are_under_way_than_allowed() -> None:
    under_way, most, gate = 0, 0, asyncio.Event()

    async def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        gate.set()
        await asyncio.sleep(0)
        under_way -= 1
        return httpx.Response(200, json={"name": "x"})

    system = JsonSystem(
        httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        timeout=timedelta(seconds=5),
        concurrency=2,
        read_fault=nothing_known,
    )
    await asyncio.gather(*(system.send(CALL, "GET", URL) for _ in range(9)))
    assert gate.is_set()
    assert most == 2


async def test_cookies_of_the_vendor_are_never_sent_back() -> None:
    sent: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("cookie"))
        return httpx.Response(200, json={"name": "x"}, headers={"set-cookie": "JSESSIONID=1; Path=/"})

    system = system_of(answer)
    for _ in range(2):
        await system.send(CALL, "GET", URL)
    assert sent == [None, None]
    await system.send(CALL, "GET", URL, cookie="session=ours")
    await system.send(CALL, "GET", URL)
    assert sent[2:] == ["session=ours", None]


async def test_a_session_with_a_character_that_no_header_has_needs_a_person() -> None:
    with pytest.raises(ActionRequired, match="character that HTTP does not allow"):
        await system_of(lambda _: httpx.Response(200, json={})).send(CALL, "GET", URL, cookie="session=\u20ac")


def test_an_empty_secret_masks_nothing() -> None:
    system = system_of(lambda _: httpx.Response(200))
    system.mask("", "token-1")
    assert system.without_secrets("no right for token-1") == "no right for [secret]"


async def test_a_secret_that_the_vendor_echoes_stands_in_no_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = httpx.Response(403, text="denied")
    system = system_of(lambda _: echo, lambda _: VendorFault(f"key {SECRET}\nis\x00 wrong {'x' * 999}"))
    failure = await failure_of(system)
    assert "key [secret] is wrong" in str(failure)
    assert len(str(failure)) < 500
    assert SECRET not in repr(failure) + repr(vars(failure)) + caplog.text
