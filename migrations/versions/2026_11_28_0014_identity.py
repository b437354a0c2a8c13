"""A delivery is known by its number, its time and what it says: an entity that is made anew numbers from 1 again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014_identity"
down_revision: str | None = "0013_studies"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
# A number that was given twice cannot stand under the older key. The later ones become negative: no door gives those.
_APART = """
UPDATE {table} t SET sequence = -r.n
FROM (SELECT ctid AS place, row_number() OVER (ORDER BY {order}) AS n,
             row_number() OVER (PARTITION BY door, sequence ORDER BY {order}) AS again FROM {table}) r
WHERE t.ctid = r.place AND r.again > 1
"""


def upgrade() -> None:
    op.add_column("events", sa.Column("enqueued_at", MOMENT, nullable=True))
    op.add_column("events", sa.Column("corrected", sa.LargeBinary(), nullable=True))
    op.drop_constraint("uq_events_door_sequence", "events", type_="unique")
    op.add_column("duplicates", sa.Column("enqueued_at", MOMENT, nullable=True))
    op.drop_constraint("pk_duplicates", "duplicates", type_="primary")
    op.create_index(
        "uq_duplicates_delivery",
        "duplicates",
        ["door", "sequence", "enqueued_at", "source", "external_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.execute(_APART.format(table="events", order="id"))
    op.create_unique_constraint("uq_events_door_sequence", "events", ["door", "sequence"])
    op.execute("ALTER TABLE duplicates DISABLE TRIGGER USER")
    op.execute(_APART.format(table="duplicates", order="received_at, source, external_id"))
    op.execute("ALTER TABLE duplicates ENABLE TRIGGER USER")
    op.drop_index("uq_duplicates_delivery", table_name="duplicates")
    op.create_primary_key("pk_duplicates", "duplicates", ["door", "sequence"])
    op.drop_column("duplicates", "enqueued_at")
    op.drop_column("events", "corrected")
    op.drop_column("events", "enqueued_at")
