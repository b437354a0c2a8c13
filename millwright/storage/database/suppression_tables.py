"""The tables of what was held back, and by what."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Identity, Index, SmallInteger, Table, Text

from millwright.storage.database.tables import Moment, metadata

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("failure_mode", Text),
    Column("spared_asset", Text),
    Column("spared_mode", Text),
    Column("from_at", Moment, nullable=False),
    Column("until_at", Moment, nullable=False),
    Column("end_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("source", Text),
    Column("ended_by", Text),
    Column("ended_because", Text),
    Column("returned_at", Moment),
    Index("ix_suppressions_end_at", "end_at"),
    Index("ix_suppressions_source", "source"),
    CheckConstraint("kind IN ('shelf', 'window', 'work', 'standstill', 'out_of_service', 'mask')", name="kind"),
    CheckConstraint("until_at > from_at AND end_at BETWEEN from_at AND until_at", name="period"),
)
"""Shelves and windows, by event time. `end_at` is the end that counts; it comes sooner where somebody ended it."""

suppressed = Table(
    "suppressed",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("suppression", Text, ForeignKey("suppressions.id"), nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("revision", SmallInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("failure_mode", Text, nullable=False),
    Column("rung", SmallInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("how", Text, nullable=False),
    Index("uq_suppressed_once", "suppression", "event_id", "version", "revision", "how", unique=True),
    Index("ix_suppressed_event_id", "event_id", "id"),
    CheckConstraint("how IN ('held_back', 'let_in')", name="how"),
)
"""Verdicts that would have acted and did not, and those of them that acted on a return. The newest row of an event
and version says how it stands."""
