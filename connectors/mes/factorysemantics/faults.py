"""What the errors of FactorySemantics MES mean for us, as data (0.4.2: each error has a `detail`).

Its services refuse with 400 (bad input), 403, 404 and 409 (a change of state that is not possible).
"""

from collections.abc import Mapping
from typing import Final

import httpx

from connectors.http import StatusMeaning, VendorFault
from connectors.json_reading import parsed_json
from connectors.mes.factorysemantics.models import Fault
from domain.errors import ActionRequired, ConnectorError

MEANINGS: Final[Mapping[str, type[ConnectorError]]] = {
    "invalid credentials": ActionRequired,
}
"""By the words of the detail: the status of a refused sign-in is 400, like that of any bad input."""

NO_ROUTE: Final = "Not Found"
"""The detail of a 404 whose path the server does not serve at all. That of a record names the record."""

PAGES: Final[Mapping[int, StatusMeaning]] = {
    404: StatusMeaning(ActionRequired, "something else than FactorySemantics MES answers at this address"),
}
"""What a page for people means in the place of an answer, by its status."""


def read_fault(reply: httpx.Response) -> VendorFault:
    """What an error reply says."""
    detail = detail_of(reply)
    return VendorFault(problem=detail, meaning=MEANINGS.get(detail))


def detail_of(reply: httpx.Response) -> str:
    """The words of an error reply; empty if it has none. Of a body that does not fit, the first fault counts."""
    try:
        detail = Fault.model_validate(parsed_json(reply.content)).detail
    except ValueError:
        return ""
    if isinstance(detail, str):
        return detail
    first = next((each for each in detail if isinstance(each, dict)), {})
    place = first.get("loc")
    where = ".".join(str(part) for part in place) if isinstance(place, list) else ""
    return f"{where}: {first.get('msg', '')}".strip(": ")
