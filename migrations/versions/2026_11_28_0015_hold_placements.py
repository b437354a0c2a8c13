"""A hold is on the equipment and has a placement for each job; production releases it; a case may await that."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0015_hold_placements"
down_revision: str | None = "0014_identity"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds would release holds without a person: they end.

MOMENT = sa.DateTime(timezone=True)
LIVE_PLACEMENTS = "state IN ('intended', 'accepted', 'in_effect', 'unproven')"

# A hold that was never proved to be placed was not released either, whatever earlier builds called it.
COPY_PLACEMENTS = """
INSERT INTO hold_placements
    (hold_key, number, receiver, job, plan, state, intended_at, accepted_at, in_effect_at, read_at, ended_at, reason)
SELECT key, 1, '', plan->>'job', plan,
    CASE WHEN state IN ('placed', 'releasing') THEN 'in_effect'
         WHEN state = 'released' AND placed_at IS NULL THEN 'void' ELSE state END,
    intended_at, placed_at, placed_at, placed_at, released_at, reason
FROM holds WHERE plan->>'method' IN ('pause', 'revoke_start')
"""
# Whoever let go of a hold last answers for it until production has released it.
ANSWER_FOR_THEM = """
UPDATE hold_claims c SET ready_at = c.dropped_at, dropped_at = NULL FROM holds h
WHERE h.key = c.hold_key AND h.state IN ('intended', 'placed', 'releasing', 'unproven')
AND NOT EXISTS (SELECT FROM hold_claims o WHERE o.hold_key = h.key AND o.dropped_at IS NULL)
AND 'case/' || c.case_id = (SELECT a.subject FROM acts a WHERE a.kind IN ('hold-dropped', 'hold-ready')
    AND a.body::jsonb->'detail'->>'hold' = h.key ORDER BY a.id DESC LIMIT 1)
"""
DROP_ENDED = """
UPDATE hold_claims c SET dropped_at = coalesce(h.released_at, c.claimed_at) FROM holds h
WHERE h.key = c.hold_key AND h.state IN ('released', 'void') AND c.dropped_at IS NULL
"""
NEW_STATES = """
UPDATE holds SET state = CASE WHEN state = 'released' AND placed_at IS NULL THEN 'void'
    WHEN state IN ('released', 'void') THEN state ELSE 'asked' END
"""
OLD_STATES = """
UPDATE holds h SET
    plan = coalesce(p.plan, jsonb_build_object('key', h.key, 'equipment', h.equipment, 'job', NULL,
        'prior_state', NULL, 'method', 'nothing_to_hold')),
    placed_at = p.in_effect_at, released_at = CASE WHEN h.state = 'released' THEN h.ended_at END,
    state = CASE WHEN h.state IN ('void', 'released') THEN h.state WHEN h.state = 'overruled' THEN 'released'
        WHEN p.state = 'in_effect' THEN CASE WHEN EXISTS (SELECT FROM hold_claims c WHERE c.hold_key = h.key
            AND c.dropped_at IS NULL AND c.ready_at IS NULL) THEN 'placed' ELSE 'releasing' END
        WHEN p.state = 'unproven' THEN 'unproven' ELSE 'intended' END
FROM holds o LEFT JOIN LATERAL (SELECT * FROM hold_placements x WHERE x.hold_key = o.key
    ORDER BY x.number DESC LIMIT 1) p ON true
