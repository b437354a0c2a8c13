"""The tables of the nightly reconcile: how far each has come, what differs, and when hints came."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from millwright.storage.database.tables import Moment, metadata

reconcile_runs = Table(
    "reconcile_runs",
    metadata,
    Column("system", Text, primary_key=True),
    Column("started_at", Moment, primary_key=True),
    # Where the poll stood then: a later reconcile lists what changed since.
    Column("poll_cursor", Text),
    Column("stage", Text, nullable=False),
    Column("position", Text),
    Column("orders", Integer, nullable=False, server_default="0"),
    Column("twins", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    Column("next_at", Moment),
    Column("finished_at", Moment),
)
"""Each reconcile of a CMMS; `domain.reconcile.ReconcileRun`."""

drifts = Table(
    "drifts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("system", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("case_id", Text),
    Column("ref", JSONB),
    Column("ours", Text, nullable=False),
    Column("theirs", Text, nullable=False),
    Column("first_seen_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Index("uq_drifts_open", "system", "identity", "kind", unique=True, postgresql_where=text("ended_at IS NULL")),
)
"""What a reconcile found to differ. A row whose difference has ended stays, with the time at which it was seen to have
ended; the same difference later is another row."""

hints = Table(
    "hints",
    metadata,
    Column("system", Text, primary_key=True),
    Column("last_at", Moment, nullable=False),
)
"""When the last hint or signed webhook of a system came."""
