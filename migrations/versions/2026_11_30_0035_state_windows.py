"""A state that the MES reports can suppress the anomalies of a machine. Earlier builds do not work on these tables:
they do not know the two kinds of suppression."""

from collections.abc import Sequence

from alembic import op

revision: str = "0035_state_windows"
down_revision: str | None = "0034_suspect_lots"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_suppressions_kind"), "suppressions")
    op.create_check_constraint(
        op.f("ck_suppressions_kind"),
        "suppressions",
        "kind IN ('shelf', 'window', 'work', 'standstill', 'out_of_service')",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_suppressions_kind"), "suppressions")
    op.create_check_constraint(op.f("ck_suppressions_kind"), "suppressions", "kind IN ('shelf', 'window', 'work')")
