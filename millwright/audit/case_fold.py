"""Rebuilds from verdicts and acts what each case counts and spans, and compares it with the stored cases.

It applies the same rules as judging does (`domain.case_rules`). The acts say which verdicts opened, raised or revised a
case; those that only feed a case or are noted on it have no act.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import orjson

from domain.canonical import Json, canonical
from domain.case_rules import CaseSpan, Effect, counts_as_evidence, effect, is_news
from domain.cases import ClosedAs
from domain.judging import FaultKey, recorded_verdict
from domain.verdict import Rung
from millwright.audit.report import Findings
from millwright.storage.audit.case_counts import (
    AppliedLater,
    CountedCase,
    counted_cases,
    ground_of,
    let_in,
    rung_before,
)
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import ActRow, VerdictRow, VersionRow

_AT_ONCE = 500
"""Cases that are compared at once. Nothing changes a case after the next one on its fault, so that it is forgotten."""


@dataclass(slots=True)
class _Counted:
    """What verdicts made of a case."""

    id: str
    span: CaseSpan
    version: str
    verdict: str
    fed: int = 1
    noted: list[int] = field(default_factory=lambda: [0, 0])
    """The number of verdicts noted on it, and the sum of their events' ids."""


@dataclass(slots=True)
class _RowActs:
    """What the acts of one ledger row say of cases, by the source and id of the event."""

    opened: dict[tuple[str, str], str] = field(default_factory=dict)
    revised: set[tuple[str, str]] = field(default_factory=set)
    suppressed: set[tuple[int, int]] = field(default_factory=set)
    closed: list[tuple[str, ClosedAs]] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    reworked: list[tuple[str, str, str]] = field(default_factory=list)
    """How a case came to rest on the verdict of another one, the case, and that other one."""


