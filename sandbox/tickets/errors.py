"""How the server refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import JSONResponse, PlainTextResponse, Response


@dataclass(eq=False)
class Problem(Exception):
    """A refusal, with a message or, for a parameter of the wrong form, an error."""

    status: int
    message: str | Mapping[str, list[str]] = ""
    error: str = ""

    def answer(self) -> Response:
        """What is sent."""
        return JSONResponse({"error": self.error} if self.error else {"message": self.message}, self.status)


def too_many_requests() -> Response:
    """What is sent to a user who asks too often."""
    return PlainTextResponse("Retry later\n", 429)
