"""The acts on installation keys, in the form that is exported and compared with the ledger."""

from datetime import datetime
from typing import NamedTuple

from domain.canonical import Json, sha256
from millwright.storage.audit.record import Record, stamped

_ACTS = (
    "SELECT a.text, a.signed_by, a.recorded_at, a.signature, a.proof, a.waits, c.text FROM installation_key_acts a "
    "LEFT JOIN installation_key_acts c ON c.id = a.confirms ORDER BY a.id"
)


class _ActRow(NamedTuple):
    text: str
    signed_by: str
    recorded_at: datetime
    signature: str
    proof: str | None
    waits: bool
    confirmed: str | None


async def installation_key_files(record: Record) -> list[dict[str, Json]]:
    """What administrators signed about installation keys, oldest first."""
    return [
        {
            "text": row.text,
            "by": row.signed_by,
            "at": stamped(row.recorded_at),
            "signature": row.signature,
            "proof": row.proof,
            "waits": row.waits,
            "confirms": None if row.confirmed is None else sha256(row.confirmed.encode()),
        }
        for row in await record.rows(_ACTS, _ActRow._make)
    ]
