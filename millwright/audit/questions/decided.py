"""Which rule decided this?"""

from domain.approvals import APPROVE
from domain.model import Moment
from millwright.audit.engines import mark_of
from millwright.audit.questions.answer import Asked, QuestionResult, Row, place_of
from millwright.explaining.decisions import Explainer
from millwright.storage.audit.questions import engine_before
from millwright.storage.audit.reasons import deciding_event, find
from millwright.storage.audit.record import Record
from policies.engine.catalogue import Catalogue


class DecidedRow(Row):
    """A verdict on the event in question, or on the event that decided the case or order in question."""

    event: str
    policy: str
    version: str
    role: str
    revision: int
    standing: bool
    rule: str
    rung: str
    because: str
    tests: tuple[str, ...]
    judged_at: Moment
    author: str
    approved_by: tuple[str, ...]
    engine: str | None
    remade: str


async def decided(record: Record, catalogue: Catalogue, asked: Asked) -> QuestionResult:
    """The rule that decided an event, an order, a hold or a case, for every version that judged it.

    Raises:
        ActRejected: the reference is unknown.
    """
    found = await find(record, asked.reference)
    event = found.event if found.case is None else await deciding_event(record, found.case)
    if event is None:
        return QuestionResult(f"Nothing decided {asked.reference}: it is a receipt of what was stored before.", ())
    stored = {row.id: row for row in await record.verdicts_on(event)}
    rows: list[DecidedRow] = []
    for decision in await Explainer(record, catalogue).decisions(event):
        verdict = stored[decision.verdict]
        engine = await engine_before(record, verdict.ledger_seq)
        rows.append(
            DecidedRow(
                event=f"{verdict.source}|{verdict.external_id}",
                policy=decision.policy,
                version=decision.version,
                role=decision.role,
                revision=decision.revision,
                standing=decision.standing,
                rule=decision.rule,
                rung=decision.rung,
                because=decision.because,
                tests=tuple(test.words for test in decision.tests),
                judged_at=decision.judged_at,
                author=decision.author,
                approved_by=tuple(sorted({signed.person for signed in decision.signed if signed.act == APPROVE})),
                engine=None if engine is None else mark_of(engine).digest,
                remade=decision.remade,
                ledger=place_of(verdict.ledger_seq, verdict.leaf),
                digest=verdict.digest,
            )
        )
    acting = next((row for row in rows if row.role == "active" and row.standing), None)
    if acting is None:
        return QuestionResult(f"No version in force has judged event {event}.", tuple(rows))
    people = ", ".join(acting.approved_by) or "nobody"
    words = (
        f"Rule {acting.rule} of {acting.policy} {acting.version} decided: {acting.rung}. {acting.because} "
        f"Written by {acting.author}, approved by {people}."
    )
    return QuestionResult(words, tuple(rows))
