"""Events are written once: what waits for judging stands in a table of its own, and the wide indexes are narrow."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003_pending_events"
down_revision: str | None = "0002_append_only"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# Rows that are written over again and again find room on their own page, and their index is left alone.
_ROOM = {"memories": 50, "due": 50, "ledger_head": 10}


def upgrade() -> None:
    op.create_table(
        "pending",
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("line", "event_id", name=op.f("pk_pending")),
    )
    # A queue: nearly every row that it ever had is dead.
    op.execute(
        "ALTER TABLE pending SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, "
        "autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 1000000)"
    )
    op.execute("INSERT INTO pending (line, event_id) SELECT line, id FROM events WHERE fate IS NULL")
    op.drop_index("ix_events_undecided", table_name="events", postgresql_where=sa.text("fate IS NULL"))
    op.execute("UPDATE events SET fate = 'decided' WHERE fate IS NULL")
    op.alter_column("events", "fate", existing_type=sa.Text(), nullable=False)
    op.drop_index("ix_events_asset", table_name="events")
    op.create_index("ix_events_asset", "events", ["asset", "failure_mode", "at"], unique=False)
    op.drop_index("ix_verdicts_position", table_name="verdicts")
    op.create_index("ix_verdicts_fault", "verdicts", ["asset", "failure_mode", "at"], unique=False)
    op.create_index("ix_observables_asset", "observables", ["asset", "kind"], unique=False)
    for table, share in _ROOM.items():
        op.execute(f"ALTER TABLE {table} SET (fillfactor = {share})")


def downgrade() -> None:
    for table in _ROOM:
        op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
    op.drop_index("ix_observables_asset", table_name="observables")
    op.drop_index("ix_verdicts_fault", table_name="verdicts")
    op.create_index("ix_verdicts_position", "verdicts", ["version", "asset", "failure_mode", "position"], unique=False)
    op.drop_index("ix_events_asset", table_name="events")
    op.create_index("ix_events_asset", "events", ["asset", "failure_mode", "position"], unique=False)
    op.alter_column("events", "fate", existing_type=sa.Text(), nullable=True)
    op.execute("UPDATE events e SET fate = NULL FROM pending p WHERE p.event_id = e.id")
    op.create_index(
        "ix_events_undecided", "events", ["line", "id"], unique=False, postgresql_where=sa.text("fate IS NULL")
    )
    op.drop_table("pending")
