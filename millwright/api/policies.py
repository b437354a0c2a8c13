"""Policy versions: people's signed acts on them, and their states."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from domain.approvals import (
    ACTIVATE,
    APPROVE,
    CANARY,
    EMERGENCY,
    ROLLBACK,
    SHADOW,
    SUBMIT,
    WITHDRAW,
    one_line,
    withdrawing_meaning,
)
from domain.assigning import AssignedAs, Scope
from domain.canonical import canonical
from domain.errors import PolicyRejected
from millwright.api.dependencies import Dependencies, Deps, answered
from millwright.api.problems import Problem, ProblemDetails, not_found
from millwright.api.request_models import Body, Instant
from millwright.api.sign_in import LOCAL, READING, Person, may
from millwright.storage.policies.assignment_terms import Placing
from millwright.storage.policies.signatures import Signature
from millwright.storage.policies.versions import StoredVersion
from policies.statistics.canary import Band

router = APIRouter(prefix="/policies", tags=["policies"], responses={c: {"model": ProblemDetails} for c in (404, 422)})

AUTHOR, APPROVER, OPERATOR = "author", "approver", "operator"
_Words = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


class Signed(Body):
    """A signature made on the person's own machine: Ed25519 over the statement of docs/lifecycle.md, in hexadecimal."""

    at: Instant
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]

    def of(self, person: Person, act: str, meaning: str) -> Signature:
        """As a person's, over an act and a meaning."""
        return Signature(act, person.name, meaning, self.at, self.signature, "")


class SignedMeaning(Signed):
    """A signature whose meaning is the signer's own words."""

    meaning: _Words


class DraftText(Body):
    """A draft to save: the document and its cases file."""

    document: Annotated[str, Field(max_length=500_000)]
    cases: Annotated[str, Field(max_length=2_000_000)]
    reason: _Words


class Assigning(Signed):
    """Where a version judges, in which role, and from when."""

    act: Literal["activate", "canary", "shadow", "emergency"]
    scope: Scope = Scope()
    effective_from: Instant
    effective_to: Instant | None = None
    band: Band | None = None
    reason: _Words

    @property
    def terms(self) -> Placing:
        """As they were signed."""
        band = canonical(self.band).decode() if self.band is not None else None
        reason = one_line(self.reason)
        return Placing(self.act, (self.scope,), self.effective_from, reason, self.effective_to, band)


class RollingBack(Signed):
    """The version that replaces the one in the path."""

    to: str
    reason: _Words


class Withdrawing(Signed):
    """Whether a version is withdrawn permanently, or only its canaries or shadows."""

    only: Literal["canary", "shadow"] | None = None
    reason: _Words


@router.get("", dependencies=[Depends(may(*READING))])
async def list_policies(deps: Deps) -> Response:
    """Every version and draft with its state."""
    states = await deps.storage.policies.states.all(deps.storage.clock.now())
    drafts = await deps.storage.policies.drafts.drafts()
    shown = ("policy", "version", "revision", "digest", "author", "saved_at")
    return answered(
        {
            "versions": [{name: getattr(state, name) for name in state.__slots__} for state in states],
            "drafts": [{name: getattr(draft, name) for name in shown} for draft in drafts],
        }
    )


@router.get("/in-force", dependencies=[Depends(may(*READING))])
async def show_in_force(
    deps: Deps,
    at: Annotated[Instant | None, Query(description="When; now where left out.")] = None,
    known_at: Annotated[Instant | None, Query(description="As it was known then; now where left out.")] = None,
    asset: Annotated[str | None, Query()] = None,
    line: Annotated[str | None, Query()] = None,
) -> Response:
    """Which version was in force for an asset or a line, as of an instant and as it was known at another."""
    now = deps.storage.clock.now()
    found = await deps.storage.policies.states.in_force(at or now, known_at or now, asset=asset, line=line)
    return answered({name: getattr(found, name) for name in found.__slots__})


@router.get("/usual-band", dependencies=[Depends(may(*READING))])
async def show_usual_band(
    deps: Deps,
    request: Request,
    line: str | None = None,
    site: str | None = None,
    asset_class: str | None = None,
    percent: float | None = None,
) -> Response:
    """A canary's default band, from the figures of a scope in the thirty days before."""
    scope = Scope(line=line, site=site, asset_class=asset_class, percent=percent)
    return await deps.reports.answer("usual-band", request, scope.model_dump(mode="json"))


@router.get("/{version}", dependencies=[Depends(may(*READING))])
async def show_version(version: str, deps: Deps) -> Response:
    """One stored version, by number, `POLICY@VERSION` or digest: its text, and its digest, which people sign."""
    return answered((await _named(deps, version))._asdict())


@router.get("/{version}/rollback-terms", dependencies=[Depends(may(*READING))])
async def show_rollback_terms(
    version: str, to: Annotated[str, Query(description="The version that replaces it.")], deps: Deps
) -> Response:
    """Where a version is active, and so where a rollback replaces it by another one. The signature covers it."""
    found, old = await _named(deps, version), await _named(deps, to)
    now = deps.storage.clock.now()
    terms = await deps.storage.policies.lifecycle.rollback_terms(found.digest, old.digest, "", now)
    return answered({"digest": found.digest, "to": old.digest, "scopes": terms.scopes})


