"""Compares the walk-downs with their acts; see `offline_walk_downs`."""

from millwright.audit.approvals import acts_by_subject
from millwright.audit.offline_signatures import Row, guarded
from millwright.audit.offline_walk_downs import WALK_DOWN, walk_down_findings
from millwright.audit.report import Findings
from millwright.storage.audit.record import Record
from millwright.storage.audit.walk_down_record import walk_down_files


async def check_walk_downs(record: Record, findings: Findings) -> None:
    """Names each walk-down that is not as recorded, that nothing recorded, or that is gone."""
    files: dict[str, list[Row]] = {subject: [] for subject in await record.subjects("walk-down")}
    async for page in walk_down_files(record):
        for row in page:
            files.setdefault(f"{WALK_DOWN}{row['key']}", []).append(row)
    acts = await acts_by_subject(record, sorted(files))
    for subject, rows in sorted(files.items()):
        key = subject.removeprefix(WALK_DOWN)
        findings.extend(guarded(f"walk-down {key}", walk_down_findings(key, rows, acts[subject])))
