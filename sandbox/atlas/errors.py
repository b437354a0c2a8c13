"""How Atlas refuses."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response


@dataclass(eq=False)
class Problem(Exception):
    """A refusal with its message; without words the body is empty, as for a token that does not count."""

    status: int
    words: str = ""

    def answer(self) -> Response:
        """What is sent."""
        if not self.words:
            return Response(status_code=self.status)
        return JSONResponse({"success": False, "message": self.words}, self.status)


def too_many_requests() -> Response:
    """What is sent to a user who asks too often."""
    words = "Too many requests. Please try again later."
    return JSONResponse({"error": "Rate limit exceeded", "message": words}, 429)


def no_such_address(path: str, time: str) -> Response:
    """What is sent for an address that this version does not have."""
    return JSONResponse({"timestamp": time, "status": 404, "error": "Not Found", "path": path}, 404)
