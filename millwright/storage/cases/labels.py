"""The label of a case, and its revisions, which follow when the order says another finding."""

from datetime import datetime

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.keys import case_workflow_id
from domain.outcomes import LABEL_EVENTS, Label, LabelSources
from millwright.storage.database.case_tables import cases, labels
from millwright.storage.ledger import ledger

# Of each event the newest verdict counts: one that was judged again as no reason for work is no evidence any more.
_SOURCES = text(
    "WITH seen AS (SELECT DISTINCT ON (d.event_id) d.event_id, d.at, d.rung FROM evidence d "
    "WHERE d.case_id = :case AND d.at <= :until ORDER BY d.event_id, d.revision DESC, d.id DESC), "
    "counted AS (SELECT s.at, s.event_id, e.source || '|' || e.external_id AS name FROM seen s "
    "JOIN events e ON e.id = s.event_id WHERE s.rung >= 2), "
    "told AS (SELECT DISTINCT e.anomaly->>'detector' AS detector, e.anomaly->>'model_version' AS model FROM events e "
    "JOIN cases c ON c.asset = e.asset AND c.failure_mode = e.failure_mode "
    "AND e.at BETWEEN c.event_at AND least(c.last_event_at, :until) WHERE c.id = :case) "
    "SELECT (SELECT array_agg(DISTINCT detector ORDER BY detector) FROM told WHERE detector <> '') AS detectors, "
    "(SELECT array_agg(DISTINCT model ORDER BY model) FROM told WHERE model <> '') AS model_versions, "
    "(SELECT array_agg(name ORDER BY at, event_id) FROM "
    "(SELECT at, event_id, name FROM counted ORDER BY at, event_id LIMIT :longest) f) AS events, "
    "count(*) AS count, min(at) AS first_at, max(at) AS last_at FROM counted"
)


async def label_sources(connection: AsyncConnection, case: str, until: datetime) -> LabelSources:
    """What was seen of a case's fault at a time of the plant or before."""
    values = {"case": case, "until": until, "longest": LABEL_EVENTS}
    row = (await connection.execute(_SOURCES, values)).mappings().one()
    return LabelSources.model_validate({name: value for name, value in row.items() if value is not None})


async def keep_label(connection: AsyncConnection, label: Label, entry: ledger.Entry) -> None:
    """Stores a label, as the first one or as the next revision. One that says the same finding changes nothing."""
    await connection.execute(select(cases.c.id).where(cases.c.id == label.case).with_for_update())
    newest = select(labels.c.body).where(labels.c.case_id == label.case).order_by(labels.c.revision.desc()).limit(1)
    body = await connection.scalar(newest)
    kept = label.following(None if body is None else Label.model_validate(body))
    if kept is None:
        return
    await connection.execute(
        insert(labels).values(
            case_id=kept.case,
            revision=kept.revision,
            outcome=kept.outcome.value,
            body=kept.model_dump(mode="json"),
            made_at=entry.at,
        )
    )
    entry.add(ledger.act("label-made", case_workflow_id(kept.case), "millwright", entry.at, {"label": kept}))
