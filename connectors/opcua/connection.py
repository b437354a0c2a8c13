"""Opens a connection to a Job Control server: asks for its endpoints, takes the safest, and signs in."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import cryptography.exceptions
from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import InvalidSignature
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from connectors.call import Call
from connectors.library_errors import PLAIN_ERRORS
from connectors.opcua import security
from connectors.opcua.certificate import read_certificate
from connectors.opcua.connection_settings import OpcUaSettings, SecurityMode
from connectors.opcua.security import POLICY_PREFIX, EndpointChoice, TokenPolicy
from domain.errors import ActionRequired

logger = logging.getLogger(__name__)

# At DEBUG asyncua logs every request, including the password of ActivateSession.
logging.getLogger("asyncua.client.ua_client.UASocketProtocol").setLevel(logging.INFO)
# asyncua warns of each type that a server shares with the base nodeset, about 45 times for one connection.
logging.getLogger("asyncua.ua.uatypes").setLevel(logging.ERROR)

# asyncua checks RSA signatures with cryptography and lets its exception through, which is not the one of the same name.
LIBRARY_ERRORS: Final = (UaError, InvalidSignature, cryptography.exceptions.InvalidSignature, *PLAIN_ERRORS)
"""What asyncua raises."""

_WATCHDOG_SECONDS: Final = 5.0
_SESSION_MILLISECONDS: Final = 600_000

_POLICIES: Final = {
    policy.URI.removeprefix(POLICY_PREFIX): policy
    for policy in (
        security_policies.SecurityPolicyAes256Sha256RsaPss,
        security_policies.SecurityPolicyBasic256Sha256,
        security_policies.SecurityPolicyAes128Sha256RsaOaep,
    )
}
_MODES: Final = {
    SecurityMode.SIGN: ua.MessageSecurityMode.Sign,
    SecurityMode.SIGN_AND_ENCRYPT: ua.MessageSecurityMode.SignAndEncrypt,
}

# BadUserAccessDenied is not one of these: it says that the password is wrong, and each further attempt with a wrong one
# may lock the user.
_TOKEN_REFUSALS: Final = frozenset(
    {
        "BadIdentityTokenInvalid",
        "BadIdentityTokenRejected",
        "BadSecurityChecksFailed",
        "BadSecurityModeInsufficient",
        "BadSecurityPolicyRejected",
        "BadUserSignatureInvalid",
    }
)


class QuietClient(Client):  # type: ignore[misc]  # asyncua is not type-checked here
    """A client that logs no traceback when a lost connection is closed, as asyncua does."""

    async def close_session(self) -> None:
        try:
            await super().close_session()
        except LIBRARY_ERRORS as error:
            logger.debug("closing the session of a lost connection: %r", error)

    async def close_secure_channel(self) -> None:
        try:
            await super().close_secure_channel()
        except LIBRARY_ERRORS as error:
            logger.debug("closing the channel of a lost connection: %r", error)


class SigningInClient(QuietClient):
    """A client that signs in with one token, at an endpoint that was chosen.

    Args:
        check: checks the server's answer to CreateSession, before anything of the user is sent.
    """

    def __init__(self, settings: OpcUaSettings, call: Call, token: TokenPolicy, check: Callable[[Any], None]) -> None:
        super().__init__(settings.url, timeout=_timeout(settings), watchdog_intervall=_WATCHDOG_SECONDS)
        self.name = "Millwright"
        self.session_timeout = _SESSION_MILLISECONDS
        self.token_refusal: UaStatusCodeError | None = None
        self._call = call
        self._token = token
        self._check = check

    async def open_secure_channel(self, renew: bool = False) -> None:
        try:
            await super().open_secure_channel(renew)
        except AssertionError:
            if self.security_policy.Mode == ua.MessageSecurityMode.None_:
                raise
            # asyncua reads a fault as the answer that it expected, fails, and so loses the server's reason.
            raise self._call.error(
                ActionRequired,
                "it opens no secured channel for us; its administrator must let it trust our certificate",
                field="client_certificate",
            ) from None

    async def create_session(self) -> Any:
        response = await super().create_session()
        self._check(response)
        return response

    async def activate_session(
        self, username: str | None = None, password: str | None = None, certificate: Any | None = None
    ) -> Any:
        try:
            return await super().activate_session(username, password, certificate)
        except UaStatusCodeError as refusal:
            if ua.StatusCode(refusal.code).name in _TOKEN_REFUSALS:
                self.token_refusal = refusal
            raise

    def server_policy(self, token_type: ua.UserTokenType) -> ua.UserTokenPolicy:
        """The policy of our token. asyncua would take the first of the type."""
        uri = f"{POLICY_PREFIX}{self._token.policy}"
        return ua.UserTokenPolicy(PolicyId=self._token.id, TokenType=token_type, SecurityPolicyUri=uri)


async def signed_in(settings: OpcUaSettings, call: Call) -> tuple[Client, EndpointChoice]:
    """A client whose session is open, and the endpoint that it is connected to. If a user token is refused, the next
    one of the endpoint is tried on a connection of its own.

    Raises:
        ActionRequired: no endpoint can be used, its certificate is not trusted, or ours cannot be read.
    """
    endpoints = security.offered(await _descriptions(settings))
    choice = security.choose(call, endpoints, settings)
    *others, last = choice.tokens
    for token in others:
        client = _client(settings, call, choice, token)
        try:
            await _connect(client)
        except UaStatusCodeError as failure:
            if client.token_refusal is not failure:
                raise
            logger.info("%s: user token policy %s is refused, trying the next: %s", call.system, token.id, failure)
        else:
            return client, choice
    client = _client(settings, call, choice, last)
    await _connect(client)
    return client, choice


async def cut(client: Any) -> None:
    """Closes a connection in the background, because the server may not answer."""
    client.disconnect_socket()
    await asyncio.sleep(0)
    await client.close_session()


async def _descriptions(settings: OpcUaSettings) -> Any:
    client = QuietClient(settings.url, timeout=_timeout(settings))
    return await client.connect_and_get_server_endpoints()


def _client(settings: OpcUaSettings, call: Call, choice: EndpointChoice, token: TokenPolicy) -> SigningInClient:
    def check(response: Any) -> None:
        told = security.offered(response.ServerEndpoints)
        certificate = security.own_certificate(response.ServerCertificate)
        security.check_session(call, choice, token, told, certificate, settings)

    client = SigningInClient(settings, call, token, check)
    endpoint = choice.endpoint
    if endpoint.mode is not SecurityMode.NONE:
        ours = read_certificate(call, settings.client_certificate, settings.client_key)
        client.application_uri = ours.application_uri
        client.security_policy = _POLICIES[endpoint.policy](
            endpoint.certificate, ours.certificate, ours.key, _MODES[endpoint.mode]
        )
        client.uaclient.set_security(client.security_policy)
    if settings.user is not None and settings.password is not None:
        client.set_user(settings.user)
        client.set_password(settings.password.get_secret_value())
    return client


async def _connect(client: Client) -> None:
    try:
        await client.connect()
    except BaseException:
        await cut(client)
        raise


def _timeout(settings: OpcUaSettings) -> float:
    """The limit of each request of the library. The callers end theirs earlier; opening a session takes many."""
    return max(settings.timeout, settings.connect_timeout).total_seconds()
