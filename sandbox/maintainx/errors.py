"""How MaintainX refuses: two shapes of a body, and none for a key that does not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import JSONResponse, Response

_LISTED: Final = (400, 403)


@dataclass(eq=False)
class Problem(Exception):
    """A refusal.

    Args:
        status: 401 has no body.
        words: what is wrong.
        field: which field of a body is wrong, and its value.
        of_list: whether a list is refused, whose 400 has the short shape.
    """

    status: int
    words: str = ""
    field: str | None = None
    value: object = None
    of_list: bool = False

    def answer(self) -> Response:
        """What is sent."""
        if self.status == 401:
            return Response(status_code=401)
        if self.status not in _LISTED or self.of_list:
            return JSONResponse({"error": self.words}, self.status)
        error: dict[str, object] = {"error": self.words}
        if self.field is not None:
            error |= {"fieldPath": self.field, "fieldValue": self.value}
        return JSONResponse({"errors": [error]}, self.status)


def wrong(field: str, value: object, words: str) -> Problem:
    """The refusal of a field of a body."""
    return Problem(400, words, field, value)
