"""No request makes the API answer 5xx: all routes, by hand-written oddities and by requests that Hypothesis draws from
the OpenAPI document."""

import sys
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
import requests
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from domain.people import ADMINISTRATOR, ROLES
from millwright.api.app import ROUTERS, create_app
from millwright.api.draft_examination import DraftExaminations
from millwright.api.problems import MEDIA_TYPE
from millwright.api.request_models import Body
from millwright.bootstrap import StoredVersions, stores
from millwright.runtime.plant_clock import clock_of
from millwright.settings import Settings
from millwright.storage.database.engine import open_engine
from tests.api.conftest import Caller, app_for_many, storage_for_many
from tests.support.hostile_requests import Hostile, HostileRequest
from tests.support.people import add

EVERYONE: Final = "everyone"
"""A person with every role; the others are called like their only role."""
_KNOWN = {
    "event": "1",
    "case": "MW1",
    "key": "H1",
    "version": "0" * 64,
    "policy": "rotating-equipment",
    "study": "1",
    "number": "1",
    "suppression": "S1",
    "system": "maximo",
    "asset_class": "pump",
    "failure_mode": "VIB",
}
_NO_ENGINE = ("/ready",)
"""What answers 503 here, because no workflow engine is connected."""
_REFUSES = """\
import sys
sys.stdin.readline()
answer = '{"result": "rejected", "problem": "it is none"}'
print(len(answer), answer, sep="\\n")
"""
_PERSONS = (*ROLES, EVERYONE)


def _document() -> dict[str, Any]:
    nowhere = stores(open_engine("postgresql://nowhere/none"), clock_of("wall"), StoredVersions(), Settings())
    return create_app(nowhere, Settings(), None).openapi()


DOCUMENT = _document()
OPERATIONS = list(schemathesis.openapi.from_dict(DOCUMENT).get_all_operations())


@pytest.fixture(scope="module")
async def attacked(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory, caller: Caller
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API in which each of `_PERSONS` has the key of their name."""
    async with storage_for_many(postgres_url, "millwright_attacked", tmp_path_factory.mktemp("attacked")) as storage:
        # The administrator comes last: once there are two, both sign for who acts.
        for name in sorted(_PERSONS, key=ADMINISTRATOR.__eq__):
            # An administrator has no role that acts, and a sender has no other one.
            roles = sorted(set(ROLES) - {ADMINISTRATOR, "ingest"}) if name == EVERYONE else [name]
            await add(storage.people, f"{name}-attacker", roles, storage.clock.now(), api_key=name)
        app = app_for_many(storage)
        # A real examination would take half a second for each request.
        app.state.deps.examinations = DraftExaminations(10, (sys.executable, "-S", "-c", _REFUSES))
        async with caller(app) as client:
            yield client
        await app.state.deps.close()


async def complaint(client: httpx.AsyncClient, request: HostileRequest, person: str = EVERYONE) -> str | None:
    """What is wrong with the answer to a request; None if it is a good one or a refusal in words."""
    sent = httpx.Request(
        request.method,
        httpx.URL("http://127.0.0.1:8080", raw_path=request.path),
        headers=[
            (b"authorization", f"Bearer {person}".encode()),
            *((name.encode(), value) for name, value in request.headers.items()),
        ],
        content=request.body,
    )
    answer = await client.send(sent)
    refused = answer.status_code >= 400 and not request.path.startswith(tuple(path.encode() for path in _NO_ENGINE))
    in_words = answer.headers.get("content-type") == MEDIA_TYPE
    well = answer.status_code < 500 and in_words if refused else True
    said = f"{person}: {request.method} {request.path[:200]!r} {request.headers} {request.body[:200]!r}"
    return None if well else f"{answer.status_code} {answer.text[:200]} to {said}"


@pytest.mark.thorough
async def test_every_oddity_is_answered_or_refused_in_words(attacked: httpx.AsyncClient) -> None:
    hostile = Hostile(DOCUMENT, _KNOWN)
    requests_ = (request for operation in hostile.operations() for request in hostile.requests(operation))
    answered = [await complaint(attacked, request) for request in requests_]
    assert [said for said in answered if said is not None] == []
    assert len(answered) > 3_000


@pytest.mark.thorough
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.ok().label)
@settings(
    max_examples=12,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
    derandomize=True,
)
@given(data=st.data())
async def test_every_request_from_the_document_is_answered_or_refused_in_words(
    attacked: httpx.AsyncClient, operation: Any, data: st.DataObject
) -> None:
    mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
    case = data.draw(operation.ok().as_strategy(mode))
    written = requests.Request(**case.as_transport_kwargs("http://127.0.0.1:8080")).prepare()
    target = urlsplit(str(written.url))
    request = HostileRequest(
        str(written.method),
        f"{target.path}?{target.query}".encode(),
        _bytes(written.body),
        {name: str(value).encode("latin-1", "replace") for name, value in written.headers.items()},
    )
    assert await complaint(attacked, request, data.draw(st.sampled_from(_PERSONS))) is None


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()


def test_every_body_refuses_texts_that_cannot_be_stored() -> None:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    bodies = [route.body_field.field_info.annotation for route in routes if route.body_field is not None]
    assert len(bodies) > 15
    assert [body for body in bodies if not (isinstance(body, type) and issubclass(body, Body))] == []
