"""The dependencies of all handlers."""

import logging
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response
from temporalio.client import Client

from domain.canonical import canonical
from domain.loops import Outage
from millwright.api.draft_examination import DraftExaminations
from millwright.api.places import Places
from millwright.api.refusals import Refusals
from millwright.api.report_process import Reports
from millwright.api.sign_in import KeyRing
from millwright.api.signed_webhooks import SignedWebhooks
from millwright.bootstrap import Storage
from millwright.intake.group_commit import GroupCommit
from millwright.intake.sequences import http_sequences
from millwright.intake.snapshot import RegisterSnapshot
from millwright.settings import Settings
from millwright.storage.events.event_store import EventStore
from millwright.storage.reporting.studies import StudyStore

MOST_WAITING = 16
log = logging.getLogger(__name__)


class Dependencies:
    """The stores, the engine, and caches between requests.

    Args:
        storage: the stores.
        settings: the settings of the installation.
        engine: the workflow engine, whose state `/ready` shows; None if the API runs without one.
        local_token_hash: the hash of the token of local mode; None if local mode is off.

    Raises:
        Rejected: there are webhook secrets for a CMMS that does not sign its webhooks.
    """

    def __init__(
        self, storage: Storage, settings: Settings, engine: Client | None, local_token_hash: str | None
    ) -> None:
        self.storage = storage
        self.settings = settings
        self.engine = engine
        self.local_token_hash = local_token_hash
        self.events = EventStore(storage.engine, storage.clock)
        self.studies = StudyStore(storage.engine)
        self.keys = KeyRing(storage.engine, storage.clock)
        self.refusals = Refusals()
        self.webhooks = SignedWebhooks(settings)
        self.snapshot = RegisterSnapshot(storage.register)
        self.outage = Outage(log, "storage cannot be used", "storage is back: requests are answered")
        self.group_commit = GroupCommit(storage.inbox, storage.clock)
        self.sequences = http_sequences()
        self.long_polls = Places(MOST_WAITING, "long polls")
        self.examinations = DraftExaminations()
        self.reports = Reports(storage)

    async def close(self) -> None:
        """Ends what runs beside the requests. The storage stays open."""
        await self.reports.close()


async def dependencies_of(request: Request) -> Dependencies:
    """The dependencies of the application that serves the request.

    It is a coroutine although it awaits nothing, because a plain function would run in a thread for every request.
    """
    deps: Dependencies = request.app.state.deps
    return deps


Deps = Annotated[Dependencies, Depends(dependencies_of)]


def answered(value: object, status: int = 200) -> Response:
    """A value as JSON in its canonical form: times in UTC with a Z, durations in ISO 8601.

    FastAPI neither checks nor filters it: `response_model` of a route is for the OpenAPI document only.
    """
    return Response(canonical(value), status, media_type="application/json")
