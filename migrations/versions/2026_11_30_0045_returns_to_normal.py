"""A case keeps that its fault returned to normal before the work, and whether the completed work helped. Earlier builds
do not work on these tables: they cannot read a rework that no person asked for."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0045_returns_to_normal"
down_revision: str | None = "0044_twin_writes"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("normal", JSONB))
    op.add_column("cases", sa.Column("verification", JSONB))


def downgrade() -> None:
    op.drop_column("cases", "verification")
    op.drop_column("cases", "normal")
