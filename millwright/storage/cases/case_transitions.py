"""What verdicts mean for cases: opened, fed, noted on a closed one. Runs inside the judging transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.case_rules import CaseSpan, Effect, counts_as_evidence, effect, is_news
from domain.cases import ClosedAs, Phase
from domain.judging import FaultKey, Judged
from domain.keys import case_id, case_workflow_id
from domain.verdict import Rung
from millwright.storage.database.arrays import texts
from millwright.storage.database.engine import Statement, raw
from millwright.storage.database.pipelines import pipeline
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due
from millwright.storage.suppression.sensor_masks import MaskLimits, mask_sensor
from millwright.storage.suppression.suppression_filter import SuppressionFilter, suppressions_around

# The row lock keeps a case from being closed between here and the commit, with what feeds it lost in between.
_HOLD_OPEN = """
SELECT c.id FROM cases c JOIN unnest(%b::text[], %b::text[]) AS k(asset, failure_mode)
  ON c.asset = k.asset AND c.failure_mode = k.failure_mode
WHERE c.closed_as IS NULL ORDER BY c.id FOR UPDATE OF c
"""
_NEWEST = """
SELECT DISTINCT ON (c.asset, c.failure_mode) c.id, c.asset, c.failure_mode, c.closed_as, c.rung, c.opened_by,
    c.event_at, c.last_event_at, c.fed, c.withdraw
FROM cases c JOIN unnest(%b::text[], %b::text[]) AS k(asset, failure_mode)
  ON c.asset = k.asset AND c.failure_mode = k.failure_mode
ORDER BY c.asset, c.failure_mode, c.closed_as IS NULL DESC, c.opened_at DESC, c.closed_at DESC NULLS FIRST
"""
_TAKEN = "SELECT id FROM cases WHERE id = ANY(%b::text[])"
_IS_TAKEN = text("SELECT id FROM cases WHERE id = :id")
_STILL_SUPPORTING = text(
    "SELECT v.event_id, v.version FROM (SELECT DISTINCT ON (event_id, version) event_id, version, rung FROM verdicts "
    "WHERE version IN (SELECT digest FROM policy_assignments WHERE role <> 'shadow') AND asset = :asset "
    "AND failure_mode = :mode AND role = 'active' AND at >= :since AND memory <> '' "
    "ORDER BY event_id, version, revision DESC) v WHERE v.rung >= :rung"
)
_OF_EVENT = text(
    "SELECT c.id FROM events e JOIN cases c ON c.asset = e.asset AND c.failure_mode = e.failure_mode "
    "LEFT JOIN evidence v ON v.case_id = c.id AND v.event_id = e.id "
    "WHERE e.id = :event AND (v.id IS NOT NULL OR (e.at BETWEEN c.event_at AND c.last_event_at "
    "AND (SELECT u.how FROM suppressed u WHERE u.event_id = e.id ORDER BY u.id DESC LIMIT 1) "
    "IS DISTINCT FROM 'held_back')) "
    "ORDER BY v.id IS NULL, c.opened_at DESC LIMIT 1"
)

# Where an asset stands is read with the row. One that has left the register since is kept under its own name.
_ADD_CASES = """
INSERT INTO cases (id, asset, failure_mode, machine, line, site, opened_by, opened_at, event_at, last_event_at, version,
    verdict, rung, phase, withdraw, fed)
SELECT k.id, k.asset, k.failure_mode, coalesce(a.machine, k.asset), coalesce(a.line, ''), a.site, k.opened_by, %s,
    k.event_at, k.last_event_at, k.version, k.verdict::jsonb, k.rung, %s, k.withdraw, k.fed
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::text[],
    %s::text[], %s::smallint[], %s::text[], %s::integer[])
    AS k(id, asset, failure_mode, opened_by, event_at, last_event_at, version, verdict, rung, withdraw, fed)
LEFT JOIN assets a ON a.id = k.asset AND a.valid_to IS NULL
"""
_ADD_EVIDENCE = """
INSERT INTO evidence (case_id, event_id, revision, rung, at, how)
SELECT k.case_id, k.event_id, k.revision, k.rung, k.at, k.how
FROM unnest(%s::text[], %s::bigint[], %s::smallint[], %s::smallint[], %s::timestamptz[], %s::text[])
    WITH ORDINALITY AS k(case_id, event_id, revision, rung, at, how, place) ORDER BY k.place
