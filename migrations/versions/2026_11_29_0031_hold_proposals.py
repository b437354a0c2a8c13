"""A hold is proposed to production before it is placed. Earlier builds do not work on these tables: they ask nobody.
They do not read the time of a case's work with the numbers of its price either."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0031_hold_proposals"
down_revision: str | None = "0030_walk_downs"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("hold_proposal", JSONB))


def downgrade() -> None:
    op.drop_column("cases", "hold_proposal")
