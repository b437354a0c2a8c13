"""Drift: what our record, a CMMS and the twins say differently."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from domain.reconcile import AskedReconcile
from millwright.api.dependencies import Deps, answered
from millwright.api.problems import ProblemDetails, not_found
from millwright.api.sign_in import OPERATOR, READING, Person, may
from millwright.storage.cases.drift import DriftStore
from millwright.storage.reporting.drift_lists import LastReconcile, ListedDrift, drift_page, last_reconciles

router = APIRouter(prefix="/drift", tags=["operations"])


@router.get("", response_model=list[ListedDrift], dependencies=[Depends(may(*READING))])
async def list_drift(
    deps: Deps,
    state: Annotated[Literal["open", "all"], Query(description="`open`: what still differs.")] = "open",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """What the last reconciles found to differ, the newest first, each with both values and what to do."""
    return answered(await drift_page(deps.storage.engine, ended=state == "all", limit=limit))


@router.get("/runs", response_model=list[LastReconcile], dependencies=[Depends(may(*READING))])
async def list_reconciles(deps: Deps) -> Response:
    """The newest reconcile of each CMMS, with how much it has read and when one was last finished."""
    return answered(await last_reconciles(deps.storage.engine))


@router.post(
    "/runs/{system}",
    status_code=HTTPStatus.ACCEPTED,
    response_model=AskedReconcile,
    responses={404: {"model": ProblemDetails}},
)
async def reconcile(
    system: Annotated[str, Path(description="The id of the CMMS instance, such as maximo.")],
    deps: Deps,
    _person: Annotated[Person, Depends(may(OPERATOR))],
) -> Response:
    """Begins a reconcile of a CMMS now, unless one runs. It is not waited for: see `GET /drift/runs`."""
    known = deps.settings.all_cmms()
    if system not in known:
        raise not_found(f"no CMMS {system} is reconciled", fix=f"there is: {', '.join(known) or 'none'}")
    store = DriftStore(deps.storage.engine, deps.storage.clock)
    begun = await store.run_now(system, deps.settings.reconcile_window)
    return answered({"system": system, "begun": begun}, HTTPStatus.ACCEPTED)
