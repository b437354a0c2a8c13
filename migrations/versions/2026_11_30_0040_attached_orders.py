"""Which orders of people are, or were, the orders of cases. Earlier builds would place a second order for such a case,
so they must not work on this table."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0040_attached_orders"
down_revision: str | None = "0039_draft_check"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "attached_orders",
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("attachment", JSONB, nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detached_at", sa.DateTime(timezone=True)),
        sa.Column("because", sa.Text),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_attached_orders_case_id_cases")),
        sa.PrimaryKeyConstraint("system", "kind", "external_id", name=op.f("pk_attached_orders")),
    )
    op.create_index("ix_attached_orders_case_id", "attached_orders", ["case_id"])
    op.create_index(
        "uq_attached_orders_live",
        "attached_orders",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("detached_at IS NULL"),
    )


def downgrade() -> None:
    # The rows of these orders in `work_orders` would stay, and earlier builds would move them as their own.
    live = "SELECT case_id, system, external_id FROM attached_orders WHERE detached_at IS NULL ORDER BY case_id LIMIT 5"
    some = [f"{case} has {number} of {system}" for case, system, number in op.get_bind().execute(sa.text(live))]
    if some:
        told = f"earlier builds cannot work on orders of persons that are the orders of cases: {', '.join(some)}"
        raise CommandError(f"{told}; restore a backup from before the upgrade instead")
    op.drop_table("attached_orders")
