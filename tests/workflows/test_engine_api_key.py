"""The API key of the workflow engine, checked by Temporal's production server: it takes signed tokens (JWT).

The server gets the public key from a key set (JWKS). The claims of a token say who may do what in which namespace.
"""

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from google.protobuf.duration_pb2 import Duration
from pydantic import SecretStr
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import ConnectConfig, RPCError, ServiceClient, TLSConfig

from domain.errors import ActionRequired
from domain.loops import wait_until
from millwright.cli.lifetime import once_there
from millwright.runtime.embedded.processes import Process, quiet_port
from millwright.settings import Settings
from millwright.workflow_engine.engine_condition import cases_without_workflow, missing_search_attributes
from millwright.workflow_engine.temporal import TemporalEngine, engine_client, register_search_attributes
from tests.support.certificates import SERVER_NAME, Authority
from tests.workflows.test_engine_encryption import EncryptedEngine, built

KEY_ID = "millwright-test"


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def token(
    key: RSAPrivateKey,
    *,
    permissions: tuple[str, ...] = ("default:admin", "temporal-system:admin"),
    valid: timedelta = timedelta(hours=1),
) -> str:
    """A signed token of these permissions, as an identity provider issues it."""
    until = int((datetime.now(UTC) + valid).timestamp())
    parts = (
        {"alg": "RS256", "typ": "JWT", "kid": KEY_ID},
        {"sub": "millwright", "permissions": permissions, "exp": until},
    )
    signed = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{encoded(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def key_set(key: RSAPrivateKey) -> Iterator[str]:
    """The address of the key set, on this machine."""
    public = key.public_key().public_numbers()
    number = {
        name: encoded(value.to_bytes((value.bit_length() + 7) // 8))
        for name, value in (("n", public.n), ("e", public.e))
    }
    body = json.dumps({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY_ID, **number}]}).encode()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/keys"
        server.shutdown()
        serving.join()


class KeyedEngine(EncryptedEngine):
    """The production server, whose frontend wants a token of every client, and no certificate."""

    def __init__(self, home: Path, authority: Authority, key_set: str) -> None:
        super().__init__(home, authority)
        self._key_set = key_set
        self._internal = quiet_port(), quiet_port()

    def command(self, say: Callable[[str], None]) -> list[str]:
        services = ("frontend", "internal-frontend", "history", "matching", "worker")
        return [*super().command(say), *(word for service in services for word in ("--service", service))]

    def configuration(self, server: Mapping[str, str]) -> dict[str, object]:
        made: dict[str, Any] = super().configuration(server)
        made["global"]["tls"]["frontend"]["server"]["requireClientAuth"] = False
        made["global"]["authorization"] = {
            "jwtKeyProvider": {"keySourceURIs": [self._key_set], "refreshInterval": "1m"},
            "permissionsClaimName": "permissions",
            "authorizer": "default",
            "claimMapper": "default",
        }
        # The server's own workers have no token. They use a frontend of their own.
        grpc, membership = self._internal
        made["services"]["internal-frontend"] = {
            "rpc": {"grpcPort": grpc, "membershipPort": membership, "bindOnLocalHost": True}
        }
        return made


@dataclass(frozen=True)
class Keyed:
    """A running server, and how we connect to it without a key."""

    address: str
    settings: Settings

    def with_key(self, key: str) -> Settings:
        return self.settings.model_copy(update={"temporal_api_key": SecretStr(key)})


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory, key: RSAPrivateKey, key_set: str) -> Iterator[Keyed]:
    folder = tmp_path_factory.mktemp("keyed")
    authority = Authority(folder, "authority")
    engine = KeyedEngine(folder, authority, key_set)
    engine.before_start()
    process = Process("engine", engine.command(print), {}, folder)
    process.start()
    settings = Settings(temporal_tls=True, temporal_server_ca=authority.certificate, temporal_server_name=SERVER_NAME)
    try:
        asyncio.run(namespace_made(engine.address, authority, token(key)))
        yield Keyed(engine.address, settings)
    finally:
        process.stop()
        engine.stop_database()


async def namespace_made(address: str, authority: Authority, admin: str) -> None:
    """Waits until the server answers, and makes the namespace."""
    tls = TLSConfig(server_root_ca_cert=authority.certificate.read_bytes(), domain=SERVER_NAME)
    seven_days = Duration(seconds=int(timedelta(days=7).total_seconds()))

    async def registered() -> bool:
        with suppress(RuntimeError, RPCError):
            service = await ServiceClient.connect(ConnectConfig(target_host=address, tls=tls, api_key=admin))
            asked = RegisterNamespaceRequest(namespace="default", workflow_execution_retention_period=seven_days)
            with suppress(RPCError):
                await service.workflow_service.register_namespace(asked)
            await service.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
            return True
        return False

    assert await wait_until(registered, bool, every=0.2, timeout=180)


async def works(client: Client) -> None:
    """What our processes ask of the engine."""
    await register_search_attributes(client)
    assert await missing_search_attributes(client) == []
    assert await cases_without_workflow(client, ["MW00000001"]) == ["MW00000001"]
    intervals = timedelta(minutes=1), timedelta(minutes=1)
    await TemporalEngine(client, "millwright", *intervals, timedelta(seconds=10)).wake(["line/L1"])


@built
async def test_the_right_key_is_taken(keyed: Keyed, key: RSAPrivateKey) -> None:
    async with engine_client(keyed.with_key(token(key)), keyed.address) as client:
        await works(client)


WRONG: dict[str, Callable[[RSAPrivateKey], str]] = {
    "no token": lambda _: "engine-key-1234",
    "signed by another": lambda _: token(generate_private_key(65537, 2048)),
    "expired": lambda key: token(key, valid=timedelta(hours=-1)),
    "altered": lambda key: token(key)[:-8] + "AAAAAAAA",
    "unsigned": lambda key: token(key).rpartition(".")[0] + ".",
    "of another namespace": lambda key: token(key, permissions=("elsewhere:admin",)),
}


@built
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_a_wrong_key_is_refused_and_not_shown(
    keyed: Keyed, key: RSAPrivateKey, wrong: Callable[[RSAPrivateKey], str]
) -> None:
    given = wrong(key)
    with pytest.raises(ActionRequired, match="Request unauthorized") as refused:
        async with engine_client(keyed.with_key(given), keyed.address):
            pass
    assert given not in str(refused.value)


@built
async def test_without_a_key_nothing_is_done(keyed: Keyed) -> None:
    with pytest.raises(ActionRequired, match="Request unauthorized"):
        async with engine_client(keyed.settings, keyed.address):
            pass
    async with engine_client(keyed.settings, keyed.address, lazy=True) as client:
        engine = TemporalEngine(client, "millwright", timedelta(minutes=1), timedelta(minutes=1), timedelta(seconds=10))
        for call in (
            register_search_attributes(client),
            missing_search_attributes(client),
            cases_without_workflow(client, ["MW00000001"]),
            engine.wake(["line/L1"]),
        ):
            with pytest.raises(ActionRequired, match="Request unauthorized"):
                await call


@built
async def test_a_process_waits_for_an_engine_that_refuses_it_and_says_why(
    keyed: Keyed, key: RSAPrivateKey, caplog: pytest.LogCaptureFixture
) -> None:
    keys = iter([token(key, valid=timedelta(hours=-1)), token(key)])

    async def connected() -> bool:
        async with engine_client(keyed.with_key(next(keys)), keyed.address):
            return True

    assert await once_there("the workflow engine", connected, asyncio.Event(), pause=0.01)
    refusal = "the engine refuses our API key or certificate: Request unauthorized."
    assert caplog.messages == [
        f"waiting for the workflow engine: temporal connect to {keyed.address}: {refusal}",
        "the workflow engine answers now",
    ]
