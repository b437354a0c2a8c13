"""The life of a policy version: drafts, evidence, scopes and ends of assignments, freezes, kill switches."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008_lifecycle"
down_revision: str | None = "0007_autonomy"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

APPEND_ONLY = (
    "policy_drafts",
    "policy_evidence",
    "policy_assignments",
    "policy_assignment_ends",
    "policy_freezes",
    "policy_thaws",
    "action_stops",
    "action_stop_lifts",
)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _widen_assignments()
    # A plant's clock may stand: one person may sign two assignments of a version at one instant.
    op.drop_constraint(op.f("uq_policy_signatures_digest_act_person_at"), "policy_signatures")
    op.create_unique_constraint(op.f("uq_policy_signatures_signature"), "policy_signatures", ["signature"])
    op.create_table(
        "policy_drafts",
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("cases", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["author"], ["people.name"], name=op.f("fk_policy_drafts_author")),
        sa.PrimaryKeyConstraint("policy", "version", "revision", name=op.f("pk_policy_drafts")),
    )
    op.create_table(
        "policy_evidence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('check', 'proof', 'backtest')", name=op.f("ck_policy_evidence_kind")),
        sa.CheckConstraint("result IN ('passed', 'failed')", name=op.f("ck_policy_evidence_result")),
        sa.ForeignKeyConstraint(["digest"], ["policy_versions.digest"], name=op.f("fk_policy_evidence_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_evidence")),
    )
    op.create_index("ix_policy_evidence_digest", "policy_evidence", ["digest", "id"])
    op.create_table(
        "policy_assignment_ends",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("assignment_id", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signature_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "cause IN ('withdrawn', 'rolled_back', 'graduated', 'halted')",
            name=op.f("ck_policy_assignment_ends_cause"),
        ),
        sa.CheckConstraint(
            "signature_id IS NOT NULL OR cause = 'halted'", name=op.f("ck_policy_assignment_ends_signed")
        ),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["policy_assignments.id"], name=op.f("fk_policy_assignment_ends_assignment_id")
        ),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["policy_signatures.id"], name=op.f("fk_policy_assignment_ends_signature_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_assignment_ends")),
    )
    op.create_index("ix_policy_assignment_ends_assignment", "policy_assignment_ends", ["assignment_id"])
    _make_freezes()
    _make_stops()
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _widen_assignments() -> None:
    table = "policy_assignments"
    for name in ("site", "asset_class", "replaces", "band"):
        op.add_column(table, sa.Column(name, sa.Text(), nullable=True))
    op.add_column(table, sa.Column("percent", sa.Double(), nullable=True))
    op.add_column(table, sa.Column("expires_at", MOMENT, nullable=True))
    op.add_column(table, sa.Column("recorded_at", MOMENT, nullable=True))
    op.execute(
        "UPDATE policy_assignments a SET recorded_at = s.at FROM policy_signatures s WHERE s.id = a.signature_id"
    )
    op.alter_column(table, "recorded_at", nullable=False)
    op.drop_constraint(op.f("ck_policy_assignments_role"), table)
    op.create_check_constraint(op.f("ck_policy_assignments_role"), table, "role IN ('active', 'canary', 'shadow')")
    op.create_check_constraint(
        op.f("ck_policy_assignments_scope"), table, "num_nonnulls(line, site, asset_class, percent) <= 1"
    )


def _make_freezes() -> None:
    op.create_table(
        "policy_freezes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("begins_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("frozen_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("ends_at > begins_at", name=op.f("ck_policy_freezes_period")),
        sa.ForeignKeyConstraint(["frozen_by"], ["people.name"], name=op.f("fk_policy_freezes_frozen_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_freezes")),
    )
    op.create_table(
        "policy_thaws",
        sa.Column("freeze_id", sa.BigInteger(), nullable=False),
        sa.Column("thawed_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["freeze_id"], ["policy_freezes.id"], name=op.f("fk_policy_thaws_freeze_id")),
        sa.ForeignKeyConstraint(["thawed_by"], ["people.name"], name=op.f("fk_policy_thaws_thawed_by")),
        sa.PrimaryKeyConstraint("freeze_id", name=op.f("pk_policy_thaws")),
    )


def _make_stops() -> None:
    op.create_table(
        "action_stops",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("asset_class", sa.Text(), nullable=True),
        sa.Column("stopped_by", sa.Text(), nullable=False),
        sa.Column("stopped_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("action IN ('order', 'hold', 'twin-write')", name=op.f("ck_action_stops_action")),
        sa.ForeignKeyConstraint(["stopped_by"], ["people.name"], name=op.f("fk_action_stops_stopped_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_stops")),
    )
    op.create_table(
        "action_stop_lifts",
        sa.Column("stop_id", sa.BigInteger(), nullable=False),
        sa.Column("lifted_by", sa.Text(), nullable=False),
        sa.Column("lifted_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["stop_id"], ["action_stops.id"], name=op.f("fk_action_stop_lifts_stop_id")),
        sa.ForeignKeyConstraint(["lifted_by"], ["people.name"], name=op.f("fk_action_stop_lifts_lifted_by")),
        sa.PrimaryKeyConstraint("stop_id", name=op.f("pk_action_stop_lifts")),
    )


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    for table in (
        "action_stop_lifts",
        "action_stops",
        "policy_thaws",
        "policy_freezes",
        "policy_assignment_ends",
        "policy_evidence",
        "policy_drafts",
    ):
        op.drop_table(table)
    op.drop_constraint(op.f("uq_policy_signatures_signature"), "policy_signatures")
    op.create_unique_constraint(
        op.f("uq_policy_signatures_digest_act_person_at"), "policy_signatures", ["digest", "act", "person", "at"]
    )
    table = "policy_assignments"
    op.drop_constraint(op.f("ck_policy_assignments_scope"), table)
    op.drop_constraint(op.f("ck_policy_assignments_role"), table)
    op.execute("DELETE FROM policy_assignments WHERE role = 'canary' OR num_nonnulls(site, asset_class, percent) > 0")
    op.create_check_constraint(op.f("ck_policy_assignments_role"), table, "role IN ('active', 'shadow')")
    for name in ("site", "asset_class", "percent", "recorded_at", "expires_at", "replaces", "band"):
        op.drop_column(table, name)
