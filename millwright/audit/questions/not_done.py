"""Why was there no work order?"""

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.verdict import Rung
from millwright.audit.questions.answer import Asked, QuestionResult, Row, place_of
from millwright.explaining.why import why
from millwright.storage.audit.record import Record
from policies.engine.catalogue import Catalogue


class NotDoneRow(Row):
    """A verdict without an order, or the order of a verdict and its result.

    `missed` are the rules that were evaluated and did not decide, with their false statements; `otherwise` are the
    smallest changes of one input that would have ordered work.
    """

    event: str
    version: str
    role: str
    standing: bool
    rule: str
    rung: str
    ordered: bool
    because: str
    missed: tuple[str, ...]
    otherwise: tuple[str, ...]


async def not_done(record: Record, engine: AsyncEngine, catalogue: Catalogue, asked: Asked) -> QuestionResult:
    """Why an event led to no order, or its order if it led to one.

    Raises:
        ActRejected: the reference is unknown.
    """
    told = await why(engine, catalogue, asked.reference)
    if told.event is None:
        return QuestionResult(told.answer, ())
    stored = {row.id: row for row in await record.verdicts_on(told.event.id)}
    rows = []
    for decision in told.decisions:
        verdict = stored.get(decision.verdict)
        if verdict is None:
            continue  # The verdict is newer than this snapshot.
        rows.append(
            NotDoneRow(
                event=f"{verdict.source}|{verdict.external_id}",
                version=f"{decision.policy} {decision.version}",
                role=decision.role,
                standing=decision.standing,
                rule=decision.rule,
                rung=decision.rung,
                ordered=Rung[decision.rung.upper()].orders,
                because=decision.because,
                missed=tuple(
                    f"{rule.rule}: {'; '.join(test.words for test in rule.tests) or rule.error or 'no test'}"
                    for rule in decision.missed
                ),
                otherwise=tuple(
                    change.ordering.words
                    for change in (decision.changes.inputs if decision.changes else ())
                    if change.ordering is not None
                ),
                ledger=place_of(verdict.ledger_seq, verdict.leaf),
                digest=verdict.digest,
            )
        )
    order = told.consequences.order if told.consequences else None
    return QuestionResult(f"There was one: {order}. {told.answer}" if order else told.answer, tuple(rows))
