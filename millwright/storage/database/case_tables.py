"""The tables of cases, with their evidence, work orders, explanations, outcomes and labels."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from millwright.storage.database.tables import Moment, metadata

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("failure_mode", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("site", Text),
    Column("opened_by", BigInteger, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("event_at", Moment, nullable=False),
    Column("last_event_at", Moment, nullable=False),
    Column("version", Text, nullable=False),
    Column("verdict", JSONB, nullable=False),
    Column("rung", SmallInteger, nullable=False),
    Column("phase", Text, nullable=False),
    Column("urgency", JSONB),
    Column("production", JSONB),
    Column("decision", JSONB),
    Column("hold_proposal", JSONB),
    Column("suspect_lots", JSONB),
    Column("rework", JSONB),
    Column("normal", JSONB),
    Column("verification", JSONB),
    Column("withdraw", Text),
    Column("waiting_for", Text),
    Column("waiting_step", Text),
    Column("waiting_until", Moment),
    Column("lane", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("fed", Integer, nullable=False, server_default="1"),
    Column("closed_at", Moment),
    Column("closed_as", Text),
    Index("uq_cases_open", "asset", "failure_mode", unique=True, postgresql_where=text("closed_as IS NULL")),
    Index("ix_cases_fault", "asset", "failure_mode", "last_event_at"),
    Index("ix_cases_unclosed", "id", postgresql_where=text("closed_at IS NULL")),
    Index(
        "ix_cases_awaiting_release",
        "asset",
        "failure_mode",
        postgresql_where=text("closed_as IS NOT NULL AND closed_at IS NULL"),
    ),
)
"""One episode of one fault. The partial unique index is promise 2: at most one is open at a time. `closed_as` is known
once the work is done; a case whose machine is held is closed when production has released it."""

evidence = Table(
    "evidence",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("revision", SmallInteger, nullable=False),
    Column("rung", SmallInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("how", Text, nullable=False),
    UniqueConstraint("case_id", "event_id", "revision"),
    Index("ix_evidence_event_id", "event_id"),
    CheckConstraint("how IN ('opened', 'raised', 'noted', 'revised')", name="how"),
)

work_orders = Table(
    "work_orders",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("system", Text, nullable=False),
    Column("intended_at", Moment, nullable=False),
    Column("draft", JSONB, nullable=False),
    # What else was open on the asset when the draft was written; `CaseView.open_work`.
    Column("open_work", JSONB),
    # What the check of the draft found; `CaseView.draft_check`.
    Column("draft_check", JSONB),
    # What people corrected of the draft before the order was in the CMMS, oldest first; `CaseView.corrections`.
    Column("corrections", JSONB),
    # How many of them the draft had when it was sent last; `CaseView.corrections_sent`.
    Column("corrections_sent", SmallInteger),
    Column("external_id", Text),
    Column("placed_at", Moment),
    # When the CMMS last told us its state; `CaseView.order_read_at`.
    Column("read_at", Moment),
    Column("status", Text),
    Column("record", JSONB),
    # The keys of the notes that we wrote on it; `CaseView.order_notes`.
    Column("notes", ARRAY(Text), nullable=False, server_default="{}"),
    Index("ix_work_orders_system", "system", "external_id"),
)
"""The order of a case. Its number (`external_id`) is for people: a CMMS may use it twice, for two sites or after it was
restored."""

attached_orders = Table(
    "attached_orders",
    metadata,
    Column("system", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    Column("attachment", JSONB, nullable=False),
    Column("attached_at", Moment, nullable=False),
    Column("detached_at", Moment),
    Column("because", Text),
    Index("ix_attached_orders_case_id", "case_id"),
    Index("uq_attached_orders_live", "case_id", unique=True, postgresql_where=text("detached_at IS NULL")),
)
"""Which orders of people are, or were, the orders of cases. An order is that of one case, and once: if its number is
used twice, the second one is not attached. The order itself is in `work_orders` while it is the case's."""

order_leases = Table(
    "order_leases",
    metadata,
    Column("system", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("lease_until", Moment, nullable=False),
)
"""Which step may create an order, where a CMMS cannot refuse a second one. `number` grows with each lease."""

admissions = Table(
    "admissions",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("crew", Text, nullable=False),
    Column("site", Text),
    Column("bound", Integer, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("admitted_at", Moment),
    Column("exempt", Text),
    Index("ix_admissions_crew", "crew", "admitted_at"),
    CheckConstraint("exempt IN ('hold', 'person', 'rework', 'consequence')", name="exempt"),
)
"""The cases that asked for an order of a crew whose new orders are bounded; see `domain.admission.Admission`."""

explanations = Table(
    "explanations",
    metadata,
    Column("verdict_id", BigInteger, primary_key=True, autoincrement=False),
    Column("case_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index("ix_explanations_case_id", "case_id", "verdict_id"),
)
"""What would have changed the verdict that opened or raised a case. `body` is the canonical form that was hashed."""

outcomes = Table(
    "outcomes",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("found_at", Moment, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("twin_etag", Text),
    Column("twin_write", JSONB),
)

labels = Table(
    "labels",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("revision", SmallInteger, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("made_at", Moment, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("system", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("changed_at", Moment, primary_key=True),
    Column("fingerprint", BigInteger, Computed("hashtextextended(record::text, 0)", persisted=True), primary_key=True),
    Column("case_id", Text),
    Column("record", JSONB, nullable=False),
    Column("received_at", Moment, nullable=False),
    Index("ix_changes_unmatched", "received_at", postgresql_where=text("case_id IS NULL")),
)
"""What another system told us of its records; one without a case waits in a lane. The database computes `fingerprint`:
records that differ in anything are two, also if their status and time are the same."""

unreadable_records = Table(
    "unreadable_records",
    metadata,
    Column("system", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("field", Text),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("first_seen_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Index("ix_unreadable_records_open", "system", "record", postgresql_where=text("settled_at IS NULL")),
)
"""Records of other systems that could not be read, each content once. A record is settled when it was read later, or
by a person."""
