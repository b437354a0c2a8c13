"""What was suppressed, shelved, stopped, skipped or abandoned, and by whom?"""

from collections import Counter

from domain.model import Moment
from millwright.audit.questions.answer import Asked, QuestionResult, Row, detail_of, place_of, said_in
from millwright.storage.audit.questions import passed_over, suppressions_between
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import ActRow
from policies.language.schema import BAD_QUALITY


class SuppressedRow(Row):
    """Something that was not done, or was forbidden: an act of a person or the machine, or a verdict without an
    effect. `by` is who decided so: for a verdict, the version."""

    at: Moment
    what: str
    subject: str
    by: str
    why: str


async def suppressed(record: Record, asked: Asked) -> QuestionResult:
    """Kill switches and their lifting, shelves, cancelled or rejected orders, quarantines, and verdicts without an
    effect.

    Raises:
        ActRejected: the time ends before it begins.
    """
    since, until = asked.span
    rows = [_acted(act) for act in await suppressions_between(record, since, until)]
    rows += [
        SuppressedRow(
            at=event.at,
            what="bad quality" if event.rule == BAD_QUALITY else "too late to be weighed",
            subject=f"event {event.event}",
            by=event.by,
            why=f"rule {event.rule} on {event.asset} {event.failure_mode}",
            ledger=place_of(event.ledger_seq, event.leaf),
            digest=event.digest,
        )
        for event in await passed_over(record, since, until, [BAD_QUALITY])
    ]
    rows.sort(key=lambda row: row.at)
    count = Counter(row.what for row in rows)
    told = ", ".join(f"{number} × {what}" for what, number in count.most_common())
    return QuestionResult(f"{told or 'Nothing was suppressed'}.", tuple(rows))


def _acted(act: ActRow) -> SuppressedRow:
    detail = detail_of(act)
    what = act.kind.replace("-", " ")
    if act.kind in ("case-awaits-release", "case-closed"):
        what = f"case {detail.get('how')}"
    elif act.kind == "case-decided":
        what = "case refused"
    elif act.kind == "action-stopped":
        where = [str(detail[name]) for name in ("site", "asset_class") if detail.get(name)]
        what = f"every {detail.get('action')} stopped" + (f" for {', '.join(where)}" if where else "")
    elif act.kind == "action-suppressed":
        what = f"{detail.get('rung')} held back until {detail.get('until')}"
    elif act.kind in ("shelved", "window-opened"):
        what = f"{what} until {detail.get('until_at')}"
    event, asset = detail.get("event"), detail.get("asset")
    subject = f"event {'|'.join(str(part) for part in event)}" if isinstance(event, list) else None
    if subject is None and asset:
        subject = f"{asset} {detail.get('failure_mode') or ''}".strip()
    return SuppressedRow(
        at=act.at,
        what=what,
        subject=subject or act.subject.replace("/", " ", 1),
        # The person who shelved it suppressed it; the version only asked for the action.
        by=str(detail.get("by") or act.actor),
        why=said_in(detail),
        ledger=place_of(act.ledger_seq, act.leaf),
        digest=act.digest,
    )
