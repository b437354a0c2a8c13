"""The vendor's client, configured without retries and, for this machine only, with plain http."""

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
    """The credential for the sandbox, which accepts any bearer token."""

    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        """A token that no other server accepts."""
        return AccessToken("loopback", int(time.time()) + _HOUR)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> "LoopbackCredential":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class PlainHttpOnLoopback(SansIOHTTPPolicy[object, object]):
    """Lets the bearer token travel without TLS.

    The client refuses that unless an option of the request allows it, and its constructor cannot set that option.
    Settings allow plain http to a loopback address only.
    """

    def on_request(self, request: PipelineRequest[object]) -> None:
        """Sets the option before the policy that signs the request reads it."""
        request.context.options.setdefault("enforce_https", False)


class PagesAreNoAnswers(SansIOHTTPPolicy[object, AsyncHttpResponse]):
    """Rejects an HTML page before the client tries to read it as an answer."""

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
    """A client without retries of its own: a retry is a due row of the case that made the call."""
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
    # Imported late: the import is slow, and the sandbox does not need it.
    from azure.identity.aio import DefaultAzureCredential

    return DefaultAzureCredential()
