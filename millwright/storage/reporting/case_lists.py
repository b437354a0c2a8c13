"""Lists of cases, and one case with its history."""

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.cases import CaseView
from domain.instances import PlantInstances
from domain.keys import case_workflow_id
from domain.model import Model, Moment
from domain.outcomes import CodeSuggestion
from domain.shown_signatures import SignatureDisplay
from domain.verdict import Rung
from millwright.storage.cases.case_views import read_case
from millwright.storage.cases.stated_outcomes import suggestions_for
from millwright.storage.database.engine import transaction
from millwright.storage.events.event_store import StoryAct, story_of
from millwright.storage.reporting.hold_lists import SeenHold, read_hold

# Newest first; `after` is the last case of the page before.
_PAGE = text("""
SELECT c.id, c.asset, c.failure_mode, c.machine, c.line, c.rung, c.phase, c.opened_at, c.event_at, c.last_event_at,
       c.fed, c.waiting_for, c.waiting_until, c.lane, c.closed_at, c.closed_as, w.external_id AS work_order,
       w.status AS work_order_status
FROM cases c LEFT JOIN work_orders w ON w.case_id = c.id
WHERE (CAST(:open AS boolean) IS NULL OR (c.closed_at IS NULL) = :open)
  AND (CAST(:phase AS text) IS NULL OR c.phase = :phase)
  AND (CAST(:lane AS text) IS NULL OR c.lane = :lane)
  AND (CAST(:asset AS text) IS NULL OR :asset IN (c.asset, c.machine))
  AND (CAST(:line AS text) IS NULL OR c.line = :line)
  AND (CAST(:after AS text) IS NULL
       OR (c.opened_at, c.id) < (SELECT p.opened_at, p.id FROM cases p WHERE p.id = :after))
ORDER BY c.opened_at DESC, c.id DESC LIMIT :limit
""")
_EVIDENCE = text("""
SELECT v.event_id, v.revision, v.rung, v.at, v.how, e.source, e.external_id, e.anomaly
FROM (SELECT id, event_id, revision, rung, at, how FROM evidence WHERE case_id = :case ORDER BY id DESC LIMIT 1000) v
JOIN events e ON e.id = v.event_id ORDER BY v.id
""")
OPEN, CLOSED = "open", "closed"


class SeenCase(Model):
    """A case in a list."""

    id: str
    asset: str
    failure_mode: str
    machine: str
    line: str
    rung: str
    phase: str
    opened_at: Moment
    event_at: Moment
    last_event_at: Moment
    fed: int
    waiting_for: str | None
    waiting_until: Moment | None
    lane: str | None
    closed_at: Moment | None
    closed_as: str | None
    work_order: str | None
    work_order_status: str | None


class SeenEvidence(Model):
    """An event that opened, raised or revised a case, or was noted on it; `how` says which."""

    event: int
    revision: int
    rung: str
    at: Moment
    how: str
    source: str
    external_id: str
    anomaly: dict[str, object] | None


class WholeCase(Model):
    """A case with all fields that its steps use, its hold as in `GET /holds`, its newest thousand pieces of evidence,
    and all acts."""

    case: CaseView
    suggestions: tuple[CodeSuggestion, ...] = ()
    """The codes that the notes on its order may mean, where nobody can read what the work found."""
    hold: SeenHold | None
    evidence: tuple[SeenEvidence, ...]
    story: tuple[StoryAct, ...]

    def shown(self, display: SignatureDisplay) -> "WholeCase":
        """The case with the signature of its hold's release."""
        return self if self.hold is None else self.model_copy(update={"hold": self.hold.shown(display)})


async def case_page(
    engine: AsyncEngine,
    *,
    state: str | None,
    lane: str | None,
    asset: str | None,
    line: str | None,
    after: str | None,
    limit: int,
) -> list[SeenCase]:
    """A page of cases, newest first, that follow `after` (a case's id).

    Args:
        state: `open`, `closed`, or a phase.
        asset: the component with the fault, or its machine.
    """
    values = {
        "open": {OPEN: True, CLOSED: False}.get(state or ""),
        "phase": state if state not in (OPEN, CLOSED) else None,
        "lane": lane,
        "asset": asset,
        "line": line,
        "after": after,
        "limit": limit,
    }
    async with transaction(engine) as connection:
        return [_seen(row) for row in (await connection.execute(_PAGE, values)).mappings()]


async def whole_case(engine: AsyncEngine, case: str, instances: PlantInstances | None = None) -> WholeCase:
    """One case with its hold, evidence and history.

    Args:
        instances: which CMMS and MES serve which site. Without them a case without an order has no systems.

    Raises:
        ActRejected: there is no such case.
    """
    async with transaction(engine) as connection:
        view, _ = await read_case(connection, case, instances)
        rows = await connection.execute(_EVIDENCE, {"case": case})
        story = await story_of(connection, case_workflow_id(case))
        # The acts of a hold are stored under its key. If the hold is shared, that is the id of another case.
        if view.hold is not None and view.hold.key != case:
            others = await story_of(connection, case_workflow_id(view.hold.key))
            story += tuple(told for told in others if told.kind.startswith("hold-"))
        return WholeCase(
            case=view,
            suggestions=await suggestions_for(connection, view.order, view.outcome),
            hold=None if view.hold is None else await read_hold(connection, view.hold.key),
            evidence=tuple(
                SeenEvidence(
                    event=row.event_id,
                    revision=row.revision,
                    rung=Rung(row.rung).word,
                    at=row.at,
                    how=row.how,
                    source=row.source,
                    external_id=row.external_id,
                    anomaly=row.anomaly,
                )
                for row in rows
            ),
            story=tuple(sorted(story, key=lambda told: told.at)),
        )


def _seen(row: RowMapping) -> SeenCase:
    return SeenCase.model_validate(dict(row) | {"rung": Rung(row["rung"]).word})
