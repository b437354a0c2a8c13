"""Liveness and readiness of the API."""

from http import HTTPStatus

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from temporalio.client import Client

from domain.errors import StorageFault, StorageUnavailable
from millwright.api.dependencies import Deps, answered
from millwright.bootstrap import Storage
from millwright.storage.database.engine import transaction
from millwright.storage.reporting.condition import read_clock_fault, read_policy_faults
from millwright.workflow_engine.temporal import engine_answers

router = APIRouter(tags=["operations"])

_HERE = "answers"


class Readiness(BaseModel):
    """The state of each dependency, as a sentence."""

    model_config = ConfigDict(frozen=True)

    ready: bool
    storage: str
    engine: str
    policies: str
    clock: str


@router.get("/health")
async def show_health() -> Response:
    """Answers as long as the process runs; checks no dependency."""
    return answered({"status": "alive"})


@router.get("/ready", response_model=Readiness, responses={503: {"model": Readiness}})
async def show_readiness(deps: Deps) -> Response:
    """Whether storage and the workflow engine answer."""
    storage, engine = await _storage(deps.storage), await _engine(deps.engine)
    if storage == _HERE:
        deps.outage.is_over()
    ready = storage == engine == _HERE
    policies = await _policies(deps.storage) if storage == _HERE else "cannot be looked at"
    clock = await _clock(deps.storage) if storage == _HERE else "cannot be looked at"
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    body = {"ready": ready, "storage": storage, "engine": engine, "policies": policies, "clock": clock}
    return answered(body, status)


async def _storage(storage: Storage) -> str:
    try:
        async with transaction(storage.engine) as connection:
            await connection.execute(text("SELECT FROM ledger_head"))
            if await connection.scalar(text("SELECT current_setting('transaction_read_only')")) == "on":
                return "answers, but is read-only: is it the primary?"
    except StorageUnavailable:
        return "does not answer: is PostgreSQL running, and is the address right?"
    except StorageFault:
        return "answers, but has not our tables: run `millwright db upgrade`"
    return _HERE


async def _policies(storage: Storage) -> str:
    """Whether the versions in force are those that people approved. If not, their work is stopped, and the API stays
    ready."""
    faults = await read_policy_faults(storage.engine, storage.compiled, storage.clock)
    return f"STOPPED: {faults[0]}" if faults else "what is in force is what was approved"


async def _clock(storage: Storage) -> str:
    """Whether the clock was set back. If so, acts of people on policies are refused, and the API stays ready."""
    fault = await read_clock_fault(storage.engine, storage.clock.now())
    return f"SET BACK: {fault}" if fault is not None else "is not behind the ledger"


async def _engine(engine: Client | None) -> str:
    if engine is None:
        return "is not connected: set MILLWRIGHT_TEMPORAL_ADDRESS, or start everything with `millwright up`"
    return _HERE if await engine_answers(engine) else "does not answer: is Temporal running, and is the address right?"
