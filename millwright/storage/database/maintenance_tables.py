"""The table of the work on assets, as a CMMS tells it."""

from sqlalchemy import Column, Table, Text

from millwright.storage.database.tables import Moment, metadata

maintenance_histories = Table(
    "maintenance_histories",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("read_at", Moment, primary_key=True),
    Column("system", Text, primary_key=True),
    Column("body", Text, nullable=False),
)
"""What a CMMS said of the work on an asset at a reading: a row for each asset and reading."""
