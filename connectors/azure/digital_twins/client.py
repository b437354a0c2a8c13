"""The vendor's client, made to fail at once and, on this machine alone, to speak plain http."""

import time
from typing import TYPE_CHECKING, Final

from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.pipeline.transport import AsyncHttpResponse
from azure.digitaltwins.core.aio import DigitalTwinsClient

from connectors.azure.digital_twins.faults import PageInsteadError
from connectors.azure.digital_twins.settings import DigitalTwinsSettings

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential

_HOUR: Final = 3600
_FIRST_ERROR: Final = 400


class LoopbackCredential:
    """Signs in where nobody checks: the sandbox wants a bearer token, and takes any."""

    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        """A token that no other server would accept."""
        return AccessToken("loopback", int(time.time()) + _HOUR)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> "LoopbackCredential":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class PlainHttpOnLoopback(SansIOHTTPPolicy[object, object]):
    """Lets the bearer token travel without TLS.

    The client refuses that, and asks each request's own options whether it should; a keyword of its constructor does
    not reach them. Settings admit plain http to a loopback address only.
    """

    def on_request(self, request: PipelineRequest[object]) -> None:
        """Marks the request before the policy that signs it looks."""
        request.context.options.setdefault("enforce_https", False)


class PagesAreNoAnswers(SansIOHTTPPolicy[object, AsyncHttpResponse]):
    """Stops a page for people that came in the place of an answer, before the client tries to read it as one."""

    def on_response(
        self, request: PipelineRequest[object], response: PipelineResponse[object, AsyncHttpResponse]
    ) -> None:
        """Raises `PageInsteadError` for an HTML page under a status that means success."""
        del request
        reply = response.http_response
        if reply.status_code < _FIRST_ERROR and "html" in (reply.content_type or "").lower():
            raise PageInsteadError(reply.body().decode(errors="replace"))


class Connection:
    """The client with the credential it was given, to be closed together."""

    def __init__(self, client: DigitalTwinsClient, credential: "DefaultAzureCredential | LoopbackCredential") -> None:
        self.client = client
        self._credential = credential

    async def close(self) -> None:
        """Closes both."""
        await self.client.close()
        await self._credential.close()


def open_client(settings: DigitalTwinsSettings) -> Connection:
    """A client that repeats nothing by itself: retries are due rows of the case that asked."""
    credential = LoopbackCredential() if settings.is_plain_http else _default_credential()
    seconds = settings.timeout.total_seconds()
    client = DigitalTwinsClient(
        settings.endpoint,
        credential,
        retry_total=0,
        connection_timeout=seconds,
        read_timeout=seconds,
        per_call_policies=[PagesAreNoAnswers(), *([PlainHttpOnLoopback()] if settings.is_plain_http else [])],
    )
    return Connection(client, credential)


def _default_credential() -> "DefaultAzureCredential":
    # Heavy, and of no use on this machine alone.
    from azure.identity.aio import DefaultAzureCredential

    return DefaultAzureCredential()
