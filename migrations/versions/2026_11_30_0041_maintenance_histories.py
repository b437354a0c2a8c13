"""The work on assets is read from the CMMS and kept, so that verdicts can use it. Earlier builds do not work on this
table: they do not read the context of a verdict that was told of it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision: str = "0041_maintenance_histories"
down_revision: str | None = "0040_attached_orders"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "maintenance_histories",
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("asset", "read_at", "system", name=op.f("pk_maintenance_histories")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON maintenance_histories "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    told = op.get_bind().scalar(sa.text("SELECT count(*) FROM contexts WHERE body::jsonb ? 'maintenance'"))
    if told:
        words = f"{told} contexts of verdicts have the work on their assets, which earlier builds cannot read"
        raise CommandError(f"{words}; restore a backup from before the upgrade instead")
    op.drop_table("maintenance_histories")
