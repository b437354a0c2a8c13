"""A line no longer counts how often it was idle: nothing decides by it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020_no_idle_count"
down_revision: str | None = "0019_order_read_at"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds write the column: they end.


def upgrade() -> None:
    op.drop_column("due", "idle_count")


def downgrade() -> None:
    op.add_column("due", sa.Column("idle_count", sa.BigInteger(), server_default="0", nullable=False))
