"""How often a line came to rest, beside when it is due."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005_rests"
down_revision: str | None = "0004_alarm_times"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# An earlier build's lines come to rest uncounted: a wake after such a rest is signalled when patience ends.
expands = True


def upgrade() -> None:
    op.add_column("due", sa.Column("rests", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("due", "rests")
