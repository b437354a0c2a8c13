"""Leases for creating orders where a CMMS cannot refuse a second one."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018_order_leases"
down_revision: str | None = "0017_placing_case"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds know one CMMS, which needs no lease.
expands = True


def upgrade() -> None:
    op.create_table(
        "order_leases",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("system", "scope", name=op.f("pk_order_leases")),
    )


def downgrade() -> None:
    op.drop_table("order_leases")
