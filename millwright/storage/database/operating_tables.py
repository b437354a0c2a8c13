"""The tables of what machines do, as an MES says it."""

from sqlalchemy import Column, Table, Text

from millwright.storage.database.tables import Moment, metadata

operating_readings = Table(
    "operating_readings",
    metadata,
    Column("system", Text, primary_key=True),
    Column("read_at", Moment, primary_key=True),
)
"""Each reading of an MES. It confirms the newest state of each of its machines."""

operating_states = Table(
    "operating_states",
    metadata,
    Column("machine", Text, primary_key=True),
    Column("read_at", Moment, primary_key=True),
    Column("system", Text, primary_key=True),
    Column("body", Text, nullable=False),
)
"""What an MES says of a machine from a reading on, until a later reading says something else: a row for each change."""
