"""The application: all routes, without background tasks."""

from importlib.metadata import version

from fastapi import FastAPI
from temporalio.client import Client

from millwright.api import (
    alarms,
    assets,
    audit,
    autonomy,
    cases,
    events,
    figures,
    floods,
    health,
    hints,
    holds,
    idleness,
    installation_keys,
    me,
    people,
    policies,
    problems,
    stops,
    studies,
    suppressions,
    unreadable,
    walk_downs,
)
from millwright.api.answer_headers import AnswerHeaders
from millwright.api.body_limit import BodyLimit
from millwright.api.dependencies import Dependencies
from millwright.api.event_schemas import publish_envelopes
from millwright.api.host_names import HostNames
from millwright.api.request_target import RequestTarget
from millwright.api.same_origin import SameOrigin
from millwright.bootstrap import Storage
from millwright.settings import Settings

ROUTERS = (
    events.router,
    alarms.router,
    cases.router,
    holds.router,
    walk_downs.router,
    figures.router,
    floods.router,
    studies.router,
    policies.router,
    autonomy.router,
    stops.router,
    audit.router,
    idleness.router,
    hints.router,
    health.router,
    suppressions.router,
    people.router,
    installation_keys.router,
    assets.router,
    unreadable.router,
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
    """
    app = FastAPI(
        title="Millwright",
        version=version("millwright"),
        description="From a twin's anomaly to the right work order, and back.",
        # FastAPI's pages load scripts from the Internet, which a plant may not reach.
        docs_url=None,
        redoc_url=None,
    )
    app.state.deps = Dependencies(storage, settings, engine_client, local_token_hash)
    # The last one sees a request first.
    for middleware in (BodyLimit, RequestTarget, SameOrigin):
        app.add_middleware(middleware)
    app.add_middleware(HostNames, names=(settings.api_host, *settings.api_names))
    app.add_middleware(AnswerHeaders)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    publish_envelopes(app)
    return app
