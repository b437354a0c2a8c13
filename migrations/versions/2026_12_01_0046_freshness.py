"""When each source last looked at what, and the times in which nobody did."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0046_freshness"
down_revision: str | None = "0045_returns_to_normal"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
expands = True


def upgrade() -> None:
    op.create_table(
        "looks",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("signal", sa.Text, nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blind_since", sa.DateTime(timezone=True)),
        sa.Column("resumed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("source", "asset", "signal", name=op.f("pk_looks")),
    )
    op.create_table(
        "blind_spells",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("signal", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blind_spells")),
    )
    op.create_index(
        "uq_blind_spells_open",
        "blind_spells",
        ["source", "asset", "signal"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("blind_spells")
    op.drop_table("looks")
