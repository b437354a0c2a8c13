"""What SAP answers where it refuses."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import PlainTextResponse, Response


@dataclass(eq=False)
class Refusal(Exception):
    """A refusal.

    Args:
        status: the HTTP status.
        code: the class and number of the message, or the framework's own code.
        words: what people read.
        field: the property that is wrong.
    """

    status: int
    code: str
    words: str
    field: str = ""

    def body(self) -> dict[str, object]:
        """The body of the answer."""
        detail = {"code": self.code, "message": self.words, "propertyref": self.field, "severity": "error"}
        inner = {"transactionid": "0", "errordetails": [detail]}
        return {
            "error": {"code": self.code, "message": {"lang": "en", "value": self.words}, "innererror": inner},
        }


def malformed(words: str, field: str = "") -> Refusal:
    """The request is wrong in itself."""
    return Refusal(400, "/IWBEP/CM_MGW_RT/022", words, field)


def business(code: str, words: str, field: str = "") -> Refusal:
    """The site's data or customizing do not allow it."""
    return Refusal(400, code, words, field)


def not_signed_in() -> Refusal:
    """The user or the password is not known, or the session has ended."""
    return Refusal(401, "SY/530", "Logon failed")


def changed_meanwhile() -> Refusal:
    """The record is not any more as the client read it."""
    return Refusal(412, "/IWFND/CM_MGW/524", "Precondition failed")


def without_token() -> Response:
    """The answer to a change without the token of its session."""
    return PlainTextResponse("CSRF token validation failed", 403, {"x-csrf-token": "Required"})
