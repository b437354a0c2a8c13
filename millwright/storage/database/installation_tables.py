"""The tables of the installation's key: what administrators signed about it, and what it attested."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Identity, Table, Text

from millwright.storage.database.tables import Moment, metadata

installation_key_acts = Table(
    "installation_key_acts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("text", Text, nullable=False),
    Column("signed_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("signature", Text, nullable=False, unique=True),
    Column("proof", Text),
    Column("waits", Boolean, nullable=False),
    Column("confirms", BigInteger, ForeignKey("installation_key_acts.id"), unique=True),
)
"""What administrators signed about installation keys. An act that `waits` counts when a second administrator confirms
it. `proof` is the new key's own signature over the text."""

attestations = Table(
    "attestations",
    metadata,
    Column("ledger_seq", BigInteger, ForeignKey("ledger.seq"), primary_key=True, autoincrement=False),
    Column("attestation", Text, nullable=False),
)
"""The installation's signature over a ledger row in which a person acted: 32 hexadecimal digits of a nonce, then 128 of
the signature."""

INSTALLATION_APPEND_ONLY: Final = ("installation_key_acts", "attestations")
"""Those of which the database itself refuses to change or delete a row, beside `tables.APPEND_ONLY`."""
