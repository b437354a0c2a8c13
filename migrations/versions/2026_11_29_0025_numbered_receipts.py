"""Receipts have a number, so that the ledger can say up to which of them it has recorded."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0025_numbered_receipts"
down_revision: str | None = "0024_people"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds name the columns that they fill.
expands = True


def upgrade() -> None:
    op.add_column("duplicates", sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False))
    op.create_index("uq_duplicates_id", "duplicates", ["id"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_duplicates_id", "duplicates")
    op.drop_column("duplicates", "id")
