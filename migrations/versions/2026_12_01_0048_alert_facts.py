"""Figures on alert quality are computed from tables of their own, which are kept as the ledger grows."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision: str = "0048_alert_facts"
down_revision: str | None = "0047_sensor_lane"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

expands = True

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "alert_facts",
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("failure_mode", sa.Text, nullable=False),
        sa.Column("asset_class", sa.Text),
        sa.Column("site", sa.Text),
        sa.Column("rule", sa.Text),
        sa.Column("policy", sa.Text),
        sa.Column("policy_version", sa.Text),
        sa.Column("policy_digest", sa.Text, nullable=False),
        sa.Column("detectors", ARRAY(sa.Text), nullable=False),
        sa.Column("model_versions", ARRAY(sa.Text), nullable=False),
        sa.Column("confidence", sa.Double),
        sa.Column("rung", sa.SmallInteger, nullable=False),
        sa.Column("event_at", _MOMENT, nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("placed_at", _MOMENT),
        sa.Column("work_began_at", _MOMENT),
        sa.Column("found_at", _MOMENT),
        sa.Column("labelled_at", _MOMENT),
        sa.Column("closed_as", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("cancelled", sa.Boolean),
        sa.Column("attached", sa.Boolean, nullable=False),
        sa.Column("crew_hours", sa.Double),
        sa.Column("parts", JSONB),
        sa.Column("downtime_s", sa.Double),
        sa.PrimaryKeyConstraint("case_id", name="pk_alert_facts"),
    )
    op.create_index("ix_alert_facts_opened_at", "alert_facts", ["opened_at"])
    op.create_table(
        "verdict_counts",
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("failure_mode", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("rung", sa.SmallInteger, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("verdicts", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint(
            "version", "role", "asset", "failure_mode", "day", "rung", "severity", name="pk_verdict_counts"
        ),
    )
    op.create_table(
        "quality_progress",
        sa.Column("single", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.Column("ledger_seq", sa.BigInteger, nullable=False),
        sa.CheckConstraint("single", name="ck_quality_progress_single"),
        sa.PrimaryKeyConstraint("single", name="pk_quality_progress"),
    )
    op.execute("INSERT INTO quality_progress (ledger_seq) VALUES (0)")


def downgrade() -> None:
    op.drop_table("quality_progress")
    op.drop_table("verdict_counts")
    op.drop_index("ix_alert_facts_opened_at", "alert_facts")
    op.drop_table("alert_facts")
