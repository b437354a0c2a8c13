"""The tables of holds, of their placements and of the cases that claim them."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from millwright.storage.database.tables import Moment, metadata

holds = Table(
    "holds",
    metadata,
    Column("key", Text, primary_key=True),
    Column("system", Text, nullable=False),
    Column("equipment", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("intended_at", Moment, nullable=False),
    Column("overruled_at", Moment),
    Column("release", JSONB),
    Column("ended_at", Moment),
    Column("reason", Text),
    Column("twin_told", Text),
    Column("test_run", JSONB),
    Index(
        "uq_holds_equipment",
        "system",
        "equipment",
        unique=True,
        postgresql_where=text("state IN ('asked', 'releasing', 'testing')"),
    ),
    CheckConstraint("state IN ('asked', 'releasing', 'testing', 'released', 'overruled', 'void')", name="state"),
)
"""What we asked the MES to keep from running. One per equipment: cases on one machine share it by claims."""

hold_placements = Table(
    "hold_placements",
    metadata,
    Column("hold_key", Text, ForeignKey("holds.key"), primary_key=True),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("receiver", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("plan", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("intended_at", Moment, nullable=False),
    Column("intended_by", Text, ForeignKey("cases.id")),
    Column("accepted_at", Moment),
    Column("in_effect_at", Moment),
    Column("read_at", Moment),
    Column("release_called_at", Moment),
    Column("ended_at", Moment),
    Column("reason", Text),
    Index(
        "uq_hold_placements_job",
        "hold_key",
        "receiver",
        "job",
        unique=True,
        postgresql_where=text("state IN ('intended', 'accepted', 'in_effect', 'unproven')"),
    ),
    CheckConstraint(
        "state IN ('intended', 'accepted', 'in_effect', 'unproven', 'overruled', 'ended', 'released', 'void')",
        name="state",
    ),
)
"""A hold's placements, one for each job that was kept from running: at most one live on a job at a time."""

hold_claims = Table(
    "hold_claims",
    metadata,
    Column("hold_key", Text, ForeignKey("holds.key"), primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("claimed_at", Moment, nullable=False),
    Column("ready_at", Moment),
    Column("dropped_at", Moment),
    Index("uq_hold_claims_case", "case_id", unique=True, postgresql_where=text("dropped_at IS NULL")),
)
"""Which cases ask for a hold. `ready_at`: the case's work is done, and production may release the machine for it."""
