"""How the server refuses: a status and a `detail`, which is a sentence, or a list where the request cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.responses import JSONResponse, Response


@dataclass(eq=False)
class Problem(Exception):
    """A request that is not carried out.

    Args:
        detail: a sentence, or one object for each value that cannot be read.
        headers: of the answer.
    """

    status: int
    detail: str | Sequence[dict[str, object]]
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self) -> Response:
        """What is sent."""
        detail = self.detail if isinstance(self.detail, str) else [*self.detail]
        return JSONResponse({"detail": detail}, self.status, headers=self.headers)


def bad_input(words: str) -> Problem:
    """Input that makes no sense."""
    return Problem(400, words)


def not_found(kind: str, code: str) -> Problem:
    """A record that is not there."""
    return Problem(404, f"{kind} {code!r} not found")


def conflict(words: str) -> Problem:
    """A change that the present state does not allow."""
    return Problem(409, words)


def unreadable(kind: str, place: Sequence[str | int], words: str, given: object, **more: object) -> Problem:
    """A value that is missing, or of another kind."""
    fault: dict[str, object] = {"type": kind, "loc": [*place], "msg": words, "input": given}
    return Problem(422, [fault | ({"ctx": more} if more else {})])


def sign_in_required() -> Problem:
    """No token, or one that does not count."""
    return Problem(401, "sign in required", {"WWW-Authenticate": "Bearer"})
