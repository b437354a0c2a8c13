"""Backtests and searches for drafts over HTTP: each is a separate process, one at a time, and its result is stored."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from domain.errors import ActRejected, PolicyRejected
from millwright.api.dependencies import Dependencies, Deps, answered
from millwright.api.policies import APPROVER, AUTHOR, OPERATOR, by_name
from millwright.api.problems import ProblemDetails, not_found
from millwright.api.request_models import Body, Instant, Number
from millwright.api.sign_in import READING, Person, may
from millwright.api.study_process import begin_study
from millwright.storage.policies.versions import StoredVersion
from millwright.storage.reporting.studies import KEPT, AskedStudy, Part, Study, StudyKind

router = APIRouter(tags=["studies"], responses={c: {"model": ProblemDetails} for c in (404, 409, 422, 503)})

Asker = Annotated[Person, Depends(may(AUTHOR, APPROVER, OPERATOR))]
Moment = Annotated[Instant | None, Field(description="Without it, as far as events are stored.")]


class _Body(Body):
    since: Moment = None
    until: Moment = None


class Backtesting(_Body):
    """The period of a backtest, and the version to compare with; by default the active one."""

    against: str | None = None
    crews: Annotated[int, Field(ge=1, le=1000, description="Among how many crews the orders are shared.")] = 1
    failures: Annotated[
        str | None, Field(description="A failure register, as CSV; without it, the findings of our own orders.")
    ] = None


class BacktestingVersion(Backtesting):
    """The same for a stored version. With `attach` the result is stored with the version, for its approval."""

    attach: bool = False


class Searching(_Body):
    """The version to improve, by default the active one, and the period."""

    version: str | None = None


@router.post("/policies/{version}/backtests", status_code=202, response_model=Study)
async def backtest_version(version: str, asked: BacktestingVersion, deps: Deps, person: Asker) -> Response:
    """Begins a backtest of a stored version, by number or digest. With `attach` its result is stored with the version,
    in the name of the signed-in person."""
    found = await _named(deps, version)
    if asked.attach:
        by_name(person)
        if asked.since is not None or asked.until is not None:
            raise ActRejected("a part of the past is not attached", field="attach", fix="leave out since and until")
    return await _backtest(deps, asked, person, found.version, found.digest, found.document, attach=asked.attach)


@router.post("/policies/drafts/{policy}/{version}/backtests", status_code=202, response_model=Study)
async def backtest_draft(policy: str, version: str, asked: Backtesting, deps: Deps, person: Asker) -> Response:
    """Begins a backtest of the last saved revision of a draft."""
    try:
        found = await deps.storage.policies.drafts.find(policy, version)
    except PolicyRejected as error:
        raise not_found(error.problem, fix=error.fix) from error
    return await _backtest(deps, asked, person, f"{version} (draft)", found.digest, found.document)


@router.post("/policies/suggestions", status_code=202, response_model=Study)
async def seek_suggestions(asked: Searching, deps: Deps, person: Asker) -> Response:
    """Begins a search for small changes that the stored events support. It saves and publishes nothing."""
    found = await _active(deps, "version") if asked.version is None else await _named(deps, asked.version)
    study = AskedStudy(
        kind="suggestions",
        version=found.version,
        digest=found.digest,
        against=None,
        since=asked.since,
        until=asked.until,
        crews=1,
        asked_by=person.name,
        asked_at=deps.storage.clock.now(),
    )
    return _begun(await begin_study(deps, study, found.document))


@router.get("/policies/suggestions", dependencies=[Depends(may(*READING))])
async def show_suggestions(deps: Deps) -> Response:
    """The newest drafts that the past speaks for, each whole and with its backtest, as `policy suggest --json` writes
    them."""
    newest = await deps.studies.newest_done("suggestions")
    if newest is None:
        raise not_found("no search for drafts has come to its end yet", fix="`POST /policies/suggestions` begins one")
    return await _sent(deps, newest, "result", "application/json")


@router.get("/studies", response_model=list[Study], dependencies=[Depends(may(*READING))])
async def list_studies(
    deps: Deps,
    kind: Annotated[StudyKind | None, Query(description="Backtests, or searches for drafts.")] = None,
    limit: Annotated[int, Query(ge=1, le=KEPT)] = KEPT,
) -> Response:
    """Backtests and searches, the newest first, each with its progress."""
    return answered(await deps.studies.newest(limit, kind))


@router.get("/studies/{study}", response_model=Study, dependencies=[Depends(may(*READING))])
async def show_study(study: Number, deps: Deps) -> Response:
    """One backtest or search: its requester and question, its progress, and the error if it failed."""
    return answered(await _found(deps, study))


@router.get("/studies/{study}/result", dependencies=[Depends(may(*READING))])
async def show_result(study: Number, deps: Deps) -> Response:
    """The result: the JSON that `policy backtest --json` or `policy suggest --json` writes."""
    return await _sent(deps, await _found(deps, study), "result", "application/json")


@router.get("/studies/{study}/page", dependencies=[Depends(may(*READING))])
async def show_page(study: Number, deps: Deps) -> Response:
    """A backtest as one HTML page with charts and traces, as `policy backtest --report` writes it."""
    return await _sent(deps, await _found(deps, study), "page", "text/html; charset=utf-8")


async def _backtest(
    deps: Dependencies,
    asked: Backtesting,
    person: Person,
    version: str,
    digest: str,
    document: str,
    *,
    attach: bool = False,
) -> Response:
    if asked.against is None:
        against = await _active(deps, "against")
    else:
        against = await _named(deps, asked.against)
    if attach and against.digest != (active := await _active(deps, "against")).digest:
        problem = f"only what changes against {active.version}, in force now, is attached"
        raise ActRejected(problem, field="against", fix=active.version)
    study = AskedStudy(
        kind="backtest",
        version=version,
        digest=digest,
        against=against.digest,
        since=asked.since,
        until=asked.until,
        crews=asked.crews,
        asked_by=person.name,
        asked_at=deps.storage.clock.now(),
    )
    begun = await begin_study(deps, study, document, against=against.document, failures=asked.failures, attach=attach)
    return _begun(begun)


def _begun(study: Study) -> Response:
    reply = answered(study, HTTPStatus.ACCEPTED)
    reply.headers["Location"] = f"/studies/{study.number}"
    return reply


async def _named(deps: Dependencies, version: str) -> StoredVersion:
    try:
        return await deps.storage.versions.named(version)
    except PolicyRejected as error:
        raise not_found(error.problem, fix=error.fix) from error


async def _active(deps: Dependencies, field: str) -> StoredVersion:
    # Imported only when it is needed, because the import is slow.
    from millwright.storage.reporting.history import read_history

    async with read_history(deps.storage.engine) as history:
        digest = await history.active(deps.storage.clock.now())
    if digest is None:
        raise ActRejected("no version is active", field=field, fix="name a version")
    return await deps.storage.versions.named(digest)


async def _found(deps: Dependencies, number: int) -> Study:
    try:
        return await deps.studies.find(number)
    except ActRejected as error:
        raise not_found(error.problem, fix=error.fix) from error


async def _sent(deps: Dependencies, study: Study, part: Part, media_type: str) -> Response:
    size = await deps.studies.size(study.number, part)
    if size is not None:
        headers = {"Content-Length": str(size)}
        return StreamingResponse(deps.studies.pieces(study.number, part, size), media_type=media_type, headers=headers)
    if study.state == "running":
        far = f"{study.judged:,} of {study.total:,} events are judged" if study.total else "it has just begun"
        raise ActRejected(f"study {study.number} runs still: {far}", field="study", fix="ask again in a while")
    if study.problem is not None:
        raise ActRejected(f"nothing came of study {study.number}: {study.problem}", field="study", fix=study.fix)
    raise not_found("a search for drafts has no page", fix=f"`GET /studies/{study.number}/result` has its drafts")
