"""What an error of SAP Digital Manufacturing says. Each API has a form of its own.

| form                                                   | where                                             |
|--------------------------------------------------------|---------------------------------------------------|
| displayMessage, errorMessageKey, technicalMessage, ... | SFC v1: hold, release                             |
| code, message, causeMessage, correlationId, details[]  | SFC v1 and v2: readings; Resource v2              |
| error {code, message, correlationId, details[]}        | Resource v3                                       |
| errors[] {parameter, message}                          | SFC v1: a parameter that is not allowed           |
| error, error_description                               | the token address; a token that is not accepted   |
"""

from typing import Annotated, Any, Final

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from connectors.http import VendorFault
from connectors.json_reading import parsed_json
from domain.errors import ActionRequired
from domain.vendor_texts import VendorText

_SIGN_IN: Final = frozenset({"invalid_client", "unauthorized_client", "unauthorized", "invalid_grant", "invalid_scope"})
"""The words for a client id or secret that a person must correct (RFC 6749, 5.2)."""


def _text(value: object) -> object:
    return value if isinstance(value, str) else None


Text = Annotated[VendorText | None, BeforeValidator(_text)]


class _Body(BaseModel):
    """The fields of all forms."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    displayMessage: Text = None  # noqa: N815
    technicalMessage: Text = None  # noqa: N815
    errorMessageKey: Text = None  # noqa: N815
    message: Text = None
    causeMessage: Text = None  # noqa: N815
    code: Text = None
    error: Any = None
    error_description: Text = None
    errorDescription: Text = None  # noqa: N815
    errors: Any = None
    details: Any = None
    parameter: Text = None


def read_fault(reply: httpx.Response) -> VendorFault:
    """What an error reply says. What is not there is for a person to correct: a plant, a resource or an SFC."""
    missing = ActionRequired if reply.status_code == httpx.codes.NOT_FOUND else None
    body = _body(_parsed(reply))
    if body is None:
        return VendorFault(meaning=missing)
    if isinstance(body.error, str):
        words = body.error_description or body.errorDescription
        return VendorFault(problem=words or body.error, meaning=ActionRequired if body.error in _SIGN_IN else missing)
    nested = _body(body.error)
    if nested is not None:
        body = nested
    parameters = [each for each in map(_body, _list(body.errors)) if each is not None]
    if parameters:
        named = parameters[0]
        said = (named.parameter, named.message)
        return VendorFault(problem=": ".join(words for words in said if words), field=named.parameter, meaning=missing)
    details = [each.message for each in map(_body, _list(body.details)) if each is not None and each.message]
    main = body.displayMessage or body.message or body.causeMessage or body.technicalMessage
    problems = dict.fromkeys(words for words in (main or body.errorMessageKey or body.code, *details) if words)
    return VendorFault(problem="; ".join(problems), meaning=missing)


def _parsed(reply: httpx.Response) -> object:
    try:
        return parsed_json(reply.content)
    except ValueError:
        return None


def _body(content: object) -> _Body | None:
    if not isinstance(content, dict):
        return None
    try:
        return _Body.model_validate(content)
    except ValidationError:
        return None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
