"""Whether there is anything left to do. The conductor checks this before it moves the plant's clock."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict

from domain.loops import wait_until
from millwright.api.dependencies import Deps, answered
from millwright.api.request_models import Instant
from millwright.api.sign_in import READING, may
from millwright.storage.scheduling.idleness import Waiting, read_waiting

router = APIRouter(tags=["operations"])

_LONGEST_WAIT = 30
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.005, 0.02, 1.1


class WaitingOn(BaseModel):
    """How much is not done; 1000 means at least 1000."""

    model_config = ConfigDict(frozen=True)

    events: int
    due: int


class Idleness(BaseModel):
    """Whether nothing waits, what waits, and when the next case is due after that."""

    model_config = ConfigDict(frozen=True)

    idle: bool
    waiting_on: WaitingOn
    next_case_due: datetime | None


@router.get("/idle", response_model=Idleness, dependencies=[Depends(may(*READING))])
async def wait_until_idle(
    deps: Deps,
    until: Annotated[Instant, Query(description="Whatever falls due by this instant counts.")],
    wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT, description="Seconds to wait for it.")] = 0.0,
) -> Response:
    """Answers as soon as every event has its fate and nothing is due, or when `wait` is over."""

    async def ask() -> Waiting:
        # No connection is held between two looks, because other requests need it.
        return await read_waiting(deps.storage.engine, until)

    with deps.long_polls.one():
        found = await wait_until(
            ask, lambda waiting: waiting.idle, every=_FIRST_PAUSE, timeout=wait, longest=_LONGEST_PAUSE, growth=_GROWTH
        )
    return answered(_said(found))


def _said(found: Waiting) -> dict[str, object]:
    return {
        "idle": found.idle,
        "waiting_on": {"events": found.events, "due": found.due},
        "next_case_due": found.next_case_due,
    }
