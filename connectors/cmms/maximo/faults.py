"""What Maximo's message codes mean for us, as data (IBM REST guide; integrations against live systems).

Only codes that our own requests can meet. A code not listed means what its HTTP status means, or "a person must
act" where the error names an attribute: sites add checks of their own, and these always name one.
"""

import re
from collections.abc import Mapping
from typing import Final

import httpx

from connectors.cmms.maximo.models import ErrorReply
from connectors.http import VendorFault
from connectors.json_reading import parsed_json
from domain.errors import ActionRequired, ConnectorError, Refused

ILLEGAL_STATUS_CHANGE: Final = "BMXAA4590E"
MANDATORY_FIELD: Final = "BMXAA5401E"
DUPLICATE_KEY: Final = "BMXAA4129E"

MEANINGS: Final[Mapping[str, type[ConnectorError]]] = {
    "BMXAA0021E": ActionRequired,  # the sign-in is not accepted
    "BMXAA0030E": ActionRequired,  # a failure class is required first
    "BMXAA0090E": ActionRequired,  # the asset is not operating
    "BMXAA1496E": Refused,  # no such work order
    "BMXAA2661E": ActionRequired,  # not a valid location or asset of the site
    "BMXAA4049E": Refused,  # a value is longer than its field
    "BMXAA4105E": Refused,  # the order is history and read-only
    "BMXAA4599E": Refused,  # a status date in the future
    "BMXAA4638E": Refused,  # completed orders do not go back to INPRG
    "BMXAA4679E": Refused,  # completed orders do not go back to APPR
    "BMXAA8744E": Refused,  # the filter cannot be parsed
    "BMXAA9301E": ActionRequired,  # not authorised for the object structure
    DUPLICATE_KEY: Refused,
    ILLEGAL_STATUS_CHANGE: ActionRequired,
    MANDATORY_FIELD: ActionRequired,
}

_CODE: Final = re.compile(r"BMX[A-Z]{2}\d{4,5}[EWI]")


def codes_of(text: str) -> tuple[str, ...]:
    """The message codes in some text, in order: an error may wrap the one that matters."""
    return tuple(dict.fromkeys(_CODE.findall(text)))


def read_fault(reply: httpx.Response) -> VendorFault:
    """What an error reply says; a mandatory field of the site's outranks the error it is wrapped in."""
    try:
        error = ErrorReply.model_validate(parsed_json(reply.content)).error
    except ValueError:
        return VendorFault()
    codes = codes_of(f"{error.reason_code or ''} {error.message or ''}")
    code = MANDATORY_FIELD if MANDATORY_FIELD in codes else next(iter(codes), None)
    problem = error.message or error.reason_code or ""
    if error.reason_code and error.reason_code not in problem:
        problem = f"{error.reason_code} - {problem}"
    meaning = MEANINGS.get(code) if code else None
    return VendorFault(problem=problem, field=error.attribute or None, meaning=meaning)
