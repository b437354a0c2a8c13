"""Backtests and searches for drafts that were asked for over HTTP, with what came of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013_studies"
down_revision: str | None = "0012_attended"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Builds that know nothing of it go on as they were.
expands = True

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "studies",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("against", sa.Text(), nullable=True),
        sa.Column("since", MOMENT, nullable=True),
        sa.Column("until", MOMENT, nullable=True),
        sa.Column("crews", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("judged", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("fix", sa.Text(), nullable=True),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.Column("page", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("kind IN ('backtest', 'suggestions')", name=op.f("ck_studies_kind")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_studies")),
    )
    # Uncompressed, so that a part in the middle is read without all that stands before it.
    op.execute("ALTER TABLE studies ALTER COLUMN result SET STORAGE EXTERNAL, ALTER COLUMN page SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_table("studies")
