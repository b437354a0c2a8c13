"""With an order is kept what the check of its draft found."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0039_draft_check"
down_revision: str | None = "0038_drift"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
expands = True


def upgrade() -> None:
    op.add_column("work_orders", sa.Column("draft_check", JSONB))


def downgrade() -> None:
    op.drop_column("work_orders", "draft_check")
