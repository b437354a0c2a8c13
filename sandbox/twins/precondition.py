"""The If-Match and If-None-Match headers of a write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from sandbox.twins.document import JsonObject
from sandbox.twins.errors import ServiceError


@dataclass(frozen=True)
class Precondition:
    """What must hold of a document before it is written; None asks nothing."""

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, current: JsonObject | None) -> None:
        """Raises ServiceError PreconditionFailed."""
        etag = None if current is None else current["$etag"]
        if self.if_match is not None and not _matches(self.if_match, etag):
            raise ServiceError("PreconditionFailed", "The If-Match header does not match the current ETag.")
        if self.if_none_match is not None and _matches(self.if_none_match, etag):
            raise ServiceError("PreconditionFailed", "The If-None-Match header matches what is stored.")


UNCONDITIONAL: Final = Precondition()


def new_etag() -> str:
    """`W/"<uuid>"`, never given before."""
    return f'W/"{uuid4()}"'


def _matches(header: str, etag: object) -> bool:
    if etag is None:
        return False
    return header.strip() == "*" or etag in {each.strip() for each in header.split(",")}