"""
# A raised case has the verdict that raised it, and no urgency: what is worse may be more urgent.
_KEEP = """
UPDATE cases c SET event_at = k.event_at, last_event_at = k.last_event_at, fed = k.fed, withdraw = k.withdraw,
    rung = coalesce(k.rung, c.rung), verdict = coalesce(k.verdict::jsonb, c.verdict),
    version = coalesce(k.version, c.version), urgency = CASE WHEN k.rung IS NULL THEN c.urgency END
FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[], %s::integer[], %s::text[], %s::smallint[], %s::text[],
    %s::text[]) AS k(id, event_at, last_event_at, fed, withdraw, rung, verdict, version)
WHERE c.id = k.id
"""


class _CaseRow(NamedTuple):
    id: str
    asset: str
    failure_mode: str
    closed_as: str | None
    rung: int
    opened_by: int
    event_at: datetime
    last_event_at: datetime
    fed: int
    withdraw: str | None


class _CaseId(NamedTuple):
    id: str


class _VerdictKey(NamedTuple):
    event_id: int
    version: str


@dataclass(slots=True)
class _Case:
    id: str
    key: FaultKey
    span: CaseSpan
    opened_by: int
    fed: int
    withdraw: str | None
    changed: bool = False
    verdict: Judged | None = None

    @classmethod
    def of(cls, row: _CaseRow) -> "_Case":
        closed_as = ClosedAs(row.closed_as) if row.closed_as else None
        span = CaseSpan(row.event_at, row.last_event_at, Rung(row.rung), closed_as)
        return cls(row.id, (row.asset, row.failure_mode), span, row.opened_by, row.fed, row.withdraw)

    def take_in(self, judged: Judged) -> None:
        """Counts a verdict as evidence, and stretches the case over its event."""
        self.span.stretch(judged.event.at, judged.verdict.rung)
        if counts_as_evidence(_previous(judged)):
            self.fed += 1
        self.changed = True


@dataclass(frozen=True, slots=True)
class Applied:
    """What verdicts meant: the cases to wake, and what their transaction has yet to write, in this order."""

    woken: Sequence[str] = ()
    statements: Sequence[Statement] = ()


@dataclass(slots=True)
class _Plan:
    entry: ledger.Entry
    now: datetime
    taken: frozenset[str]
    """Ids of cases, of those that would be opened first, that stand in storage."""
    evidence: list[tuple[object, ...]] = field(default_factory=list)
    touched: dict[str, _Case] = field(default_factory=dict)
    opened: list[_Case] = field(default_factory=list)
    woken: set[str] = field(default_factory=set)
    acted: dict[int, str] = field(default_factory=dict)
    """The case that each event came to."""
    doubted: dict[str, Judged] = field(default_factory=dict)
    """Open cases of which a piece of evidence was revised away, with the last such verdict."""

    def add_evidence(self, case: _Case, judged: Judged, how: str) -> None:
        event = judged.event
        self.evidence.append((case.id, event.id, judged.revision, int(judged.verdict.rung), event.at, how))

    def act(self, kind: str, case: _Case, judged: Judged, **detail: object) -> None:
        event: dict[str, object] = {
            "event": [judged.event.source, judged.event.external_id],
            "rung": judged.verdict.rung.word,
            **detail,
        }
        self.entry.add(ledger.act(kind, case_workflow_id(case.id), judged.assignment.digest[:12], self.now, event))


async def apply_verdicts(
    connection: AsyncConnection, judged: Sequence[Judged], entry: ledger.Entry, now: datetime, masks: MaskLimits
) -> Applied:
    """Opens, feeds and notes cases for the active version's verdicts.

    A line is judged by one transaction at a time, so no other one opens a case for the same fault meanwhile.
    """
    moving = [each for each in judged if each.assignment.role == "active" and not each.too_late]
    telling = [each for each in moving if is_news(each.verdict.rung, _previous(each))]
    if not telling:
        return Applied()
    plan = await _plan(connection, telling, moving, entry, now, masks)
    return Applied(sorted(plan.woken), list(_statements(plan)))


async def apply_after_suppression(
    connection: AsyncConnection, held_back: Sequence[Judged], entry: ledger.Entry, now: datetime, masks: MaskLimits
) -> dict[int, str]:
    """Applies standing verdicts that were held back, in event order, where nothing holds them back any more.

    The caller has the lines of these faults, as judging has. Gives the case of each event that came in.
    """
    if not held_back:
        return {}
    plan = await _plan(connection, held_back, held_back, entry, now, masks)
    async with (await raw(connection)).cursor() as cursor:
        for statement, values in _statements(plan):
            await cursor.execute(statement, values)
    return plan.acted


async def _plan(
    connection: AsyncConnection,
    telling: Sequence[Judged],
    moving: Sequence[Judged],
    entry: ledger.Entry,
    now: datetime,
    masks: MaskLimits,
) -> _Plan:
    stored = await _stored_cases(connection, telling)
    holding = await SuppressionFilter.read(connection, telling) if stored.held_back else SuppressionFilter()
    plan = _Plan(entry, now, stored.taken)
    newest = stored.newest
    for verdict in telling:
        if holding.holds_back(verdict, entry):
            continue
        event = verdict.event
        case = newest.get(event.key)
        found = effect(case.span if case else None, event.at, verdict.verdict.rung, verdict.assignment.rearm)
        if found is Effect.OPENS:
            case = newest[event.key] = await _open(connection, plan, verdict)
        elif case is not None:
            _STEPS[found](plan, case, verdict)
        else:
            continue
        plan.touched[case.id] = case
        plan.acted[event.id] = case.id
    for case_doubted, last in plan.doubted.items():
        await _withdraw_unsupported(connection, plan, plan.touched[case_doubted], last, moving)
    await holding.write(connection)
    for case in plan.opened:
        if case.verdict is not None:
            await mask_sensor(connection, case.id, case.verdict, masks, entry)
    return plan


def _previous(judged: Judged) -> Rung | None:
    return None if judged.previous_rung is None else Rung(judged.previous_rung)


@dataclass(frozen=True, slots=True)
class _StoredCases:
    """What stands in storage around some verdicts: the newest case of each fault, which of the ids that they would give
    first are taken, and whether any shelf or window may hold them back."""

    newest: dict[FaultKey, _Case]
    taken: frozenset[str]
    held_back: bool


async def _stored_cases(connection: AsyncConnection, telling: Sequence[Judged]) -> _StoredCases:
    keys = sorted({judged.event.key for judged in telling})
    places = (texts([asset.encode() for asset, _ in keys]), texts([mode.encode() for _, mode in keys]))
    first_ids = [_case_id(judged).encode() for judged in telling if judged.verdict.rung.opens_case]
    driver = await raw(connection)
    async with driver.cursor() as newest, driver.cursor() as taken, driver.cursor() as around:
        async with pipeline(driver), driver.cursor() as holding:
            await holding.execute(_HOLD_OPEN, places)
            await newest.execute(_NEWEST, places)
            await taken.execute(_TAKEN, (texts(first_ids),))
            await around.execute(*suppressions_around(telling))
        found = [_Case.of(_CaseRow._make(row)) for row in await newest.fetchall()]
        return _StoredCases(
            {case.key: case for case in found},
            frozenset(_CaseId._make(row).id for row in await taken.fetchall()),
            await around.fetchone() is not None,
        )


def _case_id(judged: Judged, attempt: int = 0) -> str:
    event = judged.event
    return case_id(event.asset, event.failure_mode, event.source, event.external_id, attempt)


def _feed(plan: _Plan, case: _Case, judged: Judged) -> None:
    case.take_in(judged)
    plan.doubted.pop(case.id, None)
    if case.withdraw is not None:
        case.withdraw = None
        plan.act("case-supported", case, judged)
        plan.woken.add(case.id)
    if case.span.is_raised_by(judged.verdict.rung):
        case.span.rung = judged.verdict.rung
        case.verdict = judged
        plan.add_evidence(case, judged, "raised")
        plan.act("case-raised", case, judged)
        plan.woken.add(case.id)


def _note(plan: _Plan, case: _Case, judged: Judged) -> None:
    case.take_in(judged)
    plan.add_evidence(case, judged, "noted")


def _revise(plan: _Plan, case: _Case, judged: Judged) -> None:
    plan.add_evidence(case, judged, "revised")
    plan.act("case-evidence-revised", case, judged, previous=Rung(judged.previous_rung or 0).word)
    if case.span.closed_as is None:
        case.fed = max(case.fed - 1, 0)
        case.changed = True
        plan.doubted[case.id] = judged


async def _withdraw_unsupported(
    connection: AsyncConnection, plan: _Plan, case: _Case, judged: Judged, moving: Sequence[Judged]
) -> None:
    """Marks a case of which no evidence is left, by the newest verdicts on its events, as to be withdrawn."""
    since = {"asset": case.key[0], "mode": case.key[1], "since": case.span.event_at, "rung": int(Rung.INSPECT)}
    stored = {_VerdictKey._make(row) for row in await connection.execute(_STILL_SUPPORTING, since)}
    again = {_VerdictKey(each.event.id, each.assignment.digest): each for each in moving if each.event.key == case.key}
    if stored - set(again) or any(each.verdict.rung.opens_case for each in again.values()):
        return
    case.withdraw = f"its evidence was judged again, the last as {judged.verdict.rung.word}"
    case.changed = True
    plan.act("case-unsupported", case, judged, reason=case.withdraw)
    plan.woken.add(case.id)


_STEPS: Final[Mapping[Effect, Callable[[_Plan, _Case, Judged], None]]] = {
    Effect.FEEDS: _feed,
    Effect.NOTED: _note,
    Effect.REVISES: _revise,
}


async def _open(connection: AsyncConnection, plan: _Plan, judged: Judged) -> _Case:
    event = judged.event
    new_id = _case_id(judged)
    attempt = 0
    taken = new_id in plan.taken
    while taken or any(new_id == case.id for case in plan.opened):
        attempt += 1
        new_id = _case_id(judged, attempt)
        taken = await connection.scalar(_IS_TAKEN, {"id": new_id}) is not None
    case = _Case(new_id, event.key, CaseSpan(event.at, event.at, judged.verdict.rung), event.id, 1, None)
    case.verdict = judged
    plan.opened.append(case)
    plan.add_evidence(case, judged, "opened")
    plan.act("case-opened", case, judged, asset=event.asset, failure_mode=event.failure_mode)
    plan.woken.add(case.id)
    return case


def _statements(plan: _Plan) -> Iterator[Statement]:
    opened = [(case, case.verdict) for case in plan.opened if case.verdict is not None]
    if opened:
        yield (
            _ADD_CASES,
            (
                plan.now,
                Phase.PROPOSE.value,
                [case.id for case, _ in opened],
                [case.key[0] for case, _ in opened],
                [case.key[1] for case, _ in opened],
                [case.opened_by for case, _ in opened],
                [case.span.event_at for case, _ in opened],
                [case.span.last_event_at for case, _ in opened],
                [judged.assignment.digest for _, judged in opened],
                [judged.verdict.model_dump_json() for _, judged in opened],
                [int(case.span.rung) for case, _ in opened],
                [case.withdraw for case, _ in opened],
                [case.fed for case, _ in opened],
            ),
        )
    new = {case.id for case in plan.opened}
    changed = [case for case in plan.touched.values() if case.changed and case.id not in new]
    if changed:
        verdicts = [case.verdict for case in changed]
        yield (
            _KEEP,
            (
                [case.id for case in changed],
                [case.span.event_at for case in changed],
                [case.span.last_event_at for case in changed],
                [case.fed for case in changed],
                [case.withdraw for case in changed],
                [
                    None if judged is None else int(case.span.rung)
                    for case, judged in zip(changed, verdicts, strict=True)
                ],
                [None if judged is None else judged.verdict.model_dump_json() for judged in verdicts],
                [None if judged is None else judged.assignment.digest for judged in verdicts],
            ),
        )
    if plan.evidence:
        yield _ADD_EVIDENCE, tuple(list(column) for column in zip(*plan.evidence, strict=True))
    if plan.woken:
        yield due.waking([case_workflow_id(case) for case in plan.woken], plan.now)


async def case_of_event(connection: AsyncConnection, event_id: int) -> str | None:
    """The case an event opened, fed or was noted on, if any; none that it was held back from."""
    row = (await connection.execute(_OF_EVENT, {"event": event_id})).one_or_none()
    return None if row is None else _CaseId._make(row).id
