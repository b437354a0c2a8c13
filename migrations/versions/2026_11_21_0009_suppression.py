"""Shelves and windows, and the verdicts that they held back."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009_suppression"
down_revision: str | None = "0008_lifecycle"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# It only adds, and yet ends earlier builds: they would act on what is shelved, and know no such thing that is due.


def upgrade() -> None:
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("failure_mode", sa.Text(), nullable=True),
        sa.Column("spared_asset", sa.Text(), nullable=True),
        sa.Column("spared_mode", sa.Text(), nullable=True),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_because", sa.Text(), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('shelf', 'window', 'work')", name=op.f("ck_suppressions_kind")),
        sa.CheckConstraint(
            "until_at > from_at AND end_at BETWEEN from_at AND until_at", name=op.f("ck_suppressions_period")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
    )
    op.create_index("ix_suppressions_end_at", "suppressions", ["end_at"], unique=False)
    op.create_index("ix_suppressions_source", "suppressions", ["source"], unique=False)
    op.create_table(
        "suppressed",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("suppression", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("failure_mode", sa.Text(), nullable=False),
        sa.Column("rung", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.CheckConstraint("how IN ('held_back', 'let_in')", name=op.f("ck_suppressed_how")),
        sa.ForeignKeyConstraint(
            ["suppression"], ["suppressions.id"], name=op.f("fk_suppressed_suppression_suppressions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressed")),
    )
    op.create_index(
        "uq_suppressed_once", "suppressed", ["suppression", "event_id", "version", "revision", "how"], unique=True
    )
    op.create_index("ix_suppressed_event_id", "suppressed", ["event_id", "id"], unique=False)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON suppressed "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("suppressed")
    op.drop_table("suppressions")
