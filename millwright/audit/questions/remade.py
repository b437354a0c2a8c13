"""Can this decision be reproduced, bit for bit?"""

from millwright.audit.approvals import check_versions
from millwright.audit.engines import Engines
from millwright.audit.questions.answer import Asked, QuestionResult, Row, place_of
from millwright.audit.rejudging import Rejudging
from millwright.audit.report import Findings
from millwright.storage.audit.questions import engine_before
from millwright.storage.audit.reasons import deciding_event, find
from millwright.storage.audit.record import Record
from policies.engine.catalogue import Catalogue
from policies.engine.engine_mark import engine_mark


class RemadeRow(Row):
    """A verdict judged again from its stored inputs. `digest` is that of the stored verdict, `again` that of the new
    one.

    `same` is None if it could not be judged again; `why` gives the reason, or the difference.
    """

    event: str
    version: str
    role: str
    revision: int
    inputs: str
    made_by: str | None
    remade_by: str
    again: str | None
    same: bool | None
    why: str


async def remade(record: Record, asked: Asked) -> QuestionResult:
    """Every verdict on the deciding event, judged again.

    Raises:
        ActRejected: the reference is unknown.
    """
    found = await find(record, asked.reference)
    event = found.event if found.case is None else await deciding_event(record, found.case)
    if event is None:
        return QuestionResult(f"Nothing decided {asked.reference}: it is a receipt of what was stored before.", ())
    catalogue = Catalogue()
    sound = await check_versions(record, Findings(), catalogue)
    names = {version.digest: f"{version.policy} {version.version}" for version in await record.versions()}
    present = engine_mark()
    rows: list[RemadeRow] = []
    for verdict in await record.verdicts_on(event):
        findings, engines = Findings(), Engines(present)
        before = await engine_before(record, verdict.ledger_seq)
        if before is not None:
            engines.follow(before)
        again = await Rejudging(record, catalogue, sound, findings, engines).check(verdict)
        rows.append(
            RemadeRow(
                event=f"{verdict.source}|{verdict.external_id}",
                version=names.get(verdict.version, verdict.version),
                role=verdict.role,
                revision=verdict.revision,
                inputs="the anomaly, its context and the memory before it, each by its stored digest",
                made_by=engines.counts[0].engine,
                remade_by=present.digest,
                again=again,
                same=None if again is None else again == verdict.digest and not findings.found,
                why="; ".join(f"{finding.kind}: {finding.what}" for finding in findings.kept),
                ledger=place_of(verdict.ledger_seq, verdict.leaf),
                digest=verdict.digest,
            )
        )
    equal = sum(row.same is True for row in rows)
    words = f"{equal} of {len(rows)} verdicts came out the same, bit for bit"
    lost = "; ".join(row.why for row in rows if row.same is not True)
    return QuestionResult(f"{words}: {lost}." if lost else f"{words}.", tuple(rows))
