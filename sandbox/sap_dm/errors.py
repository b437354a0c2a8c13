"""What SAP answers where it refuses. Each API has a form of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

_CORRELATION: Final = "b5d0a8f0-6a6b-4a0e-9f0c-000000000000"


class Form(Enum):
    """The forms of an error body."""

    SFC_ACT = "SFC v1: start, complete, hold, release"
    SFC_READING = "SFC v1 and v2: readings"
    PARAMETER = "SFC v1: a parameter that is not allowed"
    RESOURCE_ACT = "Resource v2"
    RESOURCE = "Resource v3"
    TOKEN = "the token address"  # noqa: S105 where tokens are given


@dataclass(eq=False)
class Problem(Exception):
    """A refusal.

    Args:
        status: the HTTP status.
        words: what people read.
        code: the code of the message.
        parameter: the parameter that is not allowed.
        form: another form than that of the operation.
    """

    status: int
    words: str
    code: str = ""
    parameter: str = ""
    form: Form | None = None

    def body(self, form: Form, path: str) -> Mapping[str, object] | None:
        """The body in a form; None where the specification has none."""
        if form is Form.SFC_READING and self.parameter and "/v1/" in path:
            form = Form.PARAMETER
        match form:
            case Form.SFC_ACT:
                return {
                    "displayMessage": self.words,
                    "errorMessageKey": self.code or "execution.error",
                    "technicalMessage": f"{self.words} ({path})",
                    "errorCode": 13,
                    "timestamp": 1451606400000,
                    "status": self.status,
                }
            case Form.SFC_READING if self.status in (401, 403, 429):
                return None
            case Form.PARAMETER:
                return {"errors": [{"message": self.words, "parameter": self.parameter}]}
            case Form.RESOURCE:
                return {
                    "error": {"code": self.code, "message": self.words, "correlationId": _CORRELATION, "details": []}
                }
            case Form.TOKEN:
                return {"error": self.code, "error_description": self.words}
        return {
            "code": self.code,
            "message": self.words,
            "causeMessage": f"{self.words} ({path})",
            "correlationId": _CORRELATION,
        }


def stale() -> Problem:
    """Somebody else has updated the resource since the client read it."""
    return Problem(412, "The resource has already been updated by another user", code="resource.stale")
