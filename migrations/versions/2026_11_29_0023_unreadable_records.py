"""Records of other systems that cannot be read are kept with their reason, and no longer stop the reading of others."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0023_unreadable_records"
down_revision: str | None = "0022_order_notes"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds do not know the table, and need not fill it.
expands = True


def upgrade() -> None:
    op.create_table(
        "unreadable_records",
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("field", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("system", "record", "digest", name=op.f("pk_unreadable_records")),
    )
    op.create_index(
        "ix_unreadable_records_open",
        "unreadable_records",
        ["system", "record"],
        postgresql_where=sa.text("settled_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("unreadable_records")
