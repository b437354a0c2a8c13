"""What changed between two dates?"""

from collections import Counter

from domain.model import Moment
from domain.shown_signatures import SignatureDisplay
from millwright.audit.questions.answer import Asked, QuestionResult, Row, day, detail_of, place_of, said_in
from millwright.storage.audit.questions import changes_between
from millwright.storage.audit.record import Record

_SHOWN = 200


class ChangedRow(Row):
    """An act by which versions, assignments, people, switches, the register or the engine changed.

    `name` is the printed name with the id, `local` the time in the site's time zone and in UTC.
    """

    at: Moment
    local: str
    by: str
    name: str
    did: str
    subject: str
    why: str
    terms: str


async def changed(record: Record, display: SignatureDisplay, asked: Asked) -> QuestionResult:
    """Every act that changed how work is decided, and not the work itself.

    Raises:
        ActRejected: the time ends before it begins.
    """
    since, until = asked.span
    names = {version.digest: f"{version.policy} {version.version}" for version in await record.versions()}
    rows = []
    for act in await changes_between(record, since, until):
        kind, _, rest = act.subject.partition("/")
        detail = detail_of(act)
        rows.append(
            ChangedRow(
                at=act.at,
                local=display.local(act.at),
                by=act.actor,
                name=display.name(act.actor),
                did=act.kind.replace("-", " "),
                subject=f"{kind} {names.get(rest, rest)}".strip(),
                why=said_in(detail),
                terms=_terms(detail),
                ledger=place_of(act.ledger_seq, act.leaf),
                digest=act.digest,
            )
        )
    count = Counter(row.did for row in rows)
    told = ", ".join(f"{number} × {did}" for did, number in count.most_common())
    spoken = f"Up to {day(until)}" if asked.since is None else f"From {day(since)} to {day(until)}"
    return QuestionResult(f"{spoken}: {told or 'nothing changed'}.", tuple(rows))


def _terms(detail: dict[str, object]) -> str:
    """The further fields of an act, shortened; its whole text is in the ledger."""
    told = [
        f"{name} {str(value)[:_SHOWN]}"
        for name, value in detail.items()
        if value is not None and name not in ("meaning", "reason", "note", "signature", "document", "cases", "body")
    ]
    return ", ".join(told)
