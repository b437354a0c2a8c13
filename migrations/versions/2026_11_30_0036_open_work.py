"""With an order is kept what else was open on its asset when its draft was written."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0036_open_work"
down_revision: str | None = "0035_state_windows"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
expands = True


def upgrade() -> None:
    op.add_column("work_orders", sa.Column("open_work", JSONB))


def downgrade() -> None:
    op.drop_column("work_orders", "open_work")
