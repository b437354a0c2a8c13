"""Error answers: RFC 9457 problem details, with messages for people."""

import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus

import orjson
import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from domain.errors import ActRejected, ConnectorError, Rejected, StorageFault, StorageUnavailable
from domain.model import Model

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_TYPES = "urn:millwright:problem:"
_RETRY_AFTER = "1"
_WHERE = ("body", "query", "path", "header")


class ProblemDetails(Model):
    """RFC 9457 problem details. `field` is the field that failed, dotted, and `fix` the correction."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    fix: str | None = None


class Problem(HTTPException):
    """An error that is answered to the client.

    Args:
        status: the HTTP status.
        slug: the kind of problem; the last part of its `type`.
        detail: what is wrong, as a sentence.
        field: the field that failed, dotted.
        fix: how to correct it.
        also: further members of the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        slug: str,
        detail: str,
        *,
        field: str | None = None,
        fix: str | None = None,
        headers: Mapping[str, str] | None = None,
        also: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(status_code=status.value, detail=detail, headers=dict(headers) if headers else None)
        self.slug = slug
        self.field = field
        self.fix = fix
        self.also = dict(also or {})

    def answer(self) -> Response:
        """The problem as JSON, without unknown members."""
        body: dict[str, object] = {
            "type": _TYPES + self.slug,
            "title": HTTPStatus(self.status_code).phrase,
            "status": self.status_code,
            "detail": self.detail,
        }
        body |= {name: value for name, value in (("field", self.field), ("fix", self.fix)) if value is not None}
        return Response(
            orjson.dumps(body | self.also), self.status_code, media_type=MEDIA_TYPE, headers=dict(self.headers or {})
        )


def not_found(what: str, fix: str | None = None) -> Problem:
    """The object with the requested id does not exist."""
    return Problem(HTTPStatus.NOT_FOUND, "not-found", what, fix=fix)


def unavailable(detail: str) -> Problem:
    """One of our parts does not answer; the same request may succeed soon."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        detail,
        fix="send the same request again in a moment",
        headers={"Retry-After": _RETRY_AFTER},
    )


def install(app: FastAPI) -> None:
    """Turns every error of a handler into such an answer."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Rejected, _rejected)
    app.add_exception_handler(StorageUnavailable, storage_away)
    app.add_exception_handler(StorageFault, _fault)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(DataError, _unstorable_value)
    app.add_exception_handler(psycopg.DataError, _unstorable_value)
    app.add_exception_handler(ConnectorError, _connector)
    app.add_exception_handler(Exception, _fault)


async def _http(_request: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return error.answer()
    if not isinstance(error, HTTPException):
        raise error
    slug = "-".join(HTTPStatus(error.status_code).phrase.lower().split())
    return Problem(HTTPStatus(error.status_code), slug, str(error.detail), headers=error.headers).answer()


async def _validation(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    field = ".".join(place[1:] if place and place[0] in _WHERE else place)
    if first["type"] == "json_invalid":
        return Problem(HTTPStatus.BAD_REQUEST, "not-json", "the body is not JSON", fix="send one JSON object").answer()
    # An error of the whole body may name a field within it.
    field = ".".join(part for part in (field, str(first.get("ctx", {}).get("field", ""))) if part)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong-field", str(first["msg"]), field=field or None).answer()


async def _rejected(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Rejected):
        raise error
    status = HTTPStatus.CONFLICT if isinstance(error, ActRejected) else HTTPStatus.UNPROCESSABLE_ENTITY
    return Problem(status, "refused", error.problem, field=error.field, fix=error.fix).answer()


async def storage_away(request: Request, error: Exception) -> Response:
    """The answer while storage does not answer."""
    request.app.state.deps.outage.begins(error)
    return unavailable("storage does not answer; nothing of this was stored").answer()


async def _unstorable_value(_request: Request, error: Exception) -> Response:
    """For values that no check of ours refused. Only the log has the database's words, which may quote a statement."""
    log.warning("the database refuses a value: %s", str(getattr(error, "orig", error)).partition("\n")[0])
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "wrong-field",
        "the database cannot store a value of this request: a number or a time is too large, or a text has U+0000",
    ).answer()


async def _left(_request: Request, _error: Exception) -> Response:
    """For a caller that closed the connection while it sent the body; nobody reads the answer."""
    return Problem(HTTPStatus.BAD_REQUEST, "incomplete", "the body ended early").answer()


async def _connector(_request: Request, error: Exception) -> Response:
    log.warning("%s", error)
    return unavailable("another part of Millwright does not answer").answer()


async def _fault(_request: Request, error: Exception) -> Response:
    reference = secrets.token_hex(4)
    log.error("request failed, reference %s", reference, exc_info=error)
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "fault",
        f"an internal error occurred; it is logged as {reference}",
        fix="report this reference to the operators of Millwright",
    ).answer()
