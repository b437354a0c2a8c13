"""What an error of MaintainX says: `{"errors": [{error, fieldPath}]}` or `{"error": …}`, and how long to wait.

A refused key has no body.
"""

import math
from datetime import timedelta
from typing import Final

import httpx
from pydantic import ValidationError

from connectors.cmms.maintainx.models import MaintainXErrorReply
from connectors.http import LONGEST_RETRY_AFTER, VendorFault
from connectors.json_reading import parsed_json

_LEFT: Final = "x-rate-limit-reset"
"""How many seconds are left until requests are taken again."""


def read_fault(reply: httpx.Response) -> VendorFault:
    """What an error reply says, and how long it asks us to wait."""
    wait = _wait(reply) if reply.status_code == httpx.codes.TOO_MANY_REQUESTS else None
    try:
        said = MaintainXErrorReply.model_validate(parsed_json(reply.content))
    except (ValueError, ValidationError):
        return VendorFault(wait=wait)
    words = [f"{each.fieldPath}: {each.error}" if each.fieldPath else each.error for each in said.errors]
    field = next((each.fieldPath for each in said.errors if each.fieldPath), None)
    return VendorFault("; ".join([*words, *([said.error] if said.error else [])]), field=field, wait=wait)


def _wait(reply: httpx.Response) -> timedelta | None:
    try:
        seconds = float(reply.headers.get(_LEFT, ""))
    except ValueError:
        return None
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return timedelta(seconds=min(seconds, LONGEST_RETRY_AFTER.total_seconds()))
