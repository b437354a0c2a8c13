"""The tables of freshness: when each source last looked at what, and the times in which it did not."""

from sqlalchemy import BigInteger, Column, Identity, Index, Table, Text, text

from millwright.storage.database.tables import Moment, metadata

looks = Table(
    "looks",
    metadata,
    Column("source", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("signal", Text, primary_key=True),
    Column("first_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("blind_since", Moment),
    Column("resumed_at", Moment),
)
"""The newest look of each watch (`domain.heartbeats.Watch`): one row, however many heartbeats come. `blind_since` is
set while a row of `blind_spells` is open, and `resumed_at` by the first look after that."""

blind_spells = Table(
    "blind_spells",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("source", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("signal", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("found_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Index(
        "uq_blind_spells_open",
        "source",
        "asset",
        "signal",
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
)
"""The times in which a watch was blind; each beginning and each end is an act too."""
