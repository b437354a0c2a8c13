"""Which events, orders and holds did a version decide?"""

from collections import Counter

from domain.model import Moment
from domain.verdict import Rung
from millwright.audit.questions.answer import Asked, QuestionResult, Row, detail_of, place_of
from millwright.storage.audit.questions import acts_on, cases_of_version, judged_by, version_named
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import ActRow

_DONE = {
    "order-placed": "order",
    "order-attached": "order",
    "hold-intended": "hold",
    "hold-shared": "hold",
    "case-opened": "case",
}


class AffectedRow(Row):
    """An event that a version judged, or a resulting case, order or hold.

    `id` is the event as source|id, or the case, or the number of the order, or the key of the hold. `role` is that of
    the version: verdicts in shadow were never acted on.
    """

    kind: str
    id: str
    at: Moment
    asset: str | None
    failure_mode: str | None
    role: str
    rule: str | None
    rung: str | None
    case: str | None


async def affected(record: Record, asked: Asked) -> QuestionResult:
    """Every verdict of a version, and every case, order and hold that its verdicts asked for.

    Raises:
        ActRejected: there is no such version, or the time ends before it begins.
    """
    version = await version_named(record, asked.reference)
    since, until = asked.span
    rows = [
        AffectedRow(
            kind="event",
            id=judgement.event,
            at=judgement.at,
            asset=judgement.asset,
            failure_mode=judgement.failure_mode,
            role=judgement.by,
            rule=judgement.rule,
            rung=Rung(judgement.rung).word,
            case=None,
            ledger=place_of(judgement.ledger_seq, judgement.leaf),
            digest=judgement.digest,
        )
        for judgement in await judged_by(record, version.digest, since, until)
    ]
    cases = await cases_of_version(record, version.digest, since, until)
    rows += [_done(act) for act in await acts_on(record, [f"case/{case}" for case in cases]) if act.kind in _DONE]
    count = Counter(row.kind for row in rows)
    told = ", ".join(f"{count[kind]} {kind}{'' if count[kind] == 1 else 's'}" for kind in ("case", "order", "hold"))
    acting = sum(row.kind == "event" and row.role == "active" for row in rows)
    words = (
        f"{version.policy} {version.version} gave {count['event']} verdicts, {acting} of them in force; of its word "
        f"came {told}."
    )
    return QuestionResult(words, tuple(rows))


def _done(act: ActRow) -> AffectedRow:
    detail, case = detail_of(act), act.subject.removeprefix("case/")
    kind = _DONE[act.kind]
    names = {"order": _order(detail), "hold": str(detail.get("hold", "")), "case": case}
    return AffectedRow(
        kind=kind,
        id=names[kind],
        at=act.at,
        asset=None,
        failure_mode=None,
        role="active",
        rule=None,
        rung=str(detail["rung"]) if "rung" in detail else None,
        case=case,
        ledger=place_of(act.ledger_seq, act.leaf),
        digest=act.digest,
    )


def _order(detail: dict[str, object]) -> str:
    record = detail.get("record")
    ref = record.get("ref") if isinstance(record, dict) else None
    return str(ref.get("id", "")) if isinstance(ref, dict) else ""
