"""The application: every route, and nothing that runs by itself."""

from importlib.metadata import version

from fastapi import FastAPI
from temporalio.client import Client

from millwright.api import (
    alarms,
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
    policies,
    problems,
    stops,
    studies,
    suppressions,
)
from millwright.api.body_limit import BodyLimit
from millwright.api.contract import publish_envelopes
from millwright.api.dependencies import Dependencies
from millwright.bootstrap import Storage
from millwright.settings import Settings

_ROUTERS = (
    events.router,
    alarms.router,
    cases.router,
    holds.router,
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
)


def create_app(storage: Storage, settings: Settings, engine_client: Client | None) -> FastAPI:
    """The API over one storage.

    Args:
        engine_client: the workflow engine; None gives an API that takes in and shows, and decides nothing.
    """
    app = FastAPI(
        title="Millwright",
        version=version("millwright"),
        description="From a twin's anomaly to the right work order, and back.",
        # Their pages load scripts from elsewhere, and a plant may have no way out.
        docs_url=None,
        redoc_url=None,
    )
    app.state.deps = Dependencies(storage, settings, engine_client)
    app.add_middleware(BodyLimit)
    problems.install(app)
    for router in _ROUTERS:
        app.include_router(router)
    publish_envelopes(app)
    return app
