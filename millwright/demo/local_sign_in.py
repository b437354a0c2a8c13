"""Signs requests to an installation's API with the token in its home."""

from collections.abc import Generator
from pathlib import Path

import httpx

from millwright.runtime.local_mode import local_authorization


class LocalSignIn(httpx.Auth):
    """Reads the token for each request, because an API that is started again has another one.

    Args:
        home: the home of the API.
    """

    def __init__(self, home: Path) -> None:
        self._home = home

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sends the request once more if it is refused.

        Raises:
            Rejected: the file with the token is absent, or others may use it.
        """
        request.headers["Authorization"] = local_authorization(self._home)
        reply = yield request
        if reply.status_code == httpx.codes.UNAUTHORIZED:
            # The API may have been started again after the token was read.
            request.headers["Authorization"] = local_authorization(self._home)
            yield request
