"""With an order is kept what people corrected of its draft before it was in the CMMS. Earlier builds would send the
draft without that, so they must not work on this table. Nor can they read an order with the reason or the date that
planners gave it since then."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0042_corrections"
down_revision: str | None = "0041_maintenance_histories"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


NOT_READ = ("rejection", "put_off_until")
"""What earlier builds do not know of an order as it was read."""
ORDERS = {
    "work_orders": "record",
    "changes": "record",
    "attached_orders": "attachment -> 'record'",
    "acts": "(CASE WHEN kind LIKE 'order-%' THEN body::jsonb #> '{detail,record}' END)",
}
"""Where orders are kept as they were read."""


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
    unread = " UNION ".join(
        f"SELECT {order} #>> '{{ref,id}}' AS id FROM {table} WHERE {order} ?| :fields"
        for table, order in ORDERS.items()
    )
    orders = sa.text(f"SELECT id FROM ({unread}) o ORDER BY id LIMIT 5").bindparams(
        sa.bindparam("fields", list(NOT_READ), sa.ARRAY(sa.Text))
    )
    some = [str(order) for (order,) in op.get_bind().execute(orders)]
    if some:
        told = f"earlier builds cannot read orders with what planners said of them: {', '.join(some)}"
        raise CommandError(f"{told}; restore a backup from before the upgrade instead")
    op.drop_column("work_orders", "corrections")
