"""Signed webhooks: which deliveries make a poll due, which are refused, and what is remembered of them."""

import hashlib
import hmac
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import Rejected, StorageUnavailable
from domain.processes import ProcessKind
from millwright.api.app import create_app
from millwright.api.refusals import MOST_OF_ONE
from millwright.api.signed_webhooks import MOST_REMEMBERED, SignedWebhooks
from millwright.bootstrap import Storage
from millwright.runtime.home import load_settings, settings_from
from millwright.runtime.logs import secrets as secrets_of
from millwright.settings import Settings
from millwright.steering.values import check_connectors, steering_values
from tests.api.conftest import Caller
from tests.support.ingress import NOW, rows, set_clock, settings_over

HEADER = "x-maintainx-webhook-body-signature"
SECRET, NEXT_SECRET = "Slate-Anchor-4417-webhook", "Birch-Signal-8830-webhook"
BODY = b'{"workOrderId": 7, "newStatus": "DONE"}'
PATH = "/webhooks/maintainx"
ELSEWHERE = "203.0.113.7"
DUE = "SELECT subject, due_at, generation FROM due"


def signed(body: bytes = BODY, secret: str = SECRET, after: timedelta = timedelta(0)) -> dict[str, str]:
    stamp = str(int((NOW + after).timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {HEADER: f"t={stamp},v1={digest}"}


@pytest.fixture
def settings(plant_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    maintainx = {"connector": "maintainx", "webhook_secrets": [SECRET, NEXT_SECRET]}
    further = {"hamburg": {"connector": "maximo", "sites": ["HH"]}}
    return settings_over(plant_url, tmp_path_factory.mktemp("home"), cmms=maintainx, cmms_instances=further)


@pytest.fixture
async def vendor(app: FastAPI, caller: Caller) -> httpx.AsyncClient:
    """A caller without an API key."""
    return caller(app, ELSEWHERE)


async def test_a_signed_delivery_makes_the_poll_due_whatever_its_body_says(
    vendor: httpx.AsyncClient, storage: Storage
) -> None:
    for body in (BODY, b"", b"\x00\xff no JSON", b'{"system": "hamburg"}' * 1000):
        reply = await vendor.post(PATH, content=body, headers=signed(body))
        assert (reply.status_code, reply.json()) == (202, {"system": "maintainx"})
    assert [row[:2] for row in await rows(storage.engine, DUE)] == [("poll/maintainx", NOW)]


async def test_the_new_secret_counts_beside_the_old_one(vendor: httpx.AsyncClient) -> None:
    for secret in (SECRET, NEXT_SECRET):
        assert (await vendor.post(PATH, content=BODY, headers=signed(secret=secret))).status_code == 202


def replace(file: Path, text: str) -> None:
    file.write_text(text)


async def test_a_secret_that_is_replaced_in_its_file_counts_without_a_restart(
    app: FastAPI, vendor: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secrets"
    replace(file, f'["{SECRET}"]')
    monkeypatch.setenv("MILLWRIGHT_CMMS__CONNECTOR", "maintainx")
    monkeypatch.setenv("MILLWRIGHT_CMMS__WEBHOOK_SECRETS_FILE", str(file))
    app.state.deps.webhooks = SignedWebhooks(load_settings(tmp_path))
    assert (await vendor.post(PATH, content=BODY, headers=signed())).status_code == 202
    for text, taken in (
        (f'["{NEXT_SECRET}"]', (401, 202)),
        ("half of a li", (401, 202)),
        (f'["{SECRET}"]', (202, 401)),
    ):
        replace(file, text)
        replies = [await vendor.post(PATH, content=BODY, headers=signed(secret=each)) for each in (SECRET, NEXT_SECRET)]
        assert tuple(reply.status_code for reply in replies) == taken


async def test_a_delivery_that_comes_again_is_accepted_and_touches_nothing(
    vendor: httpx.AsyncClient, storage: Storage
) -> None:
    assert (await vendor.post(PATH, content=BODY, headers=signed())).status_code == 202
    after_first = await rows(storage.engine, DUE)
    (written,) = signed().values()
    for headers in (signed(), {HEADER: written.upper().replace("T=", "t=").replace("V1=", "v1=") + ",v1=00"}):
        assert (await vendor.post(PATH, content=BODY, headers=headers)).status_code == 202
    assert await rows(storage.engine, DUE) == after_first
    assert (await vendor.post(PATH, content=BODY, headers=signed(after=timedelta(seconds=1)))).status_code == 202
    assert await rows(storage.engine, DUE) != after_first


async def test_a_delivery_that_could_not_be_stored_counts_when_it_comes_again(
    vendor: httpx.AsyncClient, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_system: str) -> None:
        raise StorageUnavailable("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(storage.changes, "hinted", away)
        assert (await vendor.post(PATH, content=BODY, headers=signed())).status_code == 503
    assert (await vendor.post(PATH, content=BODY, headers=signed())).status_code == 202
    assert [row[0] for row in await rows(storage.engine, DUE)] == ["poll/maintainx"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {HEADER: ""},
        {HEADER: "t=1,v1=00"},
        signed(secret="Mallow-Copper-0000-webhook"),
        signed(body=BODY + b" "),
        signed(after=timedelta(seconds=301)),
        signed(after=timedelta(seconds=-301)),
        {HEADER: signed()[HEADER].replace("v1", "v2")},
        {"x-maintainx-webhook-uri-signature": signed()[HEADER]},
        {"Authorization": f"Bearer {SECRET}"},
    ],
    ids=[
        "none", "empty", "wrong", "other secret", "other body", "too new", "too old", "version", "other header",
        "bearer",
    ],
)  # fmt: skip
async def test_a_delivery_that_is_not_proved_is_refused_in_one_sentence(
    app: FastAPI, vendor: httpx.AsyncClient, storage: Storage, headers: dict[str, str]
) -> None:
    reply = await vendor.post(PATH, content=BODY, headers=headers)
    assert (reply.status_code, reply.json()["detail"]) == (401, "nothing proves that the system sent this now")
    assert reply.json()["type"] == "urn:millwright:problem:not-proved"
    assert await rows(storage.engine, DUE) == []
    assert app.state.deps.refusals._total == 1


async def test_the_time_counts_by_the_plants_clock_up_to_the_tolerance(
    vendor: httpx.AsyncClient, settings: Settings
) -> None:
    for minutes in (-5, 5):
        set_clock(settings.home, NOW + timedelta(minutes=minutes))
        assert (await vendor.post(PATH, content=BODY, headers=signed())).status_code == 202


async def test_wrong_signatures_are_locked_out_and_a_right_one_never(
    vendor: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = {HEADER: "t=1,v1=00"}
    statuses = [(await vendor.post(PATH, content=BODY, headers=wrong)).status_code for _ in range(MOST_OF_ONE)]
    assert set(statuses) == {401}
    locked_out = await vendor.post(PATH, content=BODY, headers=wrong)
    assert (locked_out.status_code, locked_out.json()["detail"]) == (
        429,
        "nothing proves that the system sent this now",
    )
    assert int(locked_out.headers["retry-after"]) > 0
    assert (await vendor.post(PATH, content=BODY, headers=signed())).status_code == 202
    assert len([line for line in caplog.messages if "refused" in line]) == 2


@pytest.mark.parametrize("system", ["hamburg", "sap", "maintainx%00", "x" * 5000])
async def test_a_system_without_signed_webhooks_is_not_found_and_the_answer_says_what_to_use(
    vendor: httpx.AsyncClient, system: str
) -> None:
    reply = await vendor.post(f"/webhooks/{system}", content=BODY, headers=signed())
    if "%00" in system:
        assert reply.status_code == 422
    else:
        assert reply.status_code == 404
        assert "POST /hints/{system} with a sender's API key" in reply.json()["fix"]


@pytest.mark.parametrize(("length", "status"), [(64 << 10, 202), ((64 << 10) + 1, 413)])
async def test_a_body_is_read_up_to_its_bound(vendor: httpx.AsyncClient, length: int, status: int) -> None:
    body = b"x" * length
    assert (await vendor.post(PATH, content=body, headers=signed(body))).status_code == status


async def test_no_secret_and_no_body_is_logged_or_answered(
    vendor: httpx.AsyncClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    replies = [await vendor.post(PATH, content=BODY, headers=headers) for headers in (signed(), {}, {HEADER: "t=1"})]
    told = caplog.text + "".join(reply.text for reply in replies) + repr(settings) + repr(settings.all_cmms())
    told += str(steering_values(settings, ProcessKind.API))
    assert [word for word in (SECRET, NEXT_SECRET, BODY.decode(), signed()[HEADER][-64:]) if word in told] == []
    assert {SECRET, NEXT_SECRET} <= set(secrets_of(settings))


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(header=st.binary(max_size=100), body=st.binary(max_size=300), time=st.integers(min_value=-(10**20)))
async def test_no_header_and_no_body_makes_an_error_of_ours(
    vendor: httpx.AsyncClient, header: bytes, body: bytes, time: int
) -> None:
    for written in (header, f"t={time},v1=".encode() + header):
        headers = [(HEADER.encode(), written)]
        assert (await vendor.post(PATH, content=body, headers=headers)).status_code in (401, 429)


def test_deliveries_are_remembered_in_bounded_memory(settings: Settings) -> None:
    webhooks = SignedWebhooks(settings)
    for number in range(MOST_REMEMBERED + 1):
        webhooks.take(("maintainx", b"%d" % number))
    assert not webhooks.has_taken(("maintainx", b"0"))
    assert webhooks.has_taken(("maintainx", b"1"))
    assert not webhooks.has_taken(("hamburg", b"1"))


async def test_secrets_for_a_cmms_that_does_not_sign_are_refused_at_the_start(
    storage: Storage, settings: Settings
) -> None:
    secrets = {"connector": "maximo", "sites": ["HH"], "webhook_secrets": [SECRET]}
    wrong = Settings.model_validate({**settings.model_dump(), "cmms_instances": {"hamburg": secrets}})
    with pytest.raises(Rejected) as before_it_is_recorded:
        check_connectors(wrong, ProcessKind.API)
    with pytest.raises(Rejected) as refused:
        create_app(storage, wrong, None)
    assert str(before_it_is_recorded.value) == str(refused.value)
    assert (refused.value.field, SECRET in str(refused.value)) == ("cmms_instances__hamburg__webhook_secrets", False)
    assert "unset MILLWRIGHT_CMMS_INSTANCES__HAMBURG__WEBHOOK_SECRETS" in str(refused.value.fix)


@pytest.mark.parametrize(
    "secrets",
    [[""], ["short"], ["fifteen-letters"], [SECRET + " "], [SECRET + "\n"], ["schlüssel-schlüssel"], [SECRET] * 17],
    ids=["empty", "short", "fifteen", "space", "line break", "no ASCII", "too many"],
)
def test_a_secret_that_cannot_be_one_is_refused_without_its_value(secrets: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"cmms": {"connector": "maintainx", "webhook_secrets": secrets}})
    assert "webhook_secrets" in str(refused.value)
    assert not secrets[0] or secrets[0] not in str(refused.value)


def test_the_secrets_are_read_from_the_environment_and_no_connector_gets_them() -> None:
    given = {"CONNECTOR": "maintainx", "WEBHOOK_SECRETS": f'["{SECRET}"]', "API_KEY": "eyJ"}
    cmms = settings_from({f"MILLWRIGHT_CMMS__{name}": value for name, value in given.items()}).all_cmms()["maintainx"]
    assert [secret.get_secret_value() for secret in cmms.webhook_secrets] == [SECRET]
    assert cmms.own() == {"api_key": "eyJ"}
