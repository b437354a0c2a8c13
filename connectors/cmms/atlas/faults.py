"""What an error of Atlas says: `{success, message}`, or `{error, message}` of its rate limit.

Its 500 stands for faults that pass and for faults that do not, so the message decides. A refusal that has no body at
all is that of a token (see `sign_in`).
"""

import re
from datetime import timedelta
from typing import Final

import httpx
from pydantic import ValidationError

from connectors.cmms.atlas.models import AtlasErrorReply
from connectors.http import VendorFault
from connectors.json_reading import parsed_json
from domain.errors import ActionRequired, Refused

_NAMED_FIELD: Final = re.compile(r"on field '([A-Za-z0-9_.]+)'")
"""How version 1.3 names a field that it refuses. Later versions say only "must not be null"."""

_DOUBLED_SEQUENCE: Final = "did not return a unique result"
_SEQUENCE_WORDS: Final = (
    "it has several number sequences for this company, because its first records were created at the same time, and "
    "makes no record any more: its administrator must leave one row in its table custom_sequence"
)
_FIXES: Final = {
    "incomplete work orders": "complete orders there (archived ones count too), or enter a licence",
    "need a license": "enter a licence there",
    "access denied": "give our user the role Administrator there",
    "forbidden": "give our user the role Administrator there",
}
"""What a person does, by a part of what Atlas says."""
_RETRY_AFTER: Final = "retry-after"
_LIMIT_IS_PER: Final = timedelta(minutes=1)
"""Atlas does not say when it takes requests again. Its limit counts those of a minute, and those of an hour."""
_WRONG_CONTENT: Final = ("JSON parse error", "No enum constant", "value too long")
_MISSING_RECORD: Final = ("foreign key", "ConstraintViolationException")


def read_fault(reply: httpx.Response) -> VendorFault:
    """What an error reply says, and what it means where that is known."""
    try:
        said = AtlasErrorReply.model_validate(parsed_json(reply.content))
    except (ValueError, ValidationError):
        return VendorFault()
    words = said.message or said.error or ""
    if reply.status_code == httpx.codes.BAD_REQUEST:
        named = _NAMED_FIELD.search(words)
        if named is not None:
            return VendorFault(f"{named[1]} is required there, or has a value that it refuses", field=named[1])
        lacking = "must not be" in words
        return VendorFault(words, meaning=ActionRequired if lacking else None)
    if reply.status_code == httpx.codes.FORBIDDEN:
        fix = next((fix for part, fix in _FIXES.items() if part in words.lower()), None)
        return VendorFault(f"{words}; {fix}" if fix else words)
    if reply.status_code == httpx.codes.TOO_MANY_REQUESTS and _RETRY_AFTER not in reply.headers:
        return VendorFault(words, wait=_LIMIT_IS_PER)
    if reply.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
        if _DOUBLED_SEQUENCE in words:
            return VendorFault(_SEQUENCE_WORDS, meaning=ActionRequired)
        if any(part in words for part in _WRONG_CONTENT):
            return VendorFault(words, meaning=Refused)
        if any(part in words for part in _MISSING_RECORD):
            return VendorFault(f"a record that the order refers to is gone: {words}", meaning=ActionRequired)
    return VendorFault(words)
