"""Computes the tables of the figures on alert quality again from the record, and compares them."""

from millwright.audit.report import Findings
from millwright.storage.audit.record import Record
from millwright.storage.quality.keeping import DIFFERENCES, AlteredRow


async def check_quality(record: Record, findings: Findings) -> None:
    """Names each row that the record does not give, or that is missing. What the ledger has something new of is
    compared after it was added."""
    for statement in DIFFERENCES:
        async for rows in record.pages(statement, AlteredRow._make):
            for row in rows:
                where = f"{row.table.replace('_', ' ')}: {row.key}"
                findings.add("quality", where, "is not what the record gives")
