"""Notes on an order are recorded with the order; the note on an overruled hold was recorded with the hold."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0022_order_notes"
down_revision: str | None = "0021_ingress"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds write the column of holds, so they end here.


def upgrade() -> None:
    op.add_column("work_orders", sa.Column("notes", sa.ARRAY(sa.Text), nullable=False, server_default="{}"))
    op.execute(
        "UPDATE work_orders w SET notes = told.keys FROM (SELECT m.case_id, "
        "array_agg(h.key || '-overruled' ORDER BY h.planner_told_at) AS keys FROM holds h "
        "JOIN hold_claims m ON m.hold_key = h.key WHERE h.planner_told_at IS NOT NULL GROUP BY m.case_id) told "
        "WHERE told.case_id = w.case_id"
    )
    op.drop_column("holds", "planner_told_at")


def downgrade() -> None:
    op.add_column("holds", sa.Column("planner_told_at", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE holds h SET planner_told_at = now() WHERE EXISTS (SELECT FROM hold_claims m JOIN work_orders w "
        "ON w.case_id = m.case_id WHERE m.hold_key = h.key AND h.key || '-overruled' = ANY (w.notes))"
    )
    op.drop_column("work_orders", "notes")
