"""Which endpoint and which user token are taken, from descriptions that no server sent."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from asyncua import ua
from pydantic import ValidationError

from connectors.call import Call
from connectors.mes.opcua_job_control.settings import JobControlSettings
from connectors.opcua.connection_settings import SecurityMode
from connectors.opcua.security import (
    POLICIES,
    POLICY_PREFIX,
    Endpoint,
    EndpointChoice,
    TokenPolicy,
    check_session,
    choose,
    offered,
    own_certificate,
    user_tokens,
)
from domain.errors import ActionRequired

CALL = Call("mes", "check")
CERTIFICATE = b"\x30\x82\x00\x02ok"
TRUSTED = sha256(CERTIFICATE).hexdigest()
PASSWORD = "word-of-mouth"
NONE, SIGN, ENCRYPT = SecurityMode.NONE, SecurityMode.SIGN, SecurityMode.SIGN_AND_ENCRYPT
ANONYMOUS = TokenPolicy("anonymous", 0, "None")
BY_CERTIFICATE = TokenPolicy("certificate", 2, "Basic256Sha256")


def name_token(policy: str, name: str = "name") -> TokenPolicy:
    return TokenPolicy(name, 1, policy)


def endpoint(mode: SecurityMode, policy: str, *tokens: TokenPolicy, certificate: bytes = CERTIFICATE) -> Endpoint:
    return Endpoint(mode, policy, tokens or (ANONYMOUS, name_token(policy)), certificate)


def settings(
    *, user: bool = False, ours: bool = True, trusted: Sequence[str] = (TRUSTED,), security: str | None = None
) -> JobControlSettings:
    return JobControlSettings.model_validate(
        {
            "url": "opc.tcp://mes:4840",
            "user": "millwright" if user else None,
            "password": PASSWORD if user else None,
            "client_certificate": "ours.pem" if ours else None,
            "client_key": "ours.key" if ours else None,
            "server_thumbprints": list(trusted),
            "security": security,
        }
    )


OPEN = endpoint(NONE, "None")
EVERY = (OPEN, *(endpoint(mode, policy) for mode in (SIGN, ENCRYPT) for policy in reversed(POLICIES)))


def refusal(endpoints: Sequence[Endpoint], own: JobControlSettings) -> ActionRequired:
    with pytest.raises(ActionRequired) as caught:
        choose(CALL, endpoints, own)
    assert PASSWORD not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("endpoints", "taken"),
    [
        (EVERY, endpoint(ENCRYPT, "Aes256_Sha256_RsaPss")),
        (EVERY[:4], endpoint(SIGN, "Aes256_Sha256_RsaPss")),
        (
            [endpoint(SIGN, "Aes256_Sha256_RsaPss"), endpoint(ENCRYPT, "Aes128_Sha256_RsaOaep")],
            endpoint(ENCRYPT, "Aes128_Sha256_RsaOaep"),
        ),
        (
            [endpoint(ENCRYPT, "Aes128_Sha256_RsaOaep"), endpoint(ENCRYPT, "Basic256Sha256")],
            endpoint(ENCRYPT, "Basic256Sha256"),
        ),
        ([endpoint(ENCRYPT, "Basic256"), endpoint(SIGN, "Basic256Sha256")], endpoint(SIGN, "Basic256Sha256")),
        (
            [endpoint(ENCRYPT, "Basic256Sha256", BY_CERTIFICATE), endpoint(SIGN, "Basic256Sha256")],
            endpoint(SIGN, "Basic256Sha256"),
        ),
    ],
)
@pytest.mark.parametrize("user", [False, True])
def test_the_safest_endpoint_that_we_can_use_is_taken(
    endpoints: Sequence[Endpoint], taken: Endpoint, *, user: bool
) -> None:
    assert choose(CALL, endpoints, settings(user=user)).endpoint == taken


def test_without_a_certificate_of_ours_an_open_endpoint_is_taken() -> None:
    assert choose(CALL, EVERY, settings(ours=False, trusted=())) == EndpointChoice(OPEN, (ANONYMOUS,))


def test_whoever_made_a_certificate_is_never_connected_without_security_unless_they_say_so() -> None:
    error = refusal([OPEN], settings())
    assert error.problem.startswith("it asks for another security policy: it offers None. We take at least sign")
    assert choose(CALL, [OPEN], settings(security="none")).endpoint == OPEN


def test_the_least_security_is_kept() -> None:
    assert "at least sign_and_encrypt" in refusal(EVERY[:4], settings(security="sign_and_encrypt")).problem
    assert choose(CALL, EVERY, settings(security="sign_and_encrypt")).endpoint.mode is ENCRYPT


def test_an_endpoint_that_needs_a_certificate_names_the_command_and_the_thumbprint() -> None:
    error = refusal([endpoint(ENCRYPT, "Basic256Sha256")], settings(ours=False, trusted=()))
    assert error.problem.startswith("it asks for another security policy: it offers Basic256Sha256 (sign_and_encrypt).")
    assert "`millwright mes-certificate create`" in error.problem
    assert TRUSTED in error.problem
    assert "server_thumbprints" in error.problem
    assert error.field == "client_certificate"


@pytest.mark.parametrize("policy", ["Basic256", "Basic128Rsa15", "ECC_nistP256", ""])
def test_a_policy_that_we_do_not_take_is_named(policy: str) -> None:
    error = refusal([endpoint(ENCRYPT, policy)], settings())
    assert error.problem.startswith(f"it asks for another security policy: it offers {policy} (sign_and_encrypt)")
    assert ", ".join(POLICIES) in error.problem


@pytest.mark.parametrize(
    ("trusted", "words"), [((), "is not trusted yet"), (("ab" * 32,), "is not the trusted one, so it may have changed")]
)
def test_a_certificate_that_is_not_trusted_is_told_with_its_thumbprint(trusted: Sequence[str], words: str) -> None:
    error = refusal(EVERY, settings(trusted=trusted))
    assert words in error.problem
    assert TRUSTED in error.problem
    assert error.field == "server_thumbprints"


def test_a_certificate_that_is_not_trusted_leads_to_no_endpoint_that_is_less_safe() -> None:
    other = endpoint(ENCRYPT, "Basic256Sha256", certificate=b"another one")
    assert refusal([OPEN, endpoint(SIGN, "Basic256Sha256"), other], settings()).field == "server_thumbprints"


def test_an_endpoint_without_a_certificate_is_not_trusted() -> None:
    bare = endpoint(ENCRYPT, "Basic256Sha256", certificate=b"")
    assert "it shows no certificate" in refusal([bare], settings()).problem


def test_a_server_that_describes_no_endpoint_needs_a_person() -> None:
    assert refusal([], settings()).field == "url"


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        (endpoint(ENCRYPT, "Basic256Sha256", name_token("None")), True),
        (endpoint(ENCRYPT, "Basic256Sha256", name_token("Basic256Sha256")), True),
        (endpoint(ENCRYPT, "Basic256Sha256", name_token("Basic256")), False),
        (endpoint(SIGN, "Basic256Sha256", name_token("None")), False),
        (endpoint(SIGN, "Basic256Sha256", name_token("Aes256_Sha256_RsaPss")), True),
        (endpoint(NONE, "None", name_token("None")), False),
        (endpoint(NONE, "None", name_token("Aes128_Sha256_RsaOaep")), True),
        (endpoint(NONE, "None", name_token("Basic128Rsa15")), False),
        (endpoint(NONE, "None", ANONYMOUS), False),
    ],
)
def test_a_password_is_sent_encrypted_or_not_at_all(at: Endpoint, *, sent: bool) -> None:
    assert bool(user_tokens(at, settings(user=True))) is sent


def test_where_a_password_could_be_read_it_is_refused_in_a_sentence() -> None:
    clear = endpoint(NONE, "None", name_token("None"))
    error = refusal([clear], settings(user=True, ours=False))
    assert error.problem.startswith("it has no secure way for the password, which is therefore not sent")
    advice = refusal([clear, endpoint(ENCRYPT, "Basic256Sha256")], settings(user=True, ours=False))
    assert "`millwright mes-certificate create`" in advice.problem


def test_a_password_is_encrypted_for_a_trusted_certificate_only() -> None:
    hidden = endpoint(NONE, "None", name_token("Basic256Sha256"))
    assert choose(CALL, [hidden], settings(user=True, ours=False)).tokens == hidden.tokens
    assert refusal([hidden], settings(user=True, ours=False, trusted=())).field == "server_thumbprints"


def test_the_tokens_are_tried_in_the_server_s_order_without_those_that_we_do_not_take() -> None:
    tokens = [name_token(policy, policy) for policy in ("ECC_nistP256", "Basic256Sha256", "None", "Basic256")]
    at = endpoint(ENCRYPT, "Basic256Sha256", ANONYMOUS, *tokens, BY_CERTIFICATE)
    assert [token.id for token in choose(CALL, [at], settings(user=True)).tokens] == ["Basic256Sha256", "None"]


def test_a_user_is_needed_where_no_anonymous_one_is_welcome() -> None:
    assert refusal([endpoint(NONE, "None", name_token("None"))], settings(ours=False)).field == "user"


def test_an_endpoint_that_names_no_token_lets_anonymous_users_in() -> None:
    (bare,) = offered([description(ua.MessageSecurityMode.None_, "None", [])])
    assert user_tokens(bare, settings()) == (TokenPolicy(None, 0, "None"),)


def description(mode: ua.MessageSecurityMode, policy: str, tokens: Sequence[ua.UserTokenPolicy]) -> object:
    return ua.EndpointDescription(
        EndpointUrl="opc.tcp://mes:4840",
        SecurityMode=mode,
        SecurityPolicyUri=f"{POLICY_PREFIX}{policy}",
        UserIdentityTokens=list(tokens),
        ServerCertificate=CERTIFICATE + b"its issuer",
    )


def test_descriptions_are_read_with_the_endpoint_s_policy_where_a_token_names_none() -> None:
    tokens = [
        ua.UserTokenPolicy(PolicyId="a", TokenType=ua.UserTokenType.UserName),
        ua.UserTokenPolicy(
            PolicyId="b", TokenType=ua.UserTokenType.UserName, SecurityPolicyUri=f"{POLICY_PREFIX}Basic256Sha256"
        ),
    ]
    read = offered([description(ua.MessageSecurityMode.Sign, "Aes256_Sha256_RsaPss", tokens)])
    expected = (name_token("Aes256_Sha256_RsaPss", "a"), name_token("Basic256Sha256", "b"))
    assert read == (Endpoint(SIGN, "Aes256_Sha256_RsaPss", expected, CERTIFICATE),)


@pytest.mark.parametrize(
    "other",
    [
        ua.EndpointDescription(EndpointUrl="https://mes/", SecurityMode=ua.MessageSecurityMode.Sign),
        ua.EndpointDescription(EndpointUrl=None, SecurityMode=ua.MessageSecurityMode.Sign),
        ua.EndpointDescription(EndpointUrl="opc.tcp://mes:4840", SecurityMode=ua.MessageSecurityMode.Invalid),
    ],
)
def test_endpoints_of_other_protocols_and_without_a_mode_are_left_out(other: object) -> None:
    assert offered([other]) == ()


@pytest.mark.parametrize(("chain", "own"), [(None, b""), (b"", b""), (CERTIFICATE, CERTIFICATE), (b"odd", b"odd")])
def test_the_server_s_own_certificate_is_the_first_of_a_chain(chain: bytes | None, own: bytes) -> None:
    assert own_certificate(chain) == own


TAKEN = endpoint(SIGN, "Basic256Sha256")
AGAIN = endpoint(SIGN, "Basic256Sha256", certificate=b"")


@pytest.mark.parametrize(
    ("told", "certificate"),
    [
        ([AGAIN, endpoint(ENCRYPT, "Basic256Sha256", certificate=b"")], CERTIFICATE),
        ([endpoint(SIGN, "Basic256Sha256", name_token("Basic256Sha256", "another"))], CERTIFICATE),
        ([], CERTIFICATE),
        ([AGAIN], b"another one"),
    ],
)
def test_a_server_that_describes_itself_differently_over_the_connection_is_refused(
    told: Sequence[Endpoint], certificate: bytes
) -> None:
    token = TAKEN.tokens[1]
    with pytest.raises(ActionRequired, match="may have changed the description on the way"):
        check_session(CALL, EndpointChoice(TAKEN, (token,)), token, told, certificate, settings(user=True))


def test_a_server_that_describes_itself_alike_is_taken() -> None:
    token = TAKEN.tokens[1]
    told = [OPEN, AGAIN, endpoint(ENCRYPT, "Basic256")]
    check_session(CALL, EndpointChoice(TAKEN, (token,)), token, told, CERTIFICATE, settings(user=True))
    check_session(CALL, EndpointChoice(OPEN, (ANONYMOUS,)), ANONYMOUS, [], b"", settings())


@pytest.mark.parametrize(
    "written", [TRUSTED.upper(), ":".join(TRUSTED[at : at + 2] for at in range(0, 64, 2)), f" {TRUSTED} "]
)
def test_a_thumbprint_is_read_as_servers_and_tools_write_it(written: str) -> None:
    assert settings(trusted=(written,)).server_thumbprints == (TRUSTED,)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"server_thumbprints": ["abcd"]}, "SHA-256 thumbprint"),
        ({"client_certificate": "ours.pem"}, "go together"),
        ({"security": "sign"}, "needs client_certificate and client_key"),
        ({"security": "some"}, "'none', 'sign' or 'sign_and_encrypt'"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        JobControlSettings.model_validate({"url": "opc.tcp://mes:4840", **wrong})
