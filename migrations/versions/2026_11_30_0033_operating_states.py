"""What machines do is read from the MES and kept, so that verdicts can use it. Earlier builds do not work on these
tables: they do not read the context of a verdict that was told of it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision: str = "0033_operating_states"
down_revision: str | None = "0032_machine_test_runs"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

APPEND_ONLY = ("operating_readings", "operating_states")


def upgrade() -> None:
    op.create_table(
        "operating_readings",
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("system", "read_at", name=op.f("pk_operating_readings")),
    )
    op.create_table(
        "operating_states",
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("machine", "read_at", "system", name=op.f("pk_operating_states")),
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    told = op.get_bind().scalar(sa.text("SELECT count(*) FROM contexts WHERE body::jsonb ? 'operating'"))
    if told:
        words = f"{told} contexts of verdicts have what the machines did, which earlier builds cannot read"
        raise CommandError(f"{words}; restore a backup from before the upgrade instead")
    op.drop_table("operating_states")
    op.drop_table("operating_readings")
