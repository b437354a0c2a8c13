"""The tables from which the figures on alert quality are computed: derived, and kept as the ledger grows."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from millwright.storage.database.tables import Moment, metadata

alert_facts = Table(
    "alert_facts",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("failure_mode", Text, nullable=False),
    Column("asset_class", Text),
    Column("site", Text),
    Column("rule", Text),
    Column("policy", Text),
    Column("policy_version", Text),
    Column("policy_digest", Text, nullable=False),
    Column("detectors", ARRAY(Text), nullable=False),
    Column("model_versions", ARRAY(Text), nullable=False),
    Column("confidence", Double),
    Column("rung", SmallInteger, nullable=False),
    Column("event_at", Moment, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("placed_at", Moment),
    Column("work_began_at", Moment),
    Column("found_at", Moment),
    Column("labelled_at", Moment),
    Column("closed_as", Text),
    Column("outcome", Text),
    Column("cancelled", Boolean),
    Column("attached", Boolean, nullable=False),
    Column("crew_hours", Double),
    Column("parts", JSONB),
    Column("downtime_s", Double),
    Index("ix_alert_facts_opened_at", "opened_at"),
)
"""One row of each case, with what the figures need of it. `millwright/storage/quality/keeping.py` computes it."""

verdict_counts = Table(
    "verdict_counts",
    metadata,
    Column("version", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("failure_mode", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("rung", SmallInteger, primary_key=True),
    Column("severity", Text, primary_key=True),
    Column("verdicts", Integer, nullable=False),
)
"""How many first verdicts there are on each fault and day (UTC, event time). Revisions are not counted."""

quality_progress = Table(
    "quality_progress",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("ledger_seq", BigInteger, nullable=False),
    CheckConstraint("single", name="single"),
)
"""The last row of the ledger that the two tables above have."""
