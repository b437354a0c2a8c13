"""With an order is kept what people corrected of its draft before it was in the CMMS. Earlier builds would send the
draft without that, so they must not work on this table."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0042_corrections"
down_revision: str | None = "0041_maintenance_histories"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("work_orders", sa.Column("corrections", JSONB))


def downgrade() -> None:
    waiting = (
        "SELECT case_id FROM work_orders WHERE corrections IS NOT NULL AND record IS NULL ORDER BY case_id LIMIT 5"
    )
    some = [str(case) for (case,) in op.get_bind().execute(sa.text(waiting))]
    if some:
        told = f"earlier builds would send these drafts without what people corrected: {', '.join(some)}"
        raise CommandError(f"{told}; have their orders placed first")
    op.drop_column("work_orders", "corrections")
