"""Tables of the register, people, policies, verdicts and scheduling, and the metadata that all tables share.

`json` and not `jsonb` where a text was hashed: it must come back byte for byte.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Moment = DateTime(timezone=True)

assets = Table(
    "assets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("valid_from", Moment, primary_key=True),
    Column("valid_to", Moment),
    Column("level", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent", Text),
    Column("site", Text),
    Column("line", Text),
    Column("machine", Text),
    Column("asset_class", Text),
    Column("criticality", Text),
    Column("model", Text),
    Index("uq_assets_current", "id", unique=True, postgresql_where=text("valid_to IS NULL")),
    CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="period"),
)

crosswalk = Table(
    "crosswalk",
    metadata,
    Column("system", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("valid_from", Moment, primary_key=True),
    Column("valid_to", Moment),
    Column("asset", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("attributes", JSONB, nullable=False),
    Index("uq_crosswalk_current", "system", "external_id", unique=True, postgresql_where=text("valid_to IS NULL")),
    Index("ix_crosswalk_asset", "asset", "system"),
    CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="period"),
)

observables = Table(
    "observables",
    metadata,
    Column("machine", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("failure_mode", Text, nullable=False),
    Column("unit", Text),
    Column("normal_mean", JSONB),
    Column("normal_sd", JSONB),
    Column("limits", JSONB(none_as_null=True)),
    Index("ix_observables_asset", "asset", "kind"),
)

twin_models = Table(
    "twin_models",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contents", JSONB, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("printed_name", Text),
    Column("name_salt", Text),
    Column("added_at", Moment, nullable=False),
    Column("left_at", Moment),
)
"""The printed name can be erased; the ledger has only its digest with the salt. See `person_tables` for the rest."""

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("policy", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("published_at", Moment, nullable=False),
    UniqueConstraint("policy", "version"),
)

policy_signatures = Table(
    "policy_signatures",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("digest", Text, ForeignKey("policy_versions.digest"), nullable=False),
    Column("act", Text, nullable=False),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("meaning", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("signature", Text, nullable=False),
    UniqueConstraint("signature"),
)
"""Ed25519 signatures over (digest, act, meaning, at)."""

policy_assignments = Table(
    "policy_assignments",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("digest", Text, ForeignKey("policy_versions.digest"), nullable=False),
    Column("role", Text, nullable=False),
    Column("line", Text),
    Column("effective_from", Moment, nullable=False),
    Column("effective_to", Moment),
    Column("assigned_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("signature_id", BigInteger, ForeignKey("policy_signatures.id"), nullable=False),
    Column("site", Text),
    Column("asset_class", Text),
    Column("percent", Double),
    Column("recorded_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("replaces", Text),
    Column("band", Text),
    CheckConstraint("role IN ('active', 'canary', 'shadow')", name="role"),
    CheckConstraint("num_nonnulls(line, site, asset_class, percent) <= 1", name="scope"),
)
"""Which version judges where, from when, and since when that is known. A scope of nothing but NULL is everything."""

contexts = Table(
    "contexts",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

memories = Table(
    "memories",
    metadata,
    Column("version", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("failure_mode", Text, primary_key=True),
    Column("position", Text(collation="C"), nullable=False),
    Column("body", Text, nullable=False),
)
"""The present memory of each failure mode under each version, and how far in event order it has come."""

verdicts = Table(
    "verdicts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("event_id", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("revision", SmallInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("failure_mode", Text, nullable=False),
    Column("position", Text(collation="C"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("rung", SmallInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("memory", Text, nullable=False),
    Column("ledger_seq", BigInteger, nullable=False),
    Column("leaf", Integer, nullable=False),
    UniqueConstraint("event_id", "version", "revision"),
    Index("ix_verdicts_fault", "asset", "failure_mode", "at"),
    Index("ix_verdicts_ordering", "version", "at", postgresql_where=text("rung >= 3")),
    Index("ix_verdicts_ledger_seq", "ledger_seq", "leaf"),
    Index(
        "ix_verdicts_at",
        "at",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": True},
    ),
)
"""What was decided. `body` is the canonical record that was hashed; `memory` is the memory after it."""

autonomy_moves = Table(
    "autonomy_moves",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("policy", Text, nullable=False),
    Column("asset_class", Text, nullable=False),
    Column("failure_mode", Text, nullable=False),
    Column("move", Text, nullable=False),
    Column("confirmed", Integer, nullable=False),
    Column("wrong", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("digest", Text),
    Column("signature", JSONB),
    Index("ix_autonomy_moves_key", "policy", "asset_class", "failure_mode", "id"),
    CheckConstraint("move IN ('proposed', 'withdrawn', 'approved', 'promoted', 'refused', 'lost')", name="move"),
)
"""How autonomy was earned and lost; what a person moved bears their signature over `digest`."""

cursors = Table(
    "cursors",
    metadata,
    Column("system", Text, primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("advanced_at", Moment, nullable=False),
)

due = Table(
    "due",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("due_at", Moment),
    Column("generation", BigInteger, nullable=False),
    Column("lease_until", Moment),
    Index("ix_due_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)
"""What has to be looked at, and when, in the clock of the plant. A wake raises the generation, so that a pass that
began before it cannot mark it done. Until `lease_until`, by the database's clock, an activity judges the line, and
dispatchers do not signal it."""

APPEND_ONLY = (
    "ledger",
    "verdicts",
    "acts",
    "contexts",
    "policy_versions",
    "policy_signatures",
    "labels",
    "duplicates",
    "explanations",
    "autonomy_moves",
    "suppressed",
    "operating_readings",
    "operating_states",
    "maintenance_histories",
)
"""Tables whose rows the database itself refuses to change or delete."""
