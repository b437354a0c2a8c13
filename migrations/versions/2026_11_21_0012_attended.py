"""Until when a worker looks after a line without being woken."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012_attended"
down_revision: str | None = "0011_ledger_chain"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# An earlier build neither says nor asks it: it wakes lines that are attended, and finds nothing to do there.
expands = True


def upgrade() -> None:
    op.add_column("due", sa.Column("attended_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("due", "attended_until")
