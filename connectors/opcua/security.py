"""The choice of an endpoint and a user token: pure functions over what a server says of itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from connectors.call import Call
from connectors.opcua.connection_settings import OpcUaSettings, SecurityMode
from domain.errors import ActionRequired

POLICY_PREFIX: Final = "http://opcfoundation.org/UA/SecurityPolicy#"
NO_POLICY: Final = "None"

# Basic256Sha256 encrypts messages with longer keys than Aes128_Sha256_RsaOaep, and is otherwise the same.
POLICIES: Final = ("Aes256_Sha256_RsaPss", "Basic256Sha256", "Aes128_Sha256_RsaOaep")
"""The security policies that we take, the safest first. The deprecated Basic256 and Basic128Rsa15 are none of them."""

ANONYMOUS: Final = 0
USER_NAME: Final = 1

_MODES: Final = {1: SecurityMode.NONE, 2: SecurityMode.SIGN, 3: SecurityMode.SIGN_AND_ENCRYPT}
_RANKS: Final = tuple(SecurityMode)
_CREATE: Final = (
    "make a certificate with `millwright mes-certificate create`, and set client_certificate and client_key"
)
_TRUST: Final = "compare it with the one that the server itself shows, and put it into server_thumbprints"


@dataclass(frozen=True)
class TokenPolicy:
    """A way in which an endpoint lets users in (OPC 10000-4, UserTokenPolicy).

    Args:
        policy: the security policy of the token's secret: its own, or that of the endpoint if it names none.
    """

    id: str | None
    kind: int
    policy: str


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of a server, as far as the choice needs it (OPC 10000-4, EndpointDescription).

    Args:
        certificate: the server's own certificate in DER; empty if the endpoint shows none.
        application_uri: what the server calls itself; empty if it does not say.
    """

    mode: SecurityMode
    policy: str
    tokens: tuple[TokenPolicy, ...]
    certificate: bytes = field(default=b"", repr=False)
    application_uri: str = ""

    @property
    def thumbprint(self) -> str:
        """SHA-256 of the certificate in hexadecimal; empty if there is none."""
        return sha256(self.certificate).hexdigest() if self.certificate else ""

    @property
    def words(self) -> str:
        return self.policy if self.mode is SecurityMode.NONE else f"{self.policy} ({self.mode})"


@dataclass(frozen=True)
class EndpointChoice:
    """The endpoint to connect to, and the user tokens to try there, one after the other."""

    endpoint: Endpoint
    tokens: tuple[TokenPolicy, ...]


def offered(descriptions: Iterable[Any]) -> tuple[Endpoint, ...]:
    """The endpoints for OPC UA's own protocol over TCP among those that a server describes.

    Raises:
        AttributeError, TypeError, ValueError: a description has an unexpected shape.
    """
    return tuple(
        _endpoint(each, _MODES[int(each.SecurityMode)])
        for each in descriptions
        if (each.EndpointUrl or "").startswith("opc.tcp:") and int(each.SecurityMode) in _MODES
    )


def own_certificate(chain: bytes | None) -> bytes:
    """The first certificate of a chain in DER, which is the server's own."""
    if chain is None:
        return b""
    if chain[:2] == b"\x30\x82":
        return chain[: 4 + int.from_bytes(chain[2:4], "big")]
    return chain


def choose(call: Call, endpoints: Iterable[Endpoint], settings: OpcUaSettings) -> EndpointChoice:
    """The safest endpoint that we can use under the settings, and its user tokens in the server's order.

    `None` is taken only if the settings allow it. A certificate is needed for every other endpoint, and a trusted one
    of the server also where only the password is encrypted.

    Raises:
        ActionRequired: there is none, or the server's certificate is not trusted.
    """
    endpoints = tuple(endpoints)
    allowed = [each for each in endpoints if _is_allowed(each, settings)]
    usable = [each for each in allowed if user_tokens(each, settings)]
    if not usable:
        raise _nothing_usable(call, endpoints, allowed, settings)
    endpoint = min(usable, key=_rank)
    relies_on_certificate = endpoint.mode is not SecurityMode.NONE or settings.password is not None
    if relies_on_certificate and endpoint.thumbprint not in settings.server_thumbprints:
        raise _untrusted(call, endpoint, settings)
    return EndpointChoice(endpoint, user_tokens(endpoint, settings))


def user_tokens(endpoint: Endpoint, settings: OpcUaSettings) -> tuple[TokenPolicy, ...]:
    """The tokens of an endpoint with which our user may sign in, in the server's order. None of them shows a password.

    An endpoint that names no token at all lets anonymous users in.
    """
    if settings.password is None:
        anonymous = tuple(each for each in endpoint.tokens if each.kind == ANONYMOUS)
        return anonymous if endpoint.tokens else (TokenPolicy(None, ANONYMOUS, NO_POLICY),)
    return tuple(each for each in endpoint.tokens if each.kind == USER_NAME and _hides_password(endpoint, each))


