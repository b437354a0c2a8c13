"""Twins as the client gives them."""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.azure.digital_twins.faults import SYSTEM
from domain.canonical import Json
from domain.errors import Refused
from domain.vendor_texts import storable


@dataclass(frozen=True, slots=True)
class AzureTwin:
    """A twin as read, without the service's own properties, which begin with `$`."""

    id: str
    etag: str
    model: str
    properties: Mapping[str, Json]


def twin_of(document: object) -> AzureTwin:
    """A twin from the client's document.

    Raises:
        Refused: it is no twin.
    """
    if not isinstance(document, dict):
        raise Refused("its answer is no twin", system=SYSTEM, operation="read-twin")
    identity, etag, metadata = document.get("$dtId"), document.get("$etag"), document.get("$metadata")
    if not isinstance(identity, str) or not isinstance(etag, str):
        raise Refused("a twin came without $dtId or $etag", system=SYSTEM, operation="read-twin")
    model = metadata.get("$model") if isinstance(metadata, dict) else None
    properties = {name: value for name, value in document.items() if not name.startswith("$")}
    return AzureTwin(id=identity, etag=etag, model=storable(str(model or "")), properties=properties)


def new_etag(_response: object, _body: object, headers: Mapping[str, str]) -> str | None:
    """Reads the ETag from a patch's answer, which the client otherwise discards."""
    return headers.get("ETag")
