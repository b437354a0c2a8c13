"""The application: all routes, without background tasks."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute
from temporalio.client import Client

from millwright.api import (
    alarms,
    assets,
    audit,
    autonomy,
    capacity,
    cases,
    drift,
    events,
    figures,
    floods,
    freshness,
    health,
    hints,
    hold_proposals,
    holds,
    idleness,
    installation_keys,
    me,
    missed_failures,
    people,
    policies,
    problems,
    quality,
    stops,
    studies,
    suppressions,
    suspect_lots,
    unreadable,
    walk_downs,
    webhooks,
)
from millwright.api.answer_headers import AnswerHeaders
from millwright.api.body_limit import BodyLimit
from millwright.api.dependencies import Dependencies
from millwright.api.event_schemas import add_envelopes
from millwright.api.host_names import HostNames
from millwright.api.request_target import RequestTarget
from millwright.api.same_origin import SameOrigin
from millwright.bootstrap import Storage
from millwright.settings import Settings

ROUTERS = (
    events.router,
    alarms.router,
    cases.router,
    capacity.router,
    holds.router,
    hold_proposals.router,
    suspect_lots.router,
    walk_downs.router,
    figures.router,
    floods.router,
    quality.router,
    studies.router,
    policies.router,
    autonomy.router,
    stops.router,
    audit.router,
    idleness.router,
    hints.router,
    webhooks.router,
    health.router,
    suppressions.router,
    people.router,
    installation_keys.router,
    assets.router,
    unreadable.router,
    drift.router,
    missed_failures.router,
    freshness.router,
    me.router,
)


def create_app(
    storage: Storage, settings: Settings, engine_client: Client | None, local_token_hash: str | None = None
) -> FastAPI:
    """The API over one storage.

    Args:
        engine_client: the workflow engine, whose state `/ready` shows; None if the API runs without one.
        local_token_hash: the hash of the token of local mode, by `api_key_hash`; with None every caller needs an API
            key.

    Raises:
        Rejected: there are webhook secrets for a CMMS that does not sign its webhooks.
    """
    app = _application()
    app.router.routes.extend(_routes())
    document = _document()
    app.openapi = lambda: document  # type: ignore[method-assign]  # as FastAPI documents it
    app.state.deps = Dependencies(storage, settings, engine_client, local_token_hash)
    # The last one sees a request first.
    for middleware in (BodyLimit, RequestTarget, SameOrigin):
        app.add_middleware(middleware)
    app.add_middleware(HostNames, names=(settings.api_host, *settings.api_names))
    app.add_middleware(AnswerHeaders)
    return app


@cache
def _document() -> dict[str, Any]:
    """The OpenAPI document. It depends on no setting, and takes 0.4 s: it is made once, before anybody is answered."""
    app = _application()
    app.router.routes.extend(_routes())
    document = app.openapi()
    add_envelopes(document)
    return document


@cache
def _routes() -> Sequence[BaseRoute]:
    """All routes. They depend on no setting either, and take 0.1 s."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for router in ROUTERS:
        app.include_router(router)
    # FastAPI makes them with the first request, which would hold the event loop for 60 ms.
    tuple(iter_route_contexts(app.routes))
    return app.routes


def _application() -> FastAPI:
    app = FastAPI(
        title="Millwright",
        version=version("millwright"),
        description="From a twin's anomaly to the right work order, and back.",
        # FastAPI's pages load scripts from the Internet, which a plant may not reach.
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    return app
