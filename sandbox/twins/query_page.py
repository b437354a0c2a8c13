"""Answering a query page by page."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import orjson

from sandbox.twins.document import JsonObject, JsonValue
from sandbox.twins.errors import ServiceError
from sandbox.twins.graph_state import GraphState
from sandbox.twins.query import IsA, read_query


@dataclass(frozen=True)
class QueryPage:
    """Where a page begins: the query's text and how many rows came before.

    The token a client sends back for the next page holds both; the rows are found anew for each page, as the real
    service does not hold a snapshot either.
    """

    text: str
    offset: int = 0

    @classmethod
    def read(cls, body: JsonObject) -> QueryPage:
        """From a request `{query}` or `{continuationToken}`.

        Raises:
            ServiceError: BadRequest for a token that is none of ours, InvalidArgument when neither is given.
        """
        token, text = body.get("continuationToken"), body.get("query")
        if isinstance(token, str) and token:
            return cls._from_token(token)
        if not isinstance(text, str):
            raise ServiceError("InvalidArgument", "The request has neither a query nor a continuationToken.")
        return cls(text)

    def answer(self, state: GraphState, is_a: IsA, size: int) -> JsonObject:
        """`{value, continuationToken?}` with at most `size` rows; raises ServiceError SqlQueryError."""
        rows = read_query(self.text, is_a).rows(state)
        following = self.offset + size
        value: list[JsonValue] = [*rows[self.offset : following]]
        answer: JsonObject = {"value": value}
        if following < len(rows):
            answer["continuationToken"] = QueryPage(self.text, following).token
        return answer

    @property
    def token(self) -> str:
        """This page as an opaque text."""
        return base64.urlsafe_b64encode(orjson.dumps([self.text, self.offset])).decode()

    @classmethod
    def _from_token(cls, token: str) -> QueryPage:
        try:
            match orjson.loads(base64.urlsafe_b64decode(token)):
                case [str() as text, int() as offset]:
                    return cls(text, offset)
        except (binascii.Error, ValueError) as error:
            raise ServiceError("BadRequest", "The continuation token is invalid.") from error
        raise ServiceError("BadRequest", "The continuation token is invalid.")
