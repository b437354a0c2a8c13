"""With an outcome is kept what its twin was told and did not take. Earlier builds do not clear that when they classify
an outcome again, so they must not work on this table."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0044_twin_writes"
down_revision: str | None = "0043_corrections_sent"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("twin_write", JSONB))


def downgrade() -> None:
    op.drop_column("outcomes", "twin_write")
