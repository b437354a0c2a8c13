"""Which settings were in force?"""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from domain.errors import ActRejected
from domain.model import Moment
from domain.processes import ProcessKind
from millwright.audit.questions.answer import Asked, QuestionResult, Row, day, detail_of, place_of
from millwright.storage.audit.questions import acts_on, settings_taken
from millwright.storage.audit.reasons import deciding_event, find
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import ActRow

_DONE: dict[str, tuple[str, ProcessKind]] = {
    "order-intended": ("order", ProcessKind.CASES),
    "hold-intended": ("hold", ProcessKind.CASES),
    "hold-shared": ("hold", ProcessKind.CASES),
    "case-decided": ("decision", ProcessKind.API),
}
"""Acts on a case by which something was decided or done, each with what it is and the process that did it."""


class SettingRow(Row):
    """A setting that steered, with the act by which a process took it. `at_what` is what it steered."""

    at_what: str
    process: str
    setting: str
    value: str
    since: Moment


class _Point(NamedTuple):
    """Something in the record: what it is, the process that did it, and its ledger row; None for an instant."""

    what: str
    process: ProcessKind
    seq: int | None


async def settings(record: Record, asked: Asked) -> QuestionResult:
    """The settings that steered a verdict, an order, a hold or a decision; or those of every process at an instant.

    Raises:
        ActRejected: neither or both of reference and instant are given, or the reference is unknown.
    """
    if (asked.ref is None) == (asked.at is None):
        raise ActRejected("give an event, an order, a hold or a case; or an instant", field="ref", fix="or --at")
    if asked.ref is None:
        points = [_Point("all", process, None) for process in ProcessKind]
    else:
        points = await _points_of(record, asked.reference)
    rows: list[SettingRow] = []
    without = []
    for point in points:
        taken = await settings_taken(record, point.process.subject, point.seq, asked.at)
        if taken is None:
            without.append(point)
        else:
            rows += _rows(point, taken)
    since = "; ".join(dict.fromkeys(f"{row.at_what}: {row.process}, taken {day(row.since)}" for row in rows))
    before = ", ".join(f"{point.what} ({point.process})" for point in without)
    words = since or "No settings are on record"
    return QuestionResult(f"{words}. Without settings on record: {before}." if before else f"{words}.", tuple(rows))


async def _points_of(record: Record, reference: str) -> list[_Point]:
    """The verdict that decided, and what was done after it."""
    found = await find(record, reference)
    event = found.event if found.case is None else await deciding_event(record, found.case)
    verdicts = [] if event is None else await record.verdicts_on(event)
    judged = [_Point("verdict", ProcessKind.JUDGING, row.ledger_seq) for row in verdicts if row.role == "active"]
    acts = [] if found.case is None else await acts_on(record, [f"case/{found.case}"])
    done = [_Point(*_DONE[act.kind], act.ledger_seq) for act in acts if act.kind in _DONE]
    return [*judged[-1:], *done]


def _rows(point: _Point, taken: ActRow) -> Sequence[SettingRow]:
    told = detail_of(taken).get("settings")
    return [
        SettingRow(
            at_what=point.what,
            process=point.process.value,
            setting=name,
            value=value if isinstance(value, str) else orjson.dumps(value).decode(),
            since=taken.at,
            ledger=place_of(taken.ledger_seq, taken.leaf),
            digest=taken.digest,
        )
        for name, value in sorted(told.items() if isinstance(told, dict) else ())
    ]
