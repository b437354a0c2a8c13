"""The Job Control connector on a foreign server whose connections are signed, encrypted, or open."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from asyncua import Client

from connectors.mes.opcua_job_control import JobControlMes
from domain.clock import WallClock
from domain.errors import ActionRequired
from domain.production import HoldState, PlaceResult
from millwright.runtime.mes_certificate import create
from tests.contract.foreign.conftest import MesOf
from tests.contract.foreign.job_control import Serve, SignIn

pytestmark = pytest.mark.foreign

PASSWORD = "a-password-that-nobody-sees"
POLICIES = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
MODES = {"Sign": "sign", "SignAndEncrypt": "sign_and_encrypt"}
USER: Mapping[str, object] = {"user": "millwright", "password": PASSWORD}
ENCRYPTED: Mapping[str, object] = {"modes": ["SignAndEncrypt"], "policies": ["Basic256Sha256"]}
OPEN: Mapping[str, object] = {"modes": ["None"], "policies": ["None"]}
WITH_USER: Mapping[str, object] = {"users": {"millwright": PASSWORD}}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, object]:
    """The settings of a certificate of ours, made as `millwright mes-certificate create` does."""
    folder = tmp_path_factory.mktemp("ours")
    create(folder / "client.pem", folder / "client.key", WallClock().now(), timedelta(days=30))
    return {"client_certificate": folder / "client.pem", "client_key": folder / "client.key"}


async def refusal(mes: JobControlMes) -> ActionRequired:
    with pytest.raises(ActionRequired) as caught:
        await mes.check()
    assert PASSWORD not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("mode", MODES)
async def test_a_hold_over_a_secured_connection(
    serve: Serve, mes_of: MesOf, ours: Mapping[str, object], mode: str, policy: str
) -> None:
    server = await serve("same-job-id", security={"modes": [mode], "policies": [policy], **WITH_USER})
    mes = mes_of(server, **ours, **USER, server_thumbprints=[server.thumbprint])
    assert f"signed in as millwright, with security {policy} ({MODES[mode]})" in await mes.check()
    plan = await mes.plan_hold("EQ-20", "MWKEY")
    assert await mes.place_hold(plan, "bearing") is PlaceResult.IN_EFFECT
    assert (await mes.read_hold(plan)).state is HoldState.HELD
    assert (await server.machine("Press2")).jobs == {"JO-1": "Interrupted"}
    assert [signed.clear for signed in await server.sign_ins()] == [False]


async def test_an_anonymous_user_over_a_secured_connection(
    serve: Serve, mes_of: MesOf, ours: Mapping[str, object]
) -> None:
    server = await serve("same-job-id", security=ENCRYPTED)
    told = await mes_of(server, **ours, server_thumbprints=[server.thumbprint]).check()
    assert "signed in as an anonymous user, with security Basic256Sha256 (sign_and_encrypt)" in told


async def test_the_safest_endpoint_is_taken(serve: Serve, mes_of: MesOf, ours: Mapping[str, object]) -> None:
    every = {"modes": ["None", *MODES], "policies": ["None", *POLICIES]}
    server = await serve("same-job-id", security=every)
    told = await mes_of(server, **ours, server_thumbprints=[server.thumbprint]).check()
    assert "with security Aes256_Sha256_RsaPss (sign_and_encrypt)" in told
    assert "with security None" in await mes_of(server).check()


async def test_an_encrypted_server_needs_a_certificate_of_ours(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("same-job-id", security=ENCRYPTED)
    error = await refusal(mes_of(server))
    assert "it asks for another security policy: it offers Basic256Sha256 (sign_and_encrypt)" in error.problem
    assert "millwright mes-certificate create" in error.problem
    assert server.thumbprint in error.problem


@pytest.mark.parametrize(("trusted", "words"), [([], "is not trusted yet"), (["ab" * 32], "is not the trusted one")])
async def test_a_certificate_that_is_not_trusted_is_told_by_its_thumbprint(
    serve: Serve, mes_of: MesOf, ours: Mapping[str, object], trusted: list[str], words: str
) -> None:
    server = await serve("same-job-id", security={**ENCRYPTED, **WITH_USER})
    error = await refusal(mes_of(server, **ours, **USER, server_thumbprints=trusted))
    assert words in error.problem
    assert server.thumbprint in error.problem
    assert error.field == "server_thumbprints"
    assert await server.sign_ins() == ()


async def test_a_changed_certificate_is_refused_until_it_is_trusted(
    serve: Serve, mes_of: MesOf, ours: Mapping[str, object]
) -> None:
    first = await serve("same-job-id", security=ENCRYPTED)
    mes = mes_of(first, **ours, server_thumbprints=[first.thumbprint])
    await mes.check()
    await mes.close()
    await first.end()
    second = await serve("same-job-id", security=ENCRYPTED, port=urlsplit(first.endpoint).port or 0)
    assert second.thumbprint != first.thumbprint
    error = await refusal(mes)
    assert "is not the trusted one, so it may have changed" in error.problem
    assert second.thumbprint in error.problem
    await mes_of(second, **ours, server_thumbprints=[first.thumbprint, second.thumbprint]).check()


async def test_a_server_that_does_not_trust_our_certificate_needs_a_person(
    serve: Serve, mes_of: MesOf, ours: Mapping[str, object]
) -> None:
    server = await serve("same-job-id", security={**ENCRYPTED, "trust": False})
    error = await refusal(mes_of(server, **ours, server_thumbprints=[server.thumbprint]))
    assert "our certificate" in error.problem


async def test_the_server_tells_a_password_that_is_sent_in_the_clear(serve: Serve) -> None:
    server = await serve("same-job-id", security={**OPEN, **WITH_USER, "tokens": [["clear", "None"]]})
    client = Client(server.endpoint)
    client.set_user("millwright")
    client.set_password(PASSWORD)
    async with client:
        assert await server.sign_ins() == (SignIn("clear", clear=True),)


async def test_a_password_is_not_sent_where_it_could_be_read(
    serve: Serve, mes_of: MesOf, ours: Mapping[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clear = {**WITH_USER, "tokens": [["clear", "None"]]}
    for channel in (OPEN, {**ENCRYPTED, "modes": ["Sign"]}):
        server = await serve("same-job-id", security={**channel, **clear})
        error = await refusal(mes_of(server, **ours, **USER, security="none", server_thumbprints=[server.thumbprint]))
        assert "it has no secure way for the password, which is therefore not sent" in error.problem
        assert await server.sign_ins() == ()
    assert PASSWORD not in caplog.text


async def test_without_security_a_password_is_encrypted_for_a_trusted_certificate_only(
    serve: Serve, mes_of: MesOf
) -> None:
    server = await serve("same-job-id", security={**OPEN, **WITH_USER, "tokens": [["hidden", "Basic256Sha256"]]})
    assert (await refusal(mes_of(server, **USER))).field == "server_thumbprints"
    assert await server.sign_ins() == ()
    await mes_of(server, **USER, server_thumbprints=[server.thumbprint]).check()
    assert await server.sign_ins() == (SignIn("hidden", clear=False),)


async def test_the_next_token_policy_is_tried_where_the_first_is_refused(
    serve: Serve, mes_of: MesOf, ours: Mapping[str, object]
) -> None:
    tokens = [["unknown", "ECC_nistP256"], ["first", "Basic256Sha256"], ["second", "Aes256_Sha256_RsaPss"]]
    server = await serve("same-job-id", security={**ENCRYPTED, **WITH_USER, "tokens": tokens, "refuse": ["first"]})
    mes = mes_of(server, **ours, **USER, server_thumbprints=[server.thumbprint])
    plan = await mes.plan_hold("EQ-20", "MWKEY")
    assert await mes.place_hold(plan, "bearing") is PlaceResult.IN_EFFECT
    assert [signed.policy for signed in await server.sign_ins()] == ["first", "second"]


async def test_a_wrong_password_is_sent_once(serve: Serve, mes_of: MesOf, ours: Mapping[str, object]) -> None:
    tokens = [["first", "Basic256Sha256"], ["second", "Aes256_Sha256_RsaPss"]]
    server = await serve("same-job-id", security={**ENCRYPTED, "users": {"millwright": "x"}, "tokens": tokens})
    error = await refusal(mes_of(server, **ours, **USER, server_thumbprints=[server.thumbprint]))
    assert "it does not let our user in" in error.problem
    assert [signed.policy for signed in await server.sign_ins()] == ["first"]
