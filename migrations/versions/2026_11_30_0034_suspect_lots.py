"""What a machine made between the onset of its fault and its hold is listed for people of quality. Earlier builds do
not work on these tables: they know neither the list nor the role."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0034_suspect_lots"
down_revision: str | None = "0033_operating_states"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("suspect_lots", JSONB))


def downgrade() -> None:
    op.drop_column("cases", "suspect_lots")
