"""The meaning of OPC UA status codes for us, as data (OPC 10000-4, table of StatusCodes)."""

from collections.abc import Mapping
from typing import Final

from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable

MEANINGS: Final[Mapping[str, tuple[type[ConnectorError], str]]] = {
    "BadApplicationSignatureInvalid": (ActionRequired, "it does not accept our certificate"),
    "BadCertificateChainIncomplete": (ActionRequired, "it does not trust our certificate"),
    "BadCertificateHostNameInvalid": (ActionRequired, "it does not accept our certificate"),
    "BadCertificateInvalid": (ActionRequired, "it does not accept our certificate"),
    "BadCertificateIssuerRevocationUnknown": (ActionRequired, "it does not trust our certificate"),
    "BadCertificateIssuerRevoked": (ActionRequired, "it does not trust our certificate"),
    "BadCertificateIssuerTimeInvalid": (ActionRequired, "it does not trust our certificate"),
    "BadCertificateIssuerUseNotAllowed": (ActionRequired, "it does not trust our certificate"),
    "BadCertificatePolicyCheckFailed": (ActionRequired, "it does not accept our certificate"),
    "BadCertificateRevocationUnknown": (ActionRequired, "it does not trust our certificate"),
    "BadCertificateRevoked": (ActionRequired, "it does not trust our certificate"),
    "BadCertificateTimeInvalid": (ActionRequired, "it does not accept the time of our certificate"),
    "BadCertificateUntrusted": (ActionRequired, "it does not trust our certificate"),
    "BadCertificateUriInvalid": (ActionRequired, "it does not accept our certificate"),
    "BadCertificateUseNotAllowed": (ActionRequired, "it does not accept our certificate"),
    "BadIdentityTokenInvalid": (ActionRequired, "it does not let our user in"),
    "BadIdentityTokenRejected": (ActionRequired, "it does not let our user in"),
    "BadSecurityChecksFailed": (ActionRequired, "it does not let us in: its security checks failed"),
    "BadSecurityModeInsufficient": (ActionRequired, "it asks for another security policy"),
    "BadSecurityModeRejected": (ActionRequired, "it asks for another security policy"),
    "BadSecurityPolicyRejected": (ActionRequired, "it asks for another security policy"),
    "BadUserAccessDenied": (ActionRequired, "it does not let our user in, or not do this"),
    "BadUserSignatureInvalid": (ActionRequired, "it does not let our user in"),
    "BadCommunicationError": (Unavailable, "the connection is broken"),
    "BadConnectionClosed": (Unavailable, "it closed the connection"),
    "BadInternalError": (Unavailable, "it failed inside"),
    "BadNoCommunication": (Unavailable, "it has lost the equipment behind it"),
    "BadOutOfMemory": (Unavailable, "it is out of memory"),
    "BadRequestTimeout": (Unavailable, "it gave no answer in time"),
    "BadResourceUnavailable": (Unavailable, "it is short of resources"),
    "BadSecureChannelClosed": (Unavailable, "it closed the connection"),
    "BadSecureChannelIdInvalid": (Unavailable, "it has forgotten our connection"),
    "BadServerHalted": (Unavailable, "it is halted"),
    "BadSessionClosed": (Unavailable, "our session has ended"),
    "BadSessionIdInvalid": (Unavailable, "our session has ended"),
    "BadShutdown": (Unavailable, "it is shutting down"),
    "BadTcpServerTooBusy": (Unavailable, "it is too busy"),
    "BadTimeout": (Unavailable, "it gave no answer in time"),
    "BadTooManyOperations": (Unavailable, "it is too busy"),
    "BadTooManySessions": (Unavailable, "it has no session left for us"),
}
"""By symbolic name; any other bad status means that our request was invalid."""


def meaning_of(status: str) -> tuple[type[ConnectorError], str]:
    """The row of the table for a status, by its symbolic name."""
    error, words = MEANINGS.get(status, (Refused, "it does not accept the request"))
    return error, f"{words} ({status})"