class CaseFold:
    """Follows the ledger row by row.

    Args:
        record: the record.
        rearm: the `rearm` of a version; None if the version is not stored as it was published.
        versions: every version, to build verdicts as cases keep them.
        findings: collects the findings.
    """

    def __init__(
        self,
        record: Record,
        rearm: Callable[[str], timedelta | None],
        versions: Sequence[VersionRow],
        findings: Findings,
    ) -> None:
        self._record = record
        self._rearm = rearm
        self._names = {row.digest: (row.policy, row.version) for row in versions}
        self._findings = findings
        self._newest: dict[FaultKey, _Counted] = {}
        self._by_id: dict[str, _Counted] = {}
        """The newest cases, by id."""
        self._doubtful: set[FaultKey] = set()
        """Faults with a verdict that could not be followed: nothing is said of their cases."""
        self._ended: list[_Counted] = []

    async def follow(self, verdicts: Sequence[VerdictRow], acts: Sequence[ActRow]) -> None:
        """Applies the verdicts and acts of one ledger row."""
        moving = [row for row in verdicts if row.role == "active" and row.memory]
        if not moving and not acts:
            return
        told = _told(acts)
        for row in moving:
            before = await rung_before(self._record, row) if row.revision else None
            previous = None if before is None else Rung(before)
            if row.rung in set(Rung) and is_news(Rung(row.rung), previous):
                self._apply(row, previous, told)
        for suppression in told.returned:
            for came_in in await let_in(self._record, suppression):
                self._apply(came_in, None, told)
        for how, case, earlier in told.reworked:
            await self._rework(how, case, earlier)
        for case in told.opened.values():
            if not self._doubtful:
                self._findings.add("case", f"case {case}", "was opened, and no verdict asked for it")
        for case, how in told.closed:
            if case in self._by_id:
                self._by_id[case].span.closed_as = how
        if len(self._ended) >= _AT_ONCE:
            await self._compare()

    def doubt(self, verdict: VerdictRow) -> None:
        """Says nothing of the cases of a fault, because a verdict on it is not as recorded."""
        self._doubtful.add((verdict.asset, verdict.failure_mode))

    async def end(self) -> None:
        """Compares the cases that are left."""
        self._ended.extend(self._newest.values())
        await self._compare()

    def _apply(self, row: VerdictRow | AppliedLater, previous: Rung | None, told: _RowActs) -> None:
        key = (row.asset, row.failure_mode)
        rearm, event = self._rearm(row.version), (row.source or "", row.external_id or "")
        if rearm is None or row.source is None:
            self._doubtful.add(key)
            return
        if (row.event_id, row.revision) in told.suppressed:
            return
        rung, newest = Rung(row.rung), self._newest.get(key)
        found = effect(newest.span if newest else None, row.at, rung, rearm)
        if found is Effect.OPENS:
            if event in told.opened:
                self._open(key, told.opened.pop(event), row)
        elif newest is None:
            return
        elif found is Effect.REVISES:
            if event in told.revised and newest.span.closed_as is None:
                newest.fed = max(newest.fed - 1, 0)
        else:
            newest.span.stretch(row.at, rung)
            newest.fed += counts_as_evidence(previous)
            if found is Effect.NOTED:
                newest.noted = [newest.noted[0] + 1, newest.noted[1] + row.event_id]
            elif newest.span.is_raised_by(rung):
                newest.span.rung, newest.version, newest.verdict = rung, row.version, row.body

    async def _rework(self, how: str, case: str, earlier: str) -> None:
        """A case was opened, or raised, on the verdict that another case of its fault rests on."""
        for row in await ground_of(self._record, earlier):
            key = (row.asset, row.failure_mode)
            open_case = self._newest.get(key)
            if how == "opened":
                self._open(key, case, row)
            elif open_case is not None:
                open_case.span.rung, open_case.version, open_case.verdict = Rung(row.rung), row.version, row.body

    def _open(self, key: FaultKey, case: str, row: VerdictRow | AppliedLater) -> None:
        before = self._newest.get(key)
        if before is not None:
            self._ended.append(before)
            self._by_id.pop(before.id, None)
        opened = _Counted(case, CaseSpan(row.at, row.at, Rung(row.rung)), row.version, row.body)
        self._newest[key] = self._by_id[case] = opened

    async def _compare(self) -> None:
        counted = {each.id: each for each in self._ended}
        self._ended = []
        for stored in await counted_cases(self._record, sorted(counted)):
            if (stored.asset, stored.failure_mode) in self._doubtful:
                continue
            if wrong := ", ".join(self._differing(stored, counted[stored.id])):
                self._findings.add("case", f"case {stored.id}", f"{wrong} is not what its verdicts make it")

    def _differing(self, stored: CountedCase, counted: _Counted) -> Iterator[str]:
        told = {
            "event_at": counted.span.event_at,
            "last_event_at": counted.span.last_event_at,
            "fed": counted.fed,
            "rung": counted.span.rung,
            "version": counted.version,
            "noted": counted.noted,
        }
        yield from (name for name, value in told.items() if getattr(stored, name) != value)
        if stored.verdict != self._verdict(counted):
            yield "verdict"

    def _verdict(self, counted: _Counted) -> Json:
        """The verdict as a case keeps it."""
        verdict = recorded_verdict(orjson.loads(counted.verdict), *self._names[counted.version])
        whole: Json = orjson.loads(canonical(verdict))
        return whole


def _told(acts: Sequence[ActRow]) -> _RowActs:
    told = _RowActs()
    for act in acts:
        kind, subject = act.kind, act.subject.partition("/")[2]
        if not kind.startswith(("case-", "action-suppressed", "suppression-returned")):
            continue
        try:
            detail = json.loads(act.body)["detail"]
            if kind in ("case-opened", "case-raised") and "rework_of" in detail:
                told.reworked.append((kind.removeprefix("case-"), subject, detail["rework_of"]))
            elif kind == "case-opened":
                told.opened[tuple(detail["event"])] = subject
            elif kind == "case-evidence-revised":
                told.revised.add(tuple(detail["event"]))
            elif kind in ("case-closed", "case-awaits-release"):
                told.closed.append((subject, ClosedAs(detail["how"])))
            elif kind == "action-suppressed":
                told.suppressed.add((int(subject), detail["revision"]))
            elif kind == "suppression-returned":
                told.returned.append(subject)
        except (ValueError, KeyError, TypeError):
            continue  # An act that was altered is named by its digest.
    return told
