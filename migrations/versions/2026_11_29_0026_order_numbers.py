"""The number of an order may be used twice in one CMMS, and two records may have one status and time.

Maximo numbers its orders for each site, and a CMMS that was restored may use a number again. A case finds its order by
the case's key, so the number is not unique here. A record that differs in anything is another record.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0026_order_numbers"
down_revision: str | None = "0025_numbered_receipts"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds look nothing up by the number, and the database computes the fingerprint.
expands = True


def upgrade() -> None:
    op.drop_index("uq_work_orders_external_id", table_name="work_orders")
    computed = sa.Computed("hashtextextended(record::text, 0)", persisted=True)
    op.add_column("changes", sa.Column("fingerprint", sa.BigInteger, computed))
    op.drop_constraint(op.f("pk_changes"), "changes", type_="primary")
    op.create_primary_key(
        op.f("pk_changes"), "changes", ["system", "external_id", "status", "changed_at", "fingerprint"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("pk_changes"), "changes", type_="primary")
    op.execute(
        "DELETE FROM changes c USING changes o WHERE (c.system, c.external_id, c.status, c.changed_at) = "
        "(o.system, o.external_id, o.status, o.changed_at) AND c.fingerprint > o.fingerprint"
    )
    op.drop_column("changes", "fingerprint")
    op.create_primary_key(op.f("pk_changes"), "changes", ["system", "external_id", "status", "changed_at"])
    op.create_index("uq_work_orders_external_id", "work_orders", ["system", "external_id"], unique=True)
