"""A request, parsed once: its user, its JSON form, and its public address."""

from dataclasses import dataclass
from urllib.parse import urlencode

import orjson
from starlette.requests import Request

from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.mbo import Json, Mbo, rest_id
from sandbox.maximo.namespaces import without_prefixes
from sandbox.maximo.operations import OVERRIDE
from sandbox.maximo.structures import ObjectStructure


@dataclass(frozen=True)
class Call:
    """A request in the terms of the contract."""

    request: Request
    user: str = ""

    @property
    def lean(self) -> bool:
        return self.request.query_params.get("lean") == "1"

    @property
    def base(self) -> str:
        """Where hrefs point: the client's `x-public-uri`, else this server's `/maximo/oslc`, which takes no API key."""
        public = self.request.headers.get("x-public-uri", "")
        return public.rstrip("/") or str(self.request.base_url).rstrip("/") + "/maximo/oslc"

    @property
    def params(self) -> dict[str, str]:
        """The query parameters but for the API key."""
        return {name: value for name, value in self.request.query_params.items() if name != "apikey"}

    @property
    def override(self) -> str:
        return self.request.headers.get(OVERRIDE, "").upper()

    @property
    def merge(self) -> bool:
        """Only MERGE merges: AddChange was seen to replace whole collections, as no `patchtype` does."""
        return self.request.headers.get("patchtype", "").upper() == "MERGE"

    @property
    def transaction_id(self) -> str | None:
        return self.request.headers.get("transactionid")

    @property
    def properties(self) -> str | None:
        """What a write is to answer with; None: nothing."""
        return self.request.headers.get("properties")

    @property
    def batch_errors(self) -> bool:
        return self.request.headers.get("batcherror") == "1"

    def href(self, structure: ObjectStructure, mbo: Mbo) -> str:
        return f"{self.base}/os/{structure.name}/{rest_id(structure.key(mbo))}"

    def collection_href(self, structure: ObjectStructure, params: dict[str, str]) -> str:
        return f"{self.base}/os/{structure.name}?{urlencode(params)}"

    async def json(self, *, namespaced: bool = True) -> Json:
        """The body, with plain names; the parameters of a method are never `namespaced`.

        Raises:
            MaximoError: 400 for what is not JSON.
        """
        try:
            body: Json = orjson.loads(await self.request.body())
        except orjson.JSONDecodeError:
            raise MaximoError(UNSTATED, "The request body is not JSON.") from None
        return body if self.lean or not namespaced else without_prefixes(body)

    async def json_object(self, *, namespaced: bool = True) -> dict[str, Json]:
        """The body where it is to be one object; 400 where it is not."""
        body = await self.json(namespaced=namespaced)
        if not isinstance(body, dict):
            raise MaximoError(UNSTATED, "The request body is not a JSON object.")
        return body
