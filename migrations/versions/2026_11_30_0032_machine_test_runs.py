"""A machine may be released for a test run first, and its hold stays live meanwhile. Earlier builds do not work on
these tables: they know no such hold, and would ask for another one on the machine."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0032_machine_test_runs"
down_revision: str | None = "0031_hold_proposals"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_BEFORE, _SINCE = "'asked', 'releasing'", "'asked', 'releasing', 'testing'"
_ENDED = "'released', 'overruled', 'void'"


def upgrade() -> None:
    op.add_column("holds", sa.Column("test_run", JSONB))
    op.add_column("cases", sa.Column("rework", JSONB))
    _states(_SINCE)


def downgrade() -> None:
    _states(_BEFORE)
    op.drop_column("cases", "rework")
    op.drop_column("holds", "test_run")


def _states(live: str) -> None:
    op.drop_constraint(op.f("ck_holds_state"), "holds", type_="check")
    op.create_check_constraint(op.f("ck_holds_state"), "holds", f"state IN ({live}, {_ENDED})")
    op.drop_index("uq_holds_equipment", table_name="holds")
    op.create_index(
        "uq_holds_equipment",
        "holds",
        ["system", "equipment"],
        unique=True,
        postgresql_where=sa.text(f"state IN ({live})"),
    )
