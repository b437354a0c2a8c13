"""What verdicts mean for cases: opened, fed, noted on a closed one. Runs inside the judging transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cases import ClosedAs, Phase
from domain.judging import FaultKey, Judged
from domain.keys import case_id, case_workflow_id
from domain.verdict import Rung
from millwright.storage import due, ledger
from millwright.storage.holding_back import HoldingBack
from millwright.storage.tables import assets, cases, evidence

# The row lock keeps a case from being closed between here and the commit, with what feeds it lost in between.
_HOLD_OPEN = text(
    "SELECT c.id FROM cases c JOIN unnest(CAST(:assets AS text[]), CAST(:modes AS text[])) AS k(asset, failure_mode) "
    "ON c.asset = k.asset AND c.failure_mode = k.failure_mode WHERE c.closed_at IS NULL ORDER BY c.id FOR UPDATE OF c"
)
_STILL_SUPPORTING = text(
    "SELECT v.event_id, v.version FROM (SELECT DISTINCT ON (event_id, version) event_id, version, rung FROM verdicts "
    "WHERE version IN (SELECT digest FROM policy_assignments WHERE role <> 'shadow') AND asset = :asset "
    "AND failure_mode = :mode AND role = 'active' AND at >= :since AND memory <> '' "
    "ORDER BY event_id, version, revision DESC) v WHERE v.rung >= :rung"
)

# A raised case has the verdict that raised it, and no urgency: what is worse may be more urgent.
_KEEP = text(
    "UPDATE cases c SET event_at = k.event_at, last_event_at = k.last_event_at, fed = k.fed, withdraw = k.withdraw, "
    "rung = coalesce(k.rung, c.rung), verdict = coalesce(CAST(k.verdict AS jsonb), c.verdict), "
    "version = coalesce(k.version, c.version), urgency = CASE WHEN k.rung IS NULL THEN c.urgency END "
    "FROM unnest(CAST(:ids AS text[]), CAST(:event_ats AS timestamptz[]), CAST(:last_event_ats AS timestamptz[]), "
    "CAST(:feds AS integer[]), CAST(:withdraws AS text[]), CAST(:rungs AS smallint[]), CAST(:verdicts AS text[]), "
    "CAST(:versions AS text[])) AS k(id, event_at, last_event_at, fed, withdraw, rung, verdict, version) "
    "WHERE c.id = k.id"
)


@dataclass(slots=True)
class _Case:
    id: str
    key: FaultKey
    closed_as: str | None
    rung: int
    opened_by: int
    event_at: datetime
    last_event_at: datetime
    fed: int
    withdraw: str | None
    changed: bool = False
    verdict: Judged | None = None

    @property
    def open(self) -> bool:
        return self.closed_as is None


@dataclass(slots=True)
class _Plan:
    entry: ledger.Entry
    now: datetime
    evidence: list[dict[str, object]] = field(default_factory=list)
    opened: list[_Case] = field(default_factory=list)
    woken: set[str] = field(default_factory=set)
    acted: dict[int, str] = field(default_factory=dict)
    """The case that each event came to."""
    doubted: dict[str, Judged] = field(default_factory=dict)
    """Open cases of which a piece of evidence was revised away, with the last such verdict."""

    def add_evidence(self, case: _Case, judged: Judged, how: str) -> None:
        self.evidence.append(
            {
                "case_id": case.id,
                "event_id": judged.event.id,
                "revision": judged.revision,
                "rung": int(judged.verdict.rung),
                "at": judged.event.at,
                "how": how,
            }
        )

    def act(self, kind: str, case: _Case, judged: Judged, **detail: object) -> None:
        event: dict[str, object] = {
            "event": [judged.event.source, judged.event.external_id],
            "rung": judged.verdict.rung.word,
            **detail,
        }
        self.entry.add(ledger.act(kind, case_workflow_id(case.id), judged.assignment.digest[:12], self.now, event))


async def apply_verdicts(
    connection: AsyncConnection, judged: Sequence[Judged], entry: ledger.Entry, now: datetime
) -> list[str]:
    """Opens, feeds and notes cases for the active version's verdicts; gives the ids of cases to wake.

    A line is judged by one transaction at a time, so no other one opens a case for the same fault meanwhile.
    """
    moving = [one for one in judged if one.assignment.role == "active" and not one.aside]
    telling = [one for one in moving if _matters(one)]
    if not telling:
        return []
    return sorted((await _apply(connection, telling, moving, entry, now)).woken)


async def let_in(
    connection: AsyncConnection, held_back: Sequence[Judged], entry: ledger.Entry, now: datetime
) -> dict[int, str]:
    """Applies standing verdicts that were held back, in event order, where nothing holds them back any more.

    The caller has the lines of these faults, as judging has. Gives the case of each event that came in.
    """
    return (await _apply(connection, held_back, held_back, entry, now)).acted if held_back else {}


async def _apply(
    connection: AsyncConnection,
    telling: Sequence[Judged],
    moving: Sequence[Judged],
    entry: ledger.Entry,
    now: datetime,
) -> "_Plan":
    plan = _Plan(entry, now)
    holding = await HoldingBack.read(connection, telling)
    newest = await _newest_cases(connection, sorted({one.event.key for one in telling}))
    touched: dict[str, _Case] = {}
    for one in telling:
        case = newest.get(one.event.key)
        if holding.holds_back(one, entry):
            continue
        if not one.verdict.rung.opens_case:
            if case is not None:
                _revise(plan, case, one)
        elif case is not None and case.open:
            _feed(plan, case, one)
        elif case is not None and _same_episode(case, one):
            _note(plan, case, one)
        else:
            case = await _open(connection, plan, one)
            newest[one.event.key] = case
        if case is not None:
            touched[case.id] = case
            plan.acted[one.event.id] = case.id
    for case_doubted, one in plan.doubted.items():
        await _withdraw_unsupported(connection, plan, touched[case_doubted], one, moving)
    await _write(connection, plan, list(touched.values()))
    await holding.write(connection)
    return plan


def _matters(one: Judged) -> bool:
    if one.previous_rung is None:
        return one.verdict.rung.opens_case
    return one.previous_rung != int(one.verdict.rung) and max(one.previous_rung, one.verdict.rung) >= Rung.INSPECT


def _same_episode(case: _Case, one: Judged) -> bool:
    if case.closed_as == ClosedAs.WITHDRAWN or (one.verdict.rung.orders and not Rung(case.rung).orders):
        return False
    rearm = one.assignment.rearm
    return case.event_at - rearm <= one.event.at <= case.last_event_at + rearm


async def _newest_cases(connection: AsyncConnection, keys: Sequence[FaultKey]) -> dict[FaultKey, _Case]:
    places = {"assets": [asset for asset, _ in keys], "modes": [mode for _, mode in keys]}
    await connection.execute(_HOLD_OPEN, places)
    rows = await connection.execute(
        select(
            cases.c.id,
            cases.c.asset,
            cases.c.failure_mode,
            cases.c.closed_as,
            cases.c.rung,
            cases.c.opened_by,
            cases.c.event_at,
            cases.c.last_event_at,
            cases.c.fed,
            cases.c.withdraw,
        )
        .where(tuple_(cases.c.asset, cases.c.failure_mode).in_(keys))
        .ext(distinct_on(cases.c.asset, cases.c.failure_mode))
        .order_by(cases.c.asset, cases.c.failure_mode, cases.c.closed_at.desc().nulls_first())
    )
    found = [
        _Case(
            row.id,
            (row.asset, row.failure_mode),
            row.closed_as,
            row.rung,
            row.opened_by,
            row.event_at,
            row.last_event_at,
            row.fed,
            row.withdraw,
        )
        for row in rows
    ]
    return {case.key: case for case in found}


def _feed(plan: _Plan, case: _Case, one: Judged) -> None:
    _advance(case, one)
    plan.doubted.pop(case.id, None)
    if case.withdraw is not None:
        case.withdraw = None
        plan.woken.add(case.id)
    if one.verdict.rung > case.rung:
        case.rung = int(one.verdict.rung)
        case.verdict = one
        plan.add_evidence(case, one, "raised")
        plan.act("case-raised", case, one)
        plan.woken.add(case.id)


def _note(plan: _Plan, case: _Case, one: Judged) -> None:
    _advance(case, one)
    plan.add_evidence(case, one, "noted")


def _revise(plan: _Plan, case: _Case, one: Judged) -> None:
    plan.add_evidence(case, one, "revised")
    plan.act("case-evidence-revised", case, one, previous=Rung(one.previous_rung or 0).word)
    if case.open:
        case.fed = max(case.fed - 1, 0)
        case.changed = True
        plan.doubted[case.id] = one


async def _withdraw_unsupported(
    connection: AsyncConnection, plan: _Plan, case: _Case, one: Judged, moving: Sequence[Judged]
) -> None:
    """Marks a case of which no evidence is left, by the newest verdicts on its events, as to be withdrawn."""
    since = {"asset": case.key[0], "mode": case.key[1], "since": case.event_at, "rung": int(Rung.INSPECT)}
    stored = {(row.event_id, row.version) for row in await connection.execute(_STILL_SUPPORTING, since)}
    again = {(each.event.id, each.assignment.digest): each for each in moving if each.event.key == case.key}
    if stored - set(again) or any(each.verdict.rung.opens_case for each in again.values()):
        return
    case.withdraw = f"its evidence was judged again, the last as {one.verdict.rung.word}"
    case.changed = True
    plan.woken.add(case.id)


def _advance(case: _Case, one: Judged) -> None:
    """Counts an event, and stretches the case over it.

    An event that asks for less than an order lengthens no episode of orders: `rearm` runs from the last that did.
    """
    if one.verdict.rung.orders or not Rung(case.rung).orders:
        case.event_at = min(case.event_at, one.event.at)
        case.last_event_at = max(case.last_event_at, one.event.at)
    if one.previous_rung is None or one.previous_rung < Rung.INSPECT:
        case.fed += 1
    case.changed = True


async def _open(connection: AsyncConnection, plan: _Plan, one: Judged) -> _Case:
    event = one.event
    attempt = 0
    while True:
        new_id = case_id(event.asset, event.failure_mode, event.source, event.external_id, attempt)
        taken = await connection.scalar(select(cases.c.id).where(cases.c.id == new_id))
        if taken is None and all(new_id != case.id for case in plan.opened):
            break
        attempt += 1
    case = _Case(new_id, event.key, None, int(one.verdict.rung), event.id, event.at, event.at, 1, None)
    case.verdict = one
    plan.opened.append(case)
    plan.add_evidence(case, one, "opened")
    plan.act("case-opened", case, one, asset=event.asset, failure_mode=event.failure_mode)
    plan.woken.add(case.id)
    return case


async def _write(connection: AsyncConnection, plan: _Plan, touched: Sequence[_Case]) -> None:
    new = {case.id for case in plan.opened}
    if plan.opened:
        places = {
            row.id: row
            for row in await connection.execute(
                select(assets.c.id, assets.c.machine, assets.c.line, assets.c.site).where(
                    assets.c.id.in_({case.key[0] for case in plan.opened}), assets.c.valid_to.is_(None)
                )
            )
        }
        await connection.execute(
            insert(cases),
            [
                {
                    "id": case.id,
                    "asset": case.key[0],
                    "failure_mode": case.key[1],
                    "machine": places[case.key[0]].machine or case.key[0],
                    "line": places[case.key[0]].line or "",
                    "site": places[case.key[0]].site,
                    "opened_by": case.opened_by,
                    "opened_at": plan.now,
                    "event_at": case.event_at,
                    "last_event_at": case.last_event_at,
                    "version": case.verdict.assignment.digest,
                    "verdict": case.verdict.verdict.model_dump(mode="json"),
                    "rung": case.rung,
                    "phase": Phase.PROPOSE.value,
                    "withdraw": case.withdraw,
                    "fed": case.fed,
                }
                for case in plan.opened
                if case.verdict is not None
            ],
        )
    changed = [case for case in touched if case.changed and case.id not in new]
    if changed:
        verdicts = [case.verdict for case in changed]
        await connection.execute(
            _KEEP,
            {
                "ids": [case.id for case in changed],
                "event_ats": [case.event_at for case in changed],
                "last_event_ats": [case.last_event_at for case in changed],
                "feds": [case.fed for case in changed],
                "withdraws": [case.withdraw for case in changed],
                "rungs": [None if one is None else case.rung for case, one in zip(changed, verdicts, strict=True)],
                "verdicts": [None if one is None else one.verdict.model_dump_json() for one in verdicts],
                "versions": [None if one is None else one.assignment.digest for one in verdicts],
            },
        )
    if plan.evidence:
        await connection.execute(insert(evidence), plan.evidence)
    await due.wake(connection, [case_workflow_id(one) for one in plan.woken], plan.now)


async def case_of_event(connection: AsyncConnection, event_id: int) -> str | None:
    """The case an event opened, fed or was noted on, if any; none that it was held back from."""
    found = await connection.scalar(
        text(
            "SELECT c.id FROM events e JOIN cases c ON c.asset = e.asset AND c.failure_mode = e.failure_mode "
            "LEFT JOIN evidence v ON v.case_id = c.id AND v.event_id = e.id "
            "WHERE e.id = :event AND (v.id IS NOT NULL OR (e.at BETWEEN c.event_at AND c.last_event_at "
            "AND (SELECT u.how FROM suppressed u WHERE u.event_id = e.id ORDER BY u.id DESC LIMIT 1) "
            "IS DISTINCT FROM 'held_back')) "
            "ORDER BY v.id IS NULL, c.opened_at DESC LIMIT 1"
        ),
        {"event": event_id},
    )
    return str(found) if found else None
