"""The two handshakes by which a sender checks that we accept its events.

Sources: CloudEvents "HTTP 1.1 Web Hooks for Event Delivery" 1.0.1 section 4; Event Grid "endpoint validation".
"""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import Response

from millwright.api.problems import Problem

_EVENT_TYPE = "aeg-event-type"
_VALIDATION = "subscriptionvalidation"
_CODE_FIELD = "0.data.validationCode"
_LONGEST_ORIGIN = 256


def is_from_event_grid(headers: Mapping[str, str]) -> bool:
    """Whether this is a delivery of Event Grid, in its own schema or as CloudEvents."""
    return _EVENT_TYPE in headers


def is_validation(headers: Mapping[str, str]) -> bool:
    """Whether this is Event Grid's validation of a subscription."""
    return headers.get(_EVENT_TYPE, "").lower() == _VALIDATION


def validated(body: bytes) -> Response:
    """The answer to the validation: the code, with status 200.

    Raises:
        Problem: there is no code in it.
    """
    try:
        sent = orjson.loads(body)
        event = sent[0] if isinstance(sent, list) else sent
        code = event["data"]["validationCode"]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        code = None
    if not isinstance(code, str) or not code:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "no-validation-code",
            "the validation event holds no code",
            field=_CODE_FIELD,
            fix="send Event Grid's SubscriptionValidationEvent as it is",
        )
    return Response(orjson.dumps({"validationResponse": code}), media_type="application/json")


def permission(headers: Mapping[str, str]) -> Response:
    """The answer to a CloudEvents handshake: every sender may send, at any rate, because all events are checked.

    Raises:
        Problem: the origin is none.
    """
    granted = {"Allow": "POST, OPTIONS"}
    origin = headers.get("webhook-request-origin")
    if origin is not None:
        if not origin.strip() or len(origin) > _LONGEST_ORIGIN:
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                "no-origin",
                f"is empty or longer than {_LONGEST_ORIGIN} characters",
                field="WebHook-Request-Origin",
                fix="send the DNS name of the sending system",
            )
        granted |= {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}
    return Response(status_code=HTTPStatus.OK, headers=granted)
