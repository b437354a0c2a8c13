"""When each work order was last read in its CMMS, so that orders are read again though no poll shows them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019_order_read_at"
down_revision: str | None = "0018_order_leases"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds leave it as it is; orders are read again somewhat earlier then.
expands = True


def upgrade() -> None:
    op.add_column("work_orders", sa.Column("read_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("work_orders", "read_at")
