"""The table of walk-downs, by which two persons prove that a hold on a machine stops this machine."""

from sqlalchemy import CheckConstraint, Column, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from millwright.storage.database.tables import Moment, metadata

walk_downs = Table(
    "walk_downs",
    metadata,
    Column("key", Text, primary_key=True),
    Column("machine", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("equipment", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("begun", JSONB, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("looked", JSONB(none_as_null=True)),
    Column("release", JSONB(none_as_null=True)),
    Column("plan", JSONB(none_as_null=True)),
    Column("intended_at", Moment),
    Column("accepted_at", Moment),
    Column("held_at", Moment),
    Column("release_called_at", Moment),
    Column("released_at", Moment),
    Column("ended_at", Moment),
    Column("reason", Text),
    Column("found", JSONB(none_as_null=True)),
    Column("waiting_for", Text),
    Index(
        "uq_walk_downs_live",
        "system",
        "equipment",
        unique=True,
        postgresql_where=text("state IN ('begun', 'held', 'looked', 'releasing', 'unproven')"),
    ),
    Index(
        "uq_walk_downs_proof",
        "system",
        "equipment",
        unique=True,
        postgresql_where=text("state IN ('proved', 'suspended')"),
    ),
    CheckConstraint(
        "state IN ('begun', 'held', 'looked', 'releasing', 'unproven', 'proved', 'suspended', 'failed', 'ended', "
        "'withdrawn')",
        name="state",
    ),
)
"""At most one is under way on an equipment, and at most one proof counts for it."""
