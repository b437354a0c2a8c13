"""The tables of a version's life beside `millwright.storage.database.tables`: every row is added once and never
altered."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Identity, Index, Integer, Table, Text

from millwright.storage.database.tables import Moment, metadata

policy_drafts = Table(
    "policy_drafts",
    metadata,
    Column("policy", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("cases", Text, nullable=False),
    Column("author", Text, ForeignKey("people.id"), nullable=False),
    Column("saved_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
)
"""What a version was before it was submitted; each save is a revision of its own. `cases` is its cases file."""

policy_evidence = Table(
    "policy_evidence",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("digest", Text, ForeignKey("policy_versions.digest"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_policy_evidence_digest", "digest", "id"),
    CheckConstraint("kind IN ('check', 'proof', 'backtest')", name="kind"),
    CheckConstraint("result IN ('passed', 'failed')", name="result"),
)
"""What machines found of a version; `body` is the canonical JSON whose digest the ledger has."""

policy_assignment_ends = Table(
    "policy_assignment_ends",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("assignment_id", BigInteger, ForeignKey("policy_assignments.id"), nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("ended_by", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("signature_id", BigInteger, ForeignKey("policy_signatures.id")),
    Index("ix_policy_assignment_ends_assignment", "assignment_id"),
    CheckConstraint("cause IN ('withdrawn', 'rolled_back', 'graduated', 'halted')", name="cause"),
    CheckConstraint("signature_id IS NOT NULL OR cause = 'halted'", name="signed"),
)
"""That an assignment ended before its time. Only the machine's halt of a canary is unsigned."""

policy_freezes = Table(
    "policy_freezes",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("begins_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("frozen_by", Text, ForeignKey("people.id"), nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("ends_at > begins_at", name="period"),
)
"""When no version may come into force but by an emergency change or a rollback."""

policy_thaws = Table(
    "policy_thaws",
    metadata,
    Column("freeze_id", BigInteger, ForeignKey("policy_freezes.id"), primary_key=True),
    Column("thawed_by", Text, ForeignKey("people.id"), nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
)

action_stops = Table(
    "action_stops",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("action", Text, nullable=False),
    Column("site", Text),
    Column("asset_class", Text),
    Column("stopped_by", Text, ForeignKey("people.id"), nullable=False),
    Column("stopped_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("action IN ('order', 'hold', 'twin-write')", name="action"),
)
"""Kill switches: what is not done, where, while judging goes on. A site or class of NULL is every one."""

action_stop_lifts = Table(
    "action_stop_lifts",
    metadata,
    Column("stop_id", BigInteger, ForeignKey("action_stops.id"), primary_key=True),
    Column("lifted_by", Text, ForeignKey("people.id"), nullable=False),
    Column("lifted_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
)

POLICY_APPEND_ONLY = (
    "policy_drafts",
    "policy_evidence",
    "policy_assignments",
    "policy_assignment_ends",
    "policy_freezes",
    "policy_thaws",
    "action_stops",
    "action_stop_lifts",
)
"""Those of which the database itself refuses to change or delete a row, beside `tables.APPEND_ONLY`."""
