"""A placement says which case places it, so that of the cases that share a hold one at a time calls the MES."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017_placing_case"
down_revision: str | None = "0016_line_lease"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds leave the column empty: any case may place what they intend.
expands = True


def upgrade() -> None:
    op.add_column("hold_placements", sa.Column("intended_by", sa.Text()))
    op.create_foreign_key(op.f("fk_hold_placements_intended_by"), "hold_placements", "cases", ["intended_by"], ["id"])


def downgrade() -> None:
    op.drop_column("hold_placements", "intended_by")
