"""With an order is kept how many corrections its draft had when it was sent last. Earlier builds do not write that, and
people would read that an order lacks corrections that it has, so they must not work on this table."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0043_corrections_sent"
down_revision: str | None = "0042_corrections"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("work_orders", sa.Column("corrections_sent", sa.SmallInteger))


def downgrade() -> None:
    op.drop_column("work_orders", "corrections_sent")
