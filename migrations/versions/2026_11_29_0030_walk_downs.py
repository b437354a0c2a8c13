"""A machine can be held once two persons have proved its receiver by a walk-down."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0030_walk_downs"
down_revision: str | None = "0029_two_approvers"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds know no walk-downs. They hold machines without one, which the audit names once there is one.
expands = True

_LIVE = "state IN ('begun', 'held', 'looked', 'releasing', 'unproven')"
_PROOF = "state IN ('proved', 'suspended')"


def upgrade() -> None:
    op.create_table(
        "walk_downs",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("equipment", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("begun", JSONB, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked", JSONB),
        sa.Column("release", JSONB),
        sa.Column("plan", JSONB),
        sa.Column("intended_at", sa.DateTime(timezone=True)),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("held_at", sa.DateTime(timezone=True)),
        sa.Column("release_called_at", sa.DateTime(timezone=True)),
        sa.Column("released_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.Text),
        sa.Column("found", JSONB),
        sa.Column("waiting_for", sa.Text),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_walk_downs")),
        sa.CheckConstraint(
            f"{_LIVE[:-1]}, 'proved', 'suspended', 'failed', 'ended', 'withdrawn')", name=op.f("ck_walk_downs_state")
        ),
    )
    for name, states in (("live", _LIVE), ("proof", _PROOF)):
        op.create_index(
            f"uq_walk_downs_{name}",
            "walk_downs",
            ["system", "equipment"],
            unique=True,
            postgresql_where=sa.text(states),
        )


def downgrade() -> None:
    op.drop_table("walk_downs")