def check_session(
    call: Call,
    choice: EndpointChoice,
    token: TokenPolicy,
    told: Iterable[Endpoint],
    certificate: bytes,
    settings: OpcUaSettings,
) -> None:
    """Compares what the server says of itself over the connection with what it said before.

    What it said before was not signed, so somebody in between may have taken the safer endpoints away. Without
    security and without a password there is nothing to compare: what is said over the connection is not signed either.

    Args:
        told: the endpoints by the answer to CreateSession; they may be without certificates (OPC 10000-4, 5.7.2).
        certificate: the server's own certificate by that answer; a password is encrypted for it.

    Raises:
        ActionRequired: the token is not among those of the endpoint, there is a safer endpoint than the one taken, or
            the certificate is another one.
    """
    told = tuple(told)
    taken = choice.endpoint
    if taken.mode is SecurityMode.NONE and settings.password is None:
        return
    same = [each for each in told if (each.mode, each.policy) == (taken.mode, taken.policy)]
    safer = [
        each
        for each in told
        if _is_allowed(each, settings) and _rank(each) < _rank(taken) and user_tokens(each, settings)
    ]
    has_token = any(token in user_tokens(each, settings) for each in same)
    if safer or not has_token or certificate != taken.certificate:
        raise call.error(
            ActionRequired,
            "it describes itself differently over the connection and before it; somebody may have changed the "
            "description on the way",
            field="url",
        )


def _endpoint(description: Any, mode: SecurityMode) -> Endpoint:
    policy = _policy(description.SecurityPolicyUri)
    return Endpoint(
        mode=mode,
        policy=policy,
        tokens=tuple(
            TokenPolicy(
                id=each.PolicyId,
                kind=int(each.TokenType),
                policy=_policy(each.SecurityPolicyUri) if each.SecurityPolicyUri else policy,
            )
            for each in description.UserIdentityTokens or ()
        ),
        certificate=own_certificate(description.ServerCertificate),
        application_uri=description.Server.ApplicationUri or "",
    )


def _policy(uri: str | None) -> str:
    return (uri or "").removeprefix(POLICY_PREFIX)


def _is_supported(endpoint: Endpoint) -> bool:
    return endpoint.policy == NO_POLICY if endpoint.mode is SecurityMode.NONE else endpoint.policy in POLICIES


def _is_allowed(endpoint: Endpoint, settings: OpcUaSettings) -> bool:
    if not _is_supported(endpoint) or _RANKS.index(endpoint.mode) < _RANKS.index(settings.least_security):
        return False
    return endpoint.mode is SecurityMode.NONE or settings.client_certificate is not None


def _hides_password(endpoint: Endpoint, token: TokenPolicy) -> bool:
    encrypted_anyway = endpoint.mode is SecurityMode.SIGN_AND_ENCRYPT and token.policy == NO_POLICY
    return token.policy in POLICIES or encrypted_anyway


def _rank(endpoint: Endpoint) -> tuple[int, int]:
    """The smaller, the safer; only of supported endpoints."""
    policy = POLICIES.index(endpoint.policy) if endpoint.policy in POLICIES else len(POLICIES)
    return -_RANKS.index(endpoint.mode), policy


def _nothing_usable(
    call: Call, endpoints: tuple[Endpoint, ...], allowed: list[Endpoint], settings: OpcUaSettings
) -> ActionRequired:
    if not endpoints:
        return call.error(ActionRequired, "it describes no endpoint for opc.tcp", field="url")
    if allowed and settings.password is None:
        return call.error(ActionRequired, "it lets no anonymous user in: set user and password", field="user")
    if allowed:
        problem, field_name = "it has no secure way for the password, which is therefore not sent", "password"
    else:
        told = ", ".join(sorted({each.words for each in endpoints}))
        problem, field_name = f"it asks for another security policy: it offers {told}", "security"
    secured = [each for each in endpoints if each.mode is not SecurityMode.NONE and _is_supported(each)]
    if settings.client_certificate is None and secured:
        seen = min(secured, key=_rank).thumbprint
        return call.error(
            ActionRequired,
            f"{problem}. To connect to a secured endpoint, {_CREATE}. The server's certificate has the SHA-256 "
            f"thumbprint {seen}: {_TRUST}",
            field="client_certificate",
        )
    needed = f"at least {settings.least_security}, with one of {', '.join(POLICIES)}"
    return call.error(ActionRequired, f"{problem}. We take {needed}", field=field_name)


def _untrusted(call: Call, endpoint: Endpoint, settings: OpcUaSettings) -> ActionRequired:
    if not endpoint.certificate:
        return call.error(ActionRequired, "it shows no certificate that could be trusted", field="server_thumbprints")
    known = "is not the trusted one, so it may have changed" if settings.server_thumbprints else "is not trusted yet"
    return call.error(
        ActionRequired,
        f"the server's certificate {known}. Its SHA-256 thumbprint is {endpoint.thumbprint}: {_TRUST}",
        field="server_thumbprints",
    )
