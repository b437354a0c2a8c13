"""The tables of what comes in: events, what of them waits for judging, and the receipts of what was known already."""

from sqlalchemy import JSON, BigInteger, Column, Identity, Index, LargeBinary, Table, Text, UniqueConstraint, text

from millwright.storage.database.tables import Moment, metadata

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("ingress", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("natural_key", Text),
    Column("type", Text),
    Column("subject", Text),
    Column("at", Moment),
    Column("received_at", Moment, nullable=False),
    Column("traceparent", Text),
    Column("raw", LargeBinary, nullable=False),
    Column("anomaly", JSON(none_as_null=True)),
    Column("asset", Text),
    Column("failure_mode", Text),
    Column("position", Text(collation="C")),
    Column("line", Text),
    Column("fate", Text, nullable=False),
    Column("reason", Text),
    Column("field", Text),
    Column("enqueued_at", Moment),
    Column("corrected", LargeBinary),
    UniqueConstraint("source", "external_id"),
    UniqueConstraint("natural_key"),
    Index("ix_events_fate", "fate", "id", postgresql_where=text("fate IN ('quarantined', 'unmapped')")),
    Index("ix_events_asset", "asset", "failure_mode", "at"),
)
"""One message from outside, stored once. `position` sorts a failure mode's events as judging takes them. A message that
bears the label of another but says something else is stored under an `external_id` of its own (`domain.identity`).
`corrected` is what was read in the place of `raw` when it was re-driven.

What is to be judged is stored as `decided`, and has met that fate when its row in `pending` is gone."""

pending = Table(
    "pending",
    metadata,
    Column("line", Text, primary_key=True),
    Column("event_id", BigInteger, primary_key=True),
)
"""Events that wait for judging: in with the event, out with its verdict, so that the event is written once."""

duplicates = Table(
    "duplicates",
    metadata,
    Column("ingress", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("enqueued_at", Moment),
    Column("id", BigInteger, Identity(), nullable=False),
    Index("uq_duplicates_id", "id", unique=True),
    Index(
        "uq_duplicates_delivery",
        "ingress",
        "sequence",
        "enqueued_at",
        "source",
        "external_id",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
)
"""Receipts whose event was stored already. A number alone is no delivery: an entity made anew gives it again."""
