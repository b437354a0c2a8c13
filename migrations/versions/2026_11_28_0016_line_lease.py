"""The lease of a line and the number of times that it was idle have their literal names."""

from collections.abc import Sequence

from alembic import op

revision: str = "0016_line_lease"
down_revision: str | None = "0015_hold_placements"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds write the columns under their former names: they end.


def upgrade() -> None:
    op.alter_column("due", "attended_until", new_column_name="lease_until")
    op.alter_column("due", "rests", new_column_name="idle_count")


def downgrade() -> None:
    op.alter_column("due", "idle_count", new_column_name="rests")
    op.alter_column("due", "lease_until", new_column_name="attended_until")
