"""Read-only views for reports of others, in a schema of their own. docs/views.md has each column with its meaning."""

from collections.abc import Sequence

from alembic import op

revision: str = "0049_views"
down_revision: str | None = "0048_alert_facts"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

expands = True

_WRONG = "('nothing_found', 'sensor_fault', 'process_change', 'duplicate')"
_VIEWS = {
    "alerts": f"""
SELECT case_id, site, asset_class, asset, failure_mode, policy, policy_version, rule, detectors, model_versions,
    confidence, event_at, opened_at, placed_at, found_at, closed_as, outcome,
    CASE WHEN cancelled THEN 'unlabelled' WHEN outcome = 'confirmed' THEN 'right'
        WHEN outcome IN {_WRONG} THEN 'wrong' WHEN outcome IN ('prevented', 'other_defect') THEN outcome
        ELSE 'unlabelled' END AS worth,
    extract(epoch FROM found_at - event_at)::double precision / 3600 AS found_after_h, crew_hours,
    downtime_s / 3600 AS downtime_h
FROM public.alert_facts WHERE closed_as IS DISTINCT FROM 'withdrawn'
""",
    "work_orders": """
SELECT w.case_id, w.system, w.external_id AS number, w.status, c.site, c.asset, c.failure_mode,
    (w.draft ->> 'priority')::integer AS priority, (w.draft ->> 'due_at')::timestamptz AS due_at, w.placed_at,
    coalesce(w.record -> 'ref' ->> 'key' = '', false) AS of_a_person
FROM public.work_orders w JOIN public.cases c ON c.id = w.case_id
""",
    "labels": """
SELECT case_id, revision, outcome, body ->> 'asset' AS asset, body ->> 'failure_mode' AS failure_mode,
    (body ->> 'window_start')::timestamptz AS window_start, (body ->> 'window_end')::timestamptz AS window_end,
    (body ->> 'found_at')::timestamptz AS found_at, made_at
FROM public.labels
""",
    "alarms_a_day": """
SELECT day, asset, failure_mode, severity, sum(verdicts)::bigint AS alarms
FROM public.verdict_counts WHERE role = 'active' AND rung >= 1 GROUP BY 1, 2, 3, 4
""",
}


def upgrade() -> None:
    op.execute("CREATE SCHEMA bi")
    for name, query in _VIEWS.items():
        op.execute(f"CREATE VIEW bi.{name} AS {query}")


def downgrade() -> None:
    op.execute("DROP SCHEMA bi CASCADE")
