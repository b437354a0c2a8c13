"""A hold is proposed to production before it is placed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0031_hold_proposals"
down_revision: str | None = "0030_walk_downs"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds ask nobody and leave the column empty. They place holds as before.
expands = True


def upgrade() -> None:
    op.add_column("cases", sa.Column("hold_proposal", JSONB))


def downgrade() -> None:
    op.drop_column("cases", "hold_proposal")