WHERE o.key = h.key
"""


def upgrade() -> None:
    op.create_table(
        "hold_placements",
        sa.Column("hold_key", sa.Text(), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("intended_at", MOMENT, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("in_effect_at", MOMENT, nullable=True),
        sa.Column("read_at", MOMENT, nullable=True),
        sa.Column("release_called_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('intended', 'accepted', 'in_effect', 'unproven', 'overruled', 'ended', 'released', 'void')",
            name=op.f("ck_hold_placements_state"),
        ),
        sa.ForeignKeyConstraint(["hold_key"], ["holds.key"], name=op.f("fk_hold_placements_hold_key")),
        sa.PrimaryKeyConstraint("hold_key", "number", name=op.f("pk_hold_placements")),
    )
    op.create_index(
        "uq_hold_placements_job",
        "hold_placements",
        ["hold_key", "receiver", "job"],
        unique=True,
        postgresql_where=sa.text(LIVE_PLACEMENTS),
    )
    op.add_column("hold_claims", sa.Column("ready_at", MOMENT, nullable=True))
    for name, kind in (
        ("overruled_at", MOMENT),
        ("release", postgresql.JSONB(astext_type=sa.Text())),
        ("ended_at", MOMENT),
        ("planner_told_at", MOMENT),
        ("twin_told", sa.Text()),
    ):
        op.add_column("holds", sa.Column(name, kind, nullable=True))
    op.execute(COPY_PLACEMENTS)
    op.execute(ANSWER_FOR_THEM)
    op.execute(DROP_ENDED)
    op.drop_constraint(op.f("ck_holds_state"), "holds")
    op.drop_index("uq_holds_equipment", table_name="holds")
    op.execute(NEW_STATES)
    op.execute("UPDATE holds SET ended_at = released_at WHERE state = 'released'")
    op.create_check_constraint(
        op.f("ck_holds_state"), "holds", "state IN ('asked', 'releasing', 'released', 'overruled', 'void')"
    )
    op.create_index(
        "uq_holds_equipment",
        "holds",
        ["system", "equipment"],
        unique=True,
        postgresql_where=sa.text("state IN ('asked', 'releasing')"),
    )
    for name in ("plan", "placed_at", "released_at"):
        op.drop_column("holds", name)
    op.create_index(
        "uq_hold_claims_case",
        "hold_claims",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("dropped_at IS NULL"),
    )
    op.drop_index("uq_cases_open", table_name="cases")
    op.create_index(
        "uq_cases_open", "cases", ["asset", "failure_mode"], unique=True, postgresql_where=sa.text("closed_as IS NULL")
    )
    op.create_index(
        "ix_cases_awaiting_release",
        "cases",
        ["asset", "failure_mode"],
        unique=False,
        postgresql_where=sa.text("closed_as IS NOT NULL AND closed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_cases_awaiting_release", table_name="cases")
    op.drop_index("uq_cases_open", table_name="cases")
    op.execute("UPDATE cases SET closed_as = NULL, phase = 'learn' WHERE closed_at IS NULL AND closed_as IS NOT NULL")
    op.create_index(
        "uq_cases_open", "cases", ["asset", "failure_mode"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.add_column("holds", sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("holds", sa.Column("placed_at", MOMENT, nullable=True))
    op.add_column("holds", sa.Column("released_at", MOMENT, nullable=True))
    op.drop_constraint(op.f("ck_holds_state"), "holds")
    op.drop_index("uq_holds_equipment", table_name="holds")
    op.execute(OLD_STATES)
    op.alter_column("holds", "plan", nullable=False)
    op.execute("UPDATE hold_claims SET dropped_at = ready_at WHERE dropped_at IS NULL AND ready_at IS NOT NULL")
    op.create_check_constraint(
        op.f("ck_holds_state"),
        "holds",
        "state IN ('intended', 'placed', 'releasing', 'released', 'unproven', 'void')",
    )
    op.create_index(
        "uq_holds_equipment",
        "holds",
        ["system", "equipment"],
        unique=True,
        postgresql_where=sa.text("state IN ('intended', 'placed', 'releasing', 'unproven')"),
    )
    for name in ("overruled_at", "release", "ended_at", "planner_told_at", "twin_told"):
        op.drop_column("holds", name)
    op.drop_index("uq_hold_claims_case", table_name="hold_claims")
    op.drop_column("hold_claims", "ready_at")
    op.drop_table("hold_placements")
