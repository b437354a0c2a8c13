"""A sender is bound to the sources and types of its events. Those that exist have none until they are bound."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0027_senders"
down_revision: str | None = "0026_order_numbers"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds name the columns that they fill.
expands = True


def upgrade() -> None:
    op.add_column("person_roles", sa.Column("sources", JSONB))
    op.add_column("person_roles", sa.Column("types", JSONB))


def downgrade() -> None:
    op.drop_column("person_roles", "types")
    op.drop_column("person_roles", "sources")
