"""Decides again when the work of each case was to be done, from the recorded inputs, with the same function."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from domain.anomaly import Anomaly
from domain.canonical import canonical
from domain.errors import MillwrightError
from domain.judging import recorded_verdict
from domain.ports import Judge
from domain.pricing import TimedFault
from domain.production import ProductionContext
from domain.verdict import Context, UrgencyDecision, Verdict
from millwright.audit.offline_signatures import Row
from millwright.audit.report import Findings, TimingCount
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import VersionRow
from millwright.storage.audit.timing_record import TimedFrom, timed_from


class _Ground(NamedTuple):
    """A verdict that a time may have been decided for."""

    verdict: Verdict
    fault: TimedFault
    context: Context


class Retiming:
    """Decides again every recorded time.

    Args:
        record: the record.
        judge: with the stored versions whose texts are the published ones.
        versions: the digests of these.
        stored: every version, for the names of policies in verdicts.
        findings: collects the findings.
    """

    def __init__(
        self,
        record: Record,
        judge: Judge,
        versions: frozenset[str],
        stored: Sequence[VersionRow],
        findings: Findings,
    ) -> None:
        self._record = record
        self._judge = judge
        self._names = {row.digest: (row.policy, row.version) for row in stored if row.digest in versions}
        self._findings = findings
        self._decided = 0
        self._reproduced = 0
        self._undated = 0

    @property
    def count(self) -> TimingCount:
        return TimingCount(decided=self._decided, reproduced=self._reproduced, undated=self._undated)

    async def check(self, cases: Mapping[str, Sequence[Row]]) -> None:
        """Checks the times of some cases.

        Args:
            cases: the bodies of the acts on each case, oldest first.
        """
        grounds: dict[str, list[_Ground]] = {}
        for row in await timed_from(self._record, list(cases)):
            grounds.setdefault(row.case, []).extend([each async for each in self._ground(row)])
        for case, acts in cases.items():
            for act in acts:
                # The check of the acts themselves names one that has lost its shape.
                if act.get("kind") == "work-proposed" and isinstance(act.get("detail"), dict):
                    self._check(case, act["detail"], grounds.get(case, []))

    async def _ground(self, row: TimedFrom) -> AsyncIterator[_Ground]:
        """Nothing, if a text is not as judging wrote it: the check of the verdict says so."""
        try:
            body = orjson.loads(row.verdict)
            policy, number = self._names[body["version"]]
            context = (await self._record.some_contexts([str(body["context"])]))[body["context"]]
            yield _Ground(
                recorded_verdict(body, policy, number),
                TimedFault.of(Anomaly.model_validate_json(row.anomaly or "")),
                Context.model_validate_json(context),
            )
        except (ValueError, KeyError, TypeError):
            return

    def _check(self, case: str, told: Row, grounds: Sequence[_Ground]) -> None:
        self._decided += 1
        where = f"case {case}"
        try:
            decision = UrgencyDecision.model_validate(told["urgency"])
            production = ProductionContext.model_validate(told["production"]) if told["production"] else None
        except (ValidationError, KeyError) as error:
            self._findings.add("timing", where, f"the time of its work cannot be read: {type(error).__name__}")
            return
        if decision.decided_at is None or decision.fault is None:
            self._undated += 1
            return
        # A case may be raised between the reading of its verdict and that of its fault.
        pairs = [(ground, each.verdict) for ground in grounds if ground.fault == decision.fault for each in grounds]
        try:
            again = [
                self._judge.urgency(
                    verdict.digest,
                    verdict,
                    ground.fault,
                    ground.context,
                    production,
                    decision.decided_at,
                    decision.dependents,
                )
                for ground, verdict in pairs
            ]
        except (ArithmeticError, ValueError, MillwrightError) as error:
            # What a step of a case recorded can be decided again. An altered time or duration may have no answer.
            what = f"the time of its work cannot be decided again: {type(error).__name__}"
            self._findings.add("timing", where, what)
            return
        if canonical(decision) in [canonical(each) for each in again]:
            self._reproduced += 1
        elif not again:
            self._findings.add("timing", where, "no verdict that it rests on gives the fault that was timed")
        else:
            self._findings.add("timing", where, f"decided again it is {_differing(decision, again[-1])}")


def _differing(decision: UrgencyDecision, again: UrgencyDecision) -> str:
    stored, remade = orjson.loads(canonical(decision)), orjson.loads(canonical(again))
    names = [name for name in sorted({*stored, *remade}) if stored.get(name) != remade.get(name)]
    return ", ".join(
        f"{name} {remade.get(name)} for {stored.get(name)}" if name != "prices" else "other prices" for name in names
    )
