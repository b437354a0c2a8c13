"""The tables of the first light: events to labels."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001_first_light"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:

    op.create_table(
        "acts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("ledger_seq", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acts")),
    )
    op.create_index("ix_acts_ledger_seq", "acts", ["ledger_seq", "leaf"], unique=False)
    op.create_index("ix_acts_subject", "acts", ["subject", "id"], unique=False)
    op.create_table(
        "assets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("line", sa.Text(), nullable=True),
        sa.Column("machine", sa.Text(), nullable=True),
        sa.Column("asset_class", sa.Text(), nullable=True),
        sa.Column("criticality", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_assets_period")),
        sa.PrimaryKeyConstraint("id", "valid_from", name=op.f("pk_assets")),
    )
    op.create_index("uq_assets_current", "assets", ["id"], unique=True, postgresql_where=sa.text("valid_to IS NULL"))
    op.create_table(
        "cases",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("failure_mode", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("opened_by", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("verdict", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rung", sa.SmallInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("urgency", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("production", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("decision", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("withdraw", sa.Text(), nullable=True),
        sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.Column("waiting_step", sa.Text(), nullable=True),
        sa.Column("waiting_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fed", sa.Integer(), server_default="1", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_as", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    op.create_index("ix_cases_fault", "cases", ["asset", "failure_mode", "last_event_at"], unique=False)
    op.create_index("ix_cases_unclosed", "cases", ["id"], unique=False, postgresql_where=sa.text("closed_at IS NULL"))
    op.create_index(
        "uq_cases_open", "cases", ["asset", "failure_mode"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "changes",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("system", "external_id", "status", "changed_at", name=op.f("pk_changes")),
    )
    op.create_index(
        "ix_changes_unmatched", "changes", ["received_at"], unique=False, postgresql_where=sa.text("case_id IS NULL")
    )
    op.create_table(
        "contexts",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_contexts")),
    )
    op.create_table(
        "crosswalk",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_crosswalk_period")),
        sa.PrimaryKeyConstraint("system", "external_id", "valid_from", name=op.f("pk_crosswalk")),
    )
    op.create_index("ix_crosswalk_asset", "crosswalk", ["asset", "system"], unique=False)
    op.create_index(
        "uq_crosswalk_current",
        "crosswalk",
        ["system", "external_id"],
        unique=True,
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "cursors",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("advanced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("system", name=op.f("pk_cursors")),
    )
    op.create_table(
        "due",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_due")),
    )
    op.create_index("ix_due_due_at", "due", ["due_at"], unique=False, postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_table(
        "duplicates",
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("door", "sequence", name=op.f("pk_duplicates")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("natural_key", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("anomaly", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("asset", sa.Text(), nullable=True),
        sa.Column("failure_mode", sa.Text(), nullable=True),
        sa.Column("position", sa.Text(collation="C"), nullable=True),
        sa.Column("line", sa.Text(), nullable=True),
        sa.Column("fate", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("door", "sequence", name=op.f("uq_events_door_sequence")),
        sa.UniqueConstraint("natural_key", name=op.f("uq_events_natural_key")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_events_source_external_id")),
    )
    op.create_index("ix_events_asset", "events", ["asset", "failure_mode", "position"], unique=False)
    op.create_index(
        "ix_events_fate",
        "events",
        ["fate", "id"],
        unique=False,
        postgresql_where=sa.text("fate IN ('quarantined', 'unmapped')"),
    )
    op.create_index(
        "ix_events_undecided", "events", ["line", "id"], unique=False, postgresql_where=sa.text("fate IS NULL")
    )
    op.create_table(
        "holds",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("equipment", sa.Text(), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('intended', 'placed', 'releasing', 'released', 'unproven', 'void')", name=op.f("ck_holds_state")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_holds")),
    )
    op.create_index(
        "uq_holds_equipment",
        "holds",
        ["system", "equipment"],
        unique=True,
        postgresql_where=sa.text("state IN ('intended', 'placed', 'releasing', 'unproven')"),
    )
    op.create_table(
        "ledger",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leaves", sa.Integer(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger")),
    )
    op.create_table(
        "ledger_head",
        sa.Column("single", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_ledger_head_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "memories",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("failure_mode", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(collation="C"), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", "asset", "failure_mode", name=op.f("pk_memories")),
    )
    op.create_table(
        "observables",
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("failure_mode", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("normal_mean", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("normal_sd", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("machine", "kind", "name", name=op.f("pk_observables")),
    )
    op.create_table(
        "people",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("api_key_hash", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_people")),
        sa.UniqueConstraint("api_key_hash", name=op.f("uq_people_api_key_hash")),
    )
    op.create_table(
        "policy_versions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_policy_versions")),
        sa.UniqueConstraint("policy", "version", name=op.f("uq_policy_versions_policy_version")),
    )
    op.create_table(
        "twin_models",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contents", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_twin_models")),
    )
    op.create_table(
        "verdicts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("failure_mode", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rung", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("memory", sa.Text(), nullable=False),
        sa.Column("ledger_seq", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
        sa.UniqueConstraint("event_id", "version", "revision", name=op.f("uq_verdicts_event_id_version_revision")),
    )
    op.create_index("ix_verdicts_ledger_seq", "verdicts", ["ledger_seq", "leaf"], unique=False)
    op.create_index(
        "ix_verdicts_ordering", "verdicts", ["version", "at"], unique=False, postgresql_where=sa.text("rung >= 3")
    )
    op.create_index("ix_verdicts_position", "verdicts", ["version", "asset", "failure_mode", "position"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("rung", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.CheckConstraint("how IN ('opened', 'raised', 'noted', 'revised')", name=op.f("ck_evidence_how")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_evidence_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.UniqueConstraint("case_id", "event_id", "revision", name=op.f("uq_evidence_case_id_event_id_revision")),
    )
    op.create_index("ix_evidence_event_id", "evidence", ["event_id"], unique=False)
    op.create_table(
        "hold_claims",
        sa.Column("hold_key", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_hold_claims_case_id")),
        sa.ForeignKeyConstraint(["hold_key"], ["holds.key"], name=op.f("fk_hold_claims_hold_key")),
        sa.PrimaryKeyConstraint("hold_key", "case_id", name=op.f("pk_hold_claims")),
    )
    op.create_table(
        "labels",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_labels_case_id")),
        sa.PrimaryKeyConstraint("case_id", "revision", name=op.f("pk_labels")),
    )
    op.create_table(
        "outcomes",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("twin_etag", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_outcomes_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_outcomes")),
    )
    op.create_table(
        "policy_signatures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["policy_versions.digest"], name=op.f("fk_policy_signatures_digest")),
        sa.ForeignKeyConstraint(["person"], ["people.name"], name=op.f("fk_policy_signatures_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_signatures")),
        sa.UniqueConstraint("digest", "act", "person", "at", name=op.f("uq_policy_signatures_digest_act_person_at")),
    )
    op.create_table(
        "work_orders",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_work_orders_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_work_orders")),
    )
    op.create_index("uq_work_orders_external_id", "work_orders", ["system", "external_id"], unique=True)
    op.create_table(
        "policy_assignments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=True),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assigned_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signature_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role IN ('active', 'shadow')", name=op.f("ck_policy_assignments_role")),
        sa.ForeignKeyConstraint(["digest"], ["policy_versions.digest"], name=op.f("fk_policy_assignments_digest")),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["policy_signatures.id"], name=op.f("fk_policy_assignments_signature_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_assignments")),
    )


def downgrade() -> None:

    op.drop_table("policy_assignments")
    op.drop_index("uq_work_orders_external_id", table_name="work_orders")
    op.drop_table("work_orders")
    op.drop_table("policy_signatures")
    op.drop_table("outcomes")
    op.drop_table("labels")
    op.drop_table("hold_claims")
    op.drop_index("ix_evidence_event_id", table_name="evidence")
    op.drop_table("evidence")
    op.drop_index("ix_verdicts_position", table_name="verdicts")
    op.drop_index("ix_verdicts_ordering", table_name="verdicts", postgresql_where=sa.text("rung >= 3"))
    op.drop_index("ix_verdicts_ledger_seq", table_name="verdicts")
    op.drop_table("verdicts")
    op.drop_table("twin_models")
    op.drop_table("policy_versions")
    op.drop_table("people")
    op.drop_table("observables")
    op.drop_table("memories")
    op.drop_table("ledger_head")
    op.drop_table("ledger")
    op.drop_index(
        "uq_holds_equipment",
        table_name="holds",
        postgresql_where=sa.text("state IN ('intended', 'placed', 'releasing', 'unproven')"),
    )
    op.drop_table("holds")
    op.drop_index("ix_events_undecided", table_name="events", postgresql_where=sa.text("fate IS NULL"))
    op.drop_index(
        "ix_events_fate", table_name="events", postgresql_where=sa.text("fate IN ('quarantined', 'unmapped')")
    )
    op.drop_index("ix_events_asset", table_name="events")
    op.drop_table("events")
    op.drop_table("duplicates")
    op.drop_index("ix_due_due_at", table_name="due", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_table("due")
    op.drop_table("cursors")
    op.drop_index("uq_crosswalk_current", table_name="crosswalk", postgresql_where=sa.text("valid_to IS NULL"))
    op.drop_index("ix_crosswalk_asset", table_name="crosswalk")
    op.drop_table("crosswalk")
    op.drop_table("contexts")
    op.drop_index("ix_changes_unmatched", table_name="changes", postgresql_where=sa.text("case_id IS NULL"))
    op.drop_table("changes")
    op.drop_index("uq_cases_open", table_name="cases", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index("ix_cases_unclosed", table_name="cases", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index("ix_cases_fault", table_name="cases")
    op.drop_table("cases")
    op.drop_index("uq_assets_current", table_name="assets", postgresql_where=sa.text("valid_to IS NULL"))
    op.drop_table("assets")
    op.drop_index("ix_acts_subject", table_name="acts")
    op.drop_index("ix_acts_ledger_seq", table_name="acts")
    op.drop_table("acts")
