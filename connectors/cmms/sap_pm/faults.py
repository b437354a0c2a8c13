"""What SAP's error replies mean for us.

A business error has the class and number of an SAP message as its code, such as `IM/123`: the site's customizing or
its data refuse the request, which a person must settle. The codes of the OData framework say that the request itself
is wrong.
"""

import re
from typing import Final

import httpx

from connectors.cmms.sap_pm.models import SapPmErrorReply
from connectors.http import VendorFault
from connectors.json_reading import parsed_json
from domain.errors import ActionRequired, ConnectorError, Unavailable

_BUSINESS_MESSAGE: Final = re.compile(r"(?!/IW|SY/)[A-Z0-9_/]+/\d{3}")
STALE: Final = (httpx.codes.PRECONDITION_FAILED, httpx.codes.PRECONDITION_REQUIRED)
"""The record changed after it was read, or SAP takes the request to be without an ETag."""


def read_fault(reply: httpx.Response) -> VendorFault:
    """What an error reply says: SAP's words, the field that it names, and who must act."""
    status = reply.status_code
    try:
        error = SapPmErrorReply.model_validate(parsed_json(reply.content)).error
    except ValueError:
        return VendorFault(meaning=_meaning_of(status, ""))
    code = error.code or ""
    text = error.message if isinstance(error.message, str) else (error.message.value if error.message else None)
    problem = " - ".join(part for part in (code, text) if part)
    details = error.innererror.errordetails if error.innererror else ()
    named = (detail.propertyref or detail.target for detail in details)
    field = next((name.replace("\\", "/").rsplit("/", 1)[-1] for name in named if name), None)
    return VendorFault(problem=problem, field=field or None, meaning=_meaning_of(status, code))


def _meaning_of(status: int, code: str) -> type[ConnectorError] | None:
    if status in STALE:
        return Unavailable
    if status == httpx.codes.NOT_FOUND:
        # Records are looked for so that their absence is no error: here the service is not active at this address.
        return ActionRequired
    if status in (httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY) and _BUSINESS_MESSAGE.fullmatch(code):
        return ActionRequired
    return None
