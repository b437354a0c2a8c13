"""Who may call: an API key for every request, and no cookie ever."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from sandbox.maximo.errors import MaximoError

SESSION_COOKIE = "JSESSIONID"
_TEMPT_EVERY = 5


def not_logged_in() -> MaximoError:
    """What a request without a valid login is answered: 401."""
    return MaximoError("BMXAA0021E", "User name and password combination are not valid.", status=401)


class Admission:
    """Has the API keys and their users, and sometimes sets a session cookie that clients must not send back."""

    def __init__(self, api_keys: Mapping[str, str]) -> None:
        self._api_keys = api_keys
        self._answers = 0

    def user(self, request: Request) -> str:
        """The user whose API key the request carries (header `apikey`, or query parameter).

        Raises:
            MaximoError: 401 without a known key, and with a session cookie: that takes precedence over the key.
        """
        key = request.headers.get("apikey") or request.query_params.get("apikey")
        user = self._api_keys.get(key or "")
        if user is None or SESSION_COOKIE in request.cookies:
            raise not_logged_in()
        return user

    def tempt(self, response: Response) -> None:
        """Set a session cookie on the first answer and every fifth after it."""
        if self._answers % _TEMPT_EVERY == 0:
            response.set_cookie(SESSION_COOKIE, f"0000{self._answers:08d}", path="/maximo", httponly=True)
        self._answers += 1
