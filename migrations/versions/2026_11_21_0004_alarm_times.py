"""Alarms are found by their time: floods are told from a day of them, not from all that was ever judged."""

from collections.abc import Sequence

from alembic import op

revision: str = "0004_alarm_times"
down_revision: str | None = "0003_pending_events"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    # Verdicts are written in the order of time, nearly: a block range index tells days apart and costs next to
    # nothing to keep, where a tree of its own would cost every verdict.
    op.create_index(
        "ix_verdicts_at",
        "verdicts",
        ["at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": True},
    )


def downgrade() -> None:
    op.drop_index("ix_verdicts_at", table_name="verdicts")