@router.get("/{version}/history", dependencies=[Depends(may(*READING))])
async def show_history(version: str, deps: Deps) -> Response:
    """Everything that was done to a version: by whom, when and why."""
    found = await _named(deps, version)
    display = await deps.storage.people.signature_display(deps.storage.zone)
    told = await deps.storage.policies.states.history(found.digest, found.policy, found.version, display)
    return answered([{name: getattr(act, name) for name in act.__slots__} for act in told])


@router.post("/drafts", status_code=201)
async def save(
    draft: DraftText, request: Request, deps: Deps, person: Annotated[Person, Depends(may(AUTHOR))]
) -> Response:
    """Saves a document as the next revision of its draft; its author is the signed-in person."""
    by = by_name(person)
    name = await deps.examinations.name(draft.document, request)
    revision = await deps.storage.policies.drafts.save(
        **dict(name), document=draft.document, cases=draft.cases, by=by, reason=draft.reason
    )
    body = {"policy": name.policy, "version": name.version, "revision": revision, "digest": name.digest}
    return answered(body, HTTPStatus.CREATED)


@router.post("/drafts/{policy}/{version}/submission", status_code=201)
async def submit(
    policy: str,
    version: str,
    signed: SignedMeaning,
    request: Request,
    deps: Deps,
    person: Annotated[Person, Depends(may(AUTHOR))],
) -> Response:
    """Submits a draft for review, if it is checked and proved; its text never changes afterwards."""
    drafts = deps.storage.policies.drafts
    found = await drafts.find(policy, version)
    examined = await deps.examinations.findings(found, await deps.storage.versions.versions(), request)
    await drafts.submit(found, signed.of(person, SUBMIT, signed.meaning), examined)
    body = {"policy": policy, "version": version, "digest": found.digest, "proved": examined.proof is not None}
    return answered(body, HTTPStatus.CREATED)


@router.post("/{version}/approvals", status_code=201)
async def approve(
    version: str, signed: SignedMeaning, deps: Deps, person: Annotated[Person, Depends(may(APPROVER))]
) -> Response:
    """Approves a version in review; answers how many approved, and how many approvals are missing."""
    found = await _named(deps, version)
    signature = signed.of(person, APPROVE, signed.meaning)
    count, lacking = await deps.storage.policies.lifecycle.approve(found.digest, signature)
    body = {"digest": found.digest, "approvals": count, "lacking": lacking or 0}
    return answered(body, HTTPStatus.CREATED)


@router.post("/{version}/assignments", status_code=201)
async def assign(
    version: str, asked: Assigning, deps: Deps, person: Annotated[Person, Depends(may(OPERATOR))]
) -> Response:
    """Puts a version in force, as canary or as shadow, now or from a date."""
    acts = {"activate": ACTIVATE, "canary": CANARY, "shadow": SHADOW, "emergency": EMERGENCY}
    found, terms = await _named(deps, version), asked.terms
    signature = asked.of(person, acts[asked.act], terms.meaning)
    placed = await deps.storage.policies.lifecycle.place(found.digest, terms, signature)
    return answered({"digest": found.digest, **placed._asdict(), "meaning": terms.meaning}, HTTPStatus.CREATED)


@router.post("/{version}/rollback", status_code=201)
async def roll_back(
    version: str, asked: RollingBack, request: Request, deps: Deps, person: Annotated[Person, Depends(may(OPERATOR))]
) -> Response:
    """Replaces an active version by an older one that was active there, wherever it is active."""
    found, old = await _named(deps, version), await _named(deps, asked.to)
    lifecycle, why = deps.storage.policies.lifecycle, one_line(asked.reason)
    terms = await lifecycle.rollback_terms(found.digest, old.digest, why, asked.at)
    signature = asked.of(person, ROLLBACK, terms.meaning)
    no_more = await lifecycle.must_ask_for_no_more(old.digest, person.name) and (
        await deps.examinations.asks_for_no_more(found.document, old.document, request)
    )
    placed = await lifecycle.rollback(found.digest, old.digest, why, signature, asks_for_no_more=no_more)
    return answered({"digest": old.digest, **placed._asdict(), "meaning": terms.meaning}, HTTPStatus.CREATED)


@router.post("/{version}/withdrawal", status_code=201)
async def withdraw(
    version: str,
    asked: Withdrawing,
    deps: Deps,
    person: Annotated[Person, Depends(may(AUTHOR, APPROVER, OPERATOR))],
) -> Response:
    """Withdraws a version permanently, or ends its canaries or shadows."""
    found, why = await _named(deps, version), one_line(asked.reason)
    role: AssignedAs | None = asked.only
    signature = asked.of(person, WITHDRAW, withdrawing_meaning(role, why))
    ended = await deps.storage.policies.lifecycle.withdraw(found.digest, role, why, signature)
    return answered({"digest": found.digest, "ended": ended}, HTTPStatus.CREATED)


async def _named(deps: Dependencies, version: str) -> StoredVersion:
    try:
        return await deps.storage.versions.named(version)
    except PolicyRejected as error:
        raise not_found(error.problem, fix=error.fix) from error


def by_name(person: Person) -> str:
    """The person's name, for an act.

    Raises:
        Problem: 403 for a user of this machine who did not sign in.
    """
    if person == LOCAL:
        raise Problem(
            HTTPStatus.FORBIDDEN, "role-missing", "this needs a signed-in person", fix="sign in with your API key"
        )
    return person.name
