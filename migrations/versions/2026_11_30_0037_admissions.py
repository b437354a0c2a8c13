"""The new orders of crews whose capacity is bounded, and the cases that wait for their turn."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0037_admissions"
down_revision: str | None = "0036_open_work"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
expands = True


def upgrade() -> None:
    op.create_table(
        "admissions",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("crew", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("bound", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exempt", sa.Text(), nullable=True),
        sa.CheckConstraint("exempt IN ('hold', 'person', 'rework', 'consequence')", name=op.f("ck_admissions_exempt")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_admissions_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_admissions")),
    )
    op.create_index("ix_admissions_crew", "admissions", ["crew", "admitted_at"])


def downgrade() -> None:
    op.drop_table("admissions")
