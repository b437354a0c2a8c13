"""The ledger's head knows which engine gave the last verdicts, so that another one can say that it took over."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010_engines"
down_revision: str | None = "0009_suppression"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("ledger_head", sa.Column("engine", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("ledger_head", "engine")
