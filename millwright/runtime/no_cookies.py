"""The jar of a client that keeps no cookies."""

from http.client import HTTPResponse
from http.cookiejar import CookieJar
from urllib.request import Request


class NoCookies(CookieJar):
    """Keeps no cookie and sends none.

    No connector sends a cookie of the client's jar (`connectors.http`). An ordinary jar would still parse each answer
    and compose a header for each request: 8 % of the CPU of a connector to Maximo.
    """

    def extract_cookies(self, response: HTTPResponse, request: Request) -> None:
        """Leaves all cookies of an answer."""

    def add_cookie_header(self, request: Request) -> None:
        """Adds nothing."""
