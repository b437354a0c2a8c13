"""The tables of the ledger: acts, the chain of hashes and its head."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Identity, Index, Integer, Table, Text, text

from millwright.storage.database.tables import Moment, metadata

acts = Table(
    "acts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("body", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("ledger_seq", BigInteger, nullable=False),
    Column("leaf", Integer, nullable=False),
    Index("ix_acts_subject", "subject", "id"),
    Index("ix_acts_ledger_seq", "ledger_seq", "leaf"),
)
"""Everything done or decided that is not a verdict, by whom, and when in the plant's clock."""

ledger = Table(
    "ledger",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("leaves", Integer, nullable=False),
    Column("root", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("engine", Text),
    CheckConstraint("single", name="single"),
)
"""Where the chain ends, and which engine gave the last verdicts in it."""
