"""A nightly reconcile lists what our record, the CMMS and the twins say differently. It is stored when hints came."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0038_drift"
down_revision: str | None = "0037_admissions"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
expands = True


def upgrade() -> None:
    op.create_table(
        "reconcile_runs",
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("poll_cursor", sa.Text),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("position", sa.Text),
        sa.Column("orders", sa.Integer, nullable=False, server_default="0"),
        sa.Column("twins", sa.Integer, nullable=False, server_default="0"),
        sa.Column("problem", sa.Text),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("system", "started_at", name=op.f("pk_reconcile_runs")),
    )
    op.create_table(
        "drifts",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text),
        sa.Column("ref", JSONB),
        sa.Column("ours", sa.Text, nullable=False),
        sa.Column("theirs", sa.Text, nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drifts")),
    )
    op.create_index(
        "uq_drifts_open",
        "drifts",
        ["system", "identity", "kind"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "hints",
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("system", name=op.f("pk_hints")),
    )
    op.create_index("ix_work_orders_system", "work_orders", ["system", "external_id"])


def downgrade() -> None:
    op.drop_index("ix_work_orders_system", table_name="work_orders")
    op.drop_table("hints")
    op.drop_table("drifts")
    op.drop_table("reconcile_runs")
