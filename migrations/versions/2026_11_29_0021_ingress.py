"""The queue, subscription or API by which an event came in is its ingress; the column had another name."""

from collections.abc import Sequence

from alembic import op

revision: str = "0021_ingress"
down_revision: str | None = "0020_no_idle_count"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds write the old name, so they end here.


def upgrade() -> None:
    op.alter_column("events", "door", new_column_name="ingress")
    op.alter_column("duplicates", "door", new_column_name="ingress")


def downgrade() -> None:
    op.alter_column("duplicates", "ingress", new_column_name="door")
    op.alter_column("events", "ingress", new_column_name="door")
