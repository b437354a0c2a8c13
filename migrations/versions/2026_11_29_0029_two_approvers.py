"""The promotion of autonomy takes two approvers: the first one's signature is a move of its own."""

from collections.abc import Sequence

from alembic import op

revision: str = "0029_two_approvers"
down_revision: str | None = "0028_attestations"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds cannot read such a move, and promote by one signature.

_MOVES = "'proposed', 'withdrawn', 'promoted', 'refused', 'lost'"


def upgrade() -> None:
    op.drop_constraint(op.f("ck_autonomy_moves_move"), "autonomy_moves", type_="check")
    op.create_check_constraint(op.f("ck_autonomy_moves_move"), "autonomy_moves", f"move IN ('approved', {_MOVES})")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_autonomy_moves_move"), "autonomy_moves", type_="check")
    # The moves that were stored stay: nobody deletes them.
    op.create_check_constraint(
        op.f("ck_autonomy_moves_move"), "autonomy_moves", f"move IN ({_MOVES})", postgresql_not_valid=True
    )
