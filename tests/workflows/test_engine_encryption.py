"""The connection to Temporal's production server with mutual TLS and with an API key."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from pydantic import SecretStr
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.service import ConnectConfig, RPCError, ServiceClient, TLSConfig

from domain.errors import Rejected, Unavailable
from domain.loops import wait_until
from millwright.runtime.embedded.go_programs import cache_directory
from millwright.runtime.embedded.processes import Process
from millwright.runtime.embedded.production_engine import SERVER, ProductionEngine
from millwright.settings import Settings
from millwright.workflow_engine.temporal import engine_client
from tests.support.certificates import SERVER_NAME, Authority

# In CI a missing part fails.
built = pytest.mark.skipif(
    "CI" not in os.environ and not (cache_directory(SERVER.module) / SERVER.name).exists(),
    reason="the production engine is not built here: `make engine-production` builds it",
)


class EncryptedEngine(ProductionEngine):
    """The production server, whose frontend wants a certificate of every client."""

    def __init__(self, home: Path, authority: Authority) -> None:
        super().__init__(home)
        self._authority = authority
        self._own = authority.issue("server")

    def configuration(self, server: Mapping[str, str]) -> dict[str, object]:
        made: dict[str, Any] = super().configuration(server)
        authorities = [str(self._authority.certificate)]
        files = {"certFile": str(self._own.certificate), "keyFile": str(self._own.key)}
        trusting = {"serverName": SERVER_NAME, "rootCaFiles": authorities}
        made["global"]["tls"] = {
            "frontend": {
                "server": {**files, "requireClientAuth": True, "clientCaFiles": authorities},
                "client": trusting,
            },
            "systemWorker": {**files, "client": trusting},
        }
        return made


@dataclass(frozen=True)
class Encrypted:
    """A running server, and how we connect to it."""

    address: str
    settings: Settings
    authority: Authority


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    folder = tmp_path_factory.mktemp("encrypted")
    authority = Authority(folder, "authority")
    engine, own = EncryptedEngine(folder, authority), authority.issue("worker")
    engine.before_start()
    process = Process("engine", engine.command(print), {}, folder)
    process.start()
    settings = Settings(
        temporal_tls=True,
        temporal_server_ca=authority.certificate,
        temporal_server_name=SERVER_NAME,
        temporal_client_certificate=own.certificate,
        temporal_client_key=own.key,
    )
    try:
        yield Encrypted(engine.address, settings, authority)
    finally:
        process.stop()
        engine.stop_database()


@pytest.fixture
async def serving(encrypted: Encrypted) -> Encrypted:
    """The same, once it answers and has the namespace."""
    settings = encrypted.settings
    assert settings.temporal_client_certificate is not None
    assert settings.temporal_client_key is not None
    tls = TLSConfig(
        server_root_ca_cert=encrypted.authority.certificate.read_bytes(),
        domain=SERVER_NAME,
        client_cert=settings.temporal_client_certificate.read_bytes(),
        client_private_key=settings.temporal_client_key.read_bytes(),
    )
    seven_days = Duration(seconds=int(timedelta(days=7).total_seconds()))

    async def registered() -> bool:
        with suppress(RuntimeError, RPCError):
            service = await ServiceClient.connect(ConnectConfig(target_host=encrypted.address, tls=tls))
            asked = RegisterNamespaceRequest(namespace="default", workflow_execution_retention_period=seven_days)
            with suppress(RPCError):
                await service.workflow_service.register_namespace(asked)
            await service.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
            return True
        return False

    assert await wait_until(registered, bool, every=0.2, timeout=60)
    return encrypted


async def answers(settings: Settings, address: str) -> bool:
    async with engine_client(settings, address) as client:
        return await client.service_client.check_health(timeout=timedelta(seconds=5))


@built
async def test_the_production_server_is_reached_with_our_certificate_and_an_api_key(serving: Encrypted) -> None:
    assert await answers(serving.settings, serving.address)
    with_key = serving.settings.model_copy(update={"temporal_api_key": SecretStr("engine-key-1234")})
    assert await answers(with_key, serving.address)


@built
async def test_the_production_server_refuses_us_without_a_certificate(serving: Encrypted) -> None:
    none = serving.settings.model_copy(update={"temporal_client_certificate": None, "temporal_client_key": None})
    with pytest.raises(Unavailable):
        await answers(none, serving.address)


@built
async def test_the_production_server_refuses_a_certificate_of_another_authority(
    serving: Encrypted, tmp_path: Path
) -> None:
    foreign = Authority(tmp_path, "foreign").issue("mallory")
    files = {"temporal_client_certificate": foreign.certificate, "temporal_client_key": foreign.key}
    with pytest.raises(Unavailable):
        await answers(serving.settings.model_copy(update=files), serving.address)


@built
async def test_a_server_that_another_authority_vouches_for_is_not_spoken_to(serving: Encrypted, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    with pytest.raises(Unavailable):
        await answers(serving.settings.model_copy(update={"temporal_server_ca": other.certificate}), serving.address)


@built
async def test_the_production_server_is_not_reached_without_tls(serving: Encrypted) -> None:
    with pytest.raises(Unavailable):
        await answers(Settings(), serving.address)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"temporal_api_key": "engine-key-1234"}, "temporal_tls: would send the engine's API key unencrypted"),
        ({"temporal_server_ca": "ca.pem"}, "temporal_server_ca: has no effect without TLS"),
        ({"temporal_client_certificate": "a.pem"}, "temporal_client_certificate: has no effect without TLS"),
        ({"temporal_tls": True, "temporal_client_key": "a.key"}, "a client certificate and its key go together"),
        ({"temporal_tls": True, "temporal_server_ca": "/not/there.pem"}, "/not/there.pem cannot be read"),
        ({"temporal_address": "http://engine:7233"}, "temporal_address: is a URL"),
    ],
)
async def test_a_connection_that_would_not_be_encrypted_as_set_is_refused_with_a_sentence(
    wrong: dict[str, object], words: str
) -> None:
    with pytest.raises(Rejected, match=words) as refused:
        await answers(Settings.model_validate(wrong), "127.0.0.1:9")
    assert "engine-key-1234" not in str(refused.value)
    assert refused.value.fix
