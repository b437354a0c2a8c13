"""Explains a verdict: judges it again from its stored inputs, and lists the rules before the deciding one."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import orjson

from domain.anomaly import Anomaly
from domain.canonical import canonical, sha256
from domain.counterfactuals import Counterfactuals
from domain.errors import PolicyRejected
from domain.model import Model, Moment
from domain.verdict import Context, Explanation, Memory, RuleTrace, Rung
from millwright.explaining.words import Tested, worded
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import SignatureRow, VerdictRow, VersionRow
from policies.engine.catalogue import Catalogue
from policies.language.schema import APPLIES_TO, BAD_QUALITY

Remade = Literal["equal", "different", "impossible"]


class Missed(Model):
    """A rule that was evaluated and did not decide, with its false statements, or its whole condition if none was
    false."""

    rule: str
    because: str
    tests: tuple[Tested, ...]
    error: str | None


class Signed(Model):
    """Who approved or assigned a version, and when."""

    act: str
    person: str
    meaning: str
    at: Moment


class Decision(Model):
    """The verdict of one policy version on an event, with reasons.

    `standing` is false if a later revision replaced it. `aside` marks an event that arrived later than the policy's
    lateness. `because`, `response`, `tests` and `missed` are those of the verdict judged again, and empty if that was
    not possible. `changes` are the smallest changes of its inputs, only for the newest revision.
    """

    verdict: int
    policy: str
    version: str
    digest: str
    role: str
    revision: int
    standing: bool
    aside: bool
    judged_at: Moment
    rule: str
    rung: str
    severity: str
    priority: int
    because: str
    response: str
    tests: tuple[Tested, ...]
    missed: tuple[Missed, ...]
    values: dict[str, str]
    changes: Counterfactuals | None
    author: str
    signed: tuple[Signed, ...]
    remade: Remade
    note: str | None

    @property
    def acts(self) -> bool:
        """Whether this verdict decides: the newest one of the active version."""
        return self.role == "active" and self.standing and not self.aside


class _Again(NamedTuple):
    """A verdict judged again, as far as possible."""

    remade: Remade
    note: str | None
    explanation: Explanation | None = None
    changes: Counterfactuals | None = None


class Explainer:
    """Explains verdicts from one snapshot of the record.

    Args:
        record: the snapshot.
        catalogue: the compiled versions.
    """

    def __init__(self, record: Record, catalogue: Catalogue) -> None:
        self._record = record
        self._catalogue = catalogue
        self._versions: dict[str, VersionRow] = {}
        self._signatures: Sequence[SignatureRow] = ()

    async def decisions(self, event: int) -> tuple[Decision, ...]:
        """Every verdict on an event, the active version's first, each version's newest first."""
        self._versions = {version.digest: version for version in await self._record.versions()}
        self._signatures = await self._record.signatures()
        rows = await self._record.verdicts_on(event)
        newest = {row.version: row.revision for row in rows}
        made = [await self._decision(row, standing=row.revision == newest[row.version]) for row in rows]
        return tuple(sorted(made, key=lambda decision: (decision.role, decision.version, -decision.revision)))

    async def _decision(self, row: VerdictRow, *, standing: bool) -> Decision:
        body: dict[str, object] = orjson.loads(row.body)
        version = self._versions.get(row.version)
        again = await self._again(row, body, version, standing=standing)
        explanation = again.explanation
        traces = explanation.traces if explanation else ()
        return Decision(
            verdict=row.id,
            policy=version.policy if version else "unknown",
            version=version.version if version else row.version[:12],
            digest=row.version,
            role=row.role,
            revision=row.revision,
            standing=standing,
            aside=row.memory == "",
            judged_at=datetime.fromisoformat(str(body["judged_at"])),
            rule=str(body["rule"]),
            rung=Rung(row.rung).word,
            severity=str(body["severity"]),
            priority=int(str(body["priority"])),
            because=explanation.because if explanation else "",
            response=explanation.response if explanation else "",
            tests=tuple(worded(comparison) for trace in traces if trace.matched for comparison in trace.comparisons),
            missed=tuple(missed(trace) for trace in traces if tells(trace)),
            values=explanation.values if explanation else {},
            changes=again.changes,
            author=version.author if version else "unknown",
            signed=self._signed(row.version),
            remade=again.remade,
            note=again.note,
        )

    async def _again(
        self, row: VerdictRow, body: dict[str, object], version: VersionRow | None, *, standing: bool
    ) -> _Again:
        if version is None:
            return _Again("impossible", "its policy version is not stored")
        try:
            name = f"{version.policy} {version.version}"
            await asyncio.to_thread(self._catalogue.load, version.document, row.version, file=name)
        except PolicyRejected as error:
            return _Again("impossible", str(error))
        context = (await self._record.some_contexts([str(body["context"])])).get(str(body["context"]))
        before = await self._before(row, str(body["before"]))
        if row.anomaly is None or context is None or before is None:
            return _Again("impossible", "one of its inputs is gone; `audit verify` names it")
        anomaly, told = Anomaly.model_validate_json(row.anomaly), Context.model_validate_json(context)
        explanation = self._catalogue.explain(row.version, before, anomaly, told)
        verdict, after = self._catalogue.judge(row.version, before, anomaly, told)
        now = {
            "rule": verdict.rule,
            "rung": int(verdict.rung),
            "severity": verdict.severity.value,
            "priority": verdict.priority,
            "review": verdict.review,
            "after": sha256(canonical(after)),
            "anomaly": sha256(row.anomaly.encode()),
            "context": sha256(context.encode()),
        }
        differing = [name for name, value in now.items() if body.get(name) != value]
        if differing:
            note = f"{', '.join(differing)} came out otherwise; see `audit verify`"
            return _Again("different", note, explanation)
        changes = self._catalogue.counterfactuals(row.version, before, anomaly, told) if standing else None
        return _Again("equal", None, explanation, changes)

    async def _before(self, row: VerdictRow, digest: str) -> Memory | None:
        text = await self._record.state_before(row, digest)
        return None if text is None else Memory.model_validate_json(text)

    def _signed(self, digest: str) -> tuple[Signed, ...]:
        return tuple(
            Signed(act=signature.act, person=signature.person, meaning=signature.meaning, at=signature.at)
            for signature in self._signatures
            if signature.digest == digest
        )


def tells(trace: RuleTrace) -> bool:
    """Whether a rule that did not decide is listed; the two guards are not."""
    return not trace.matched and trace.rule not in (APPLIES_TO, BAD_QUALITY)


def missed(trace: RuleTrace) -> Missed:
    failed = [comparison for comparison in trace.comparisons if not comparison.held]
    return Missed(
        rule=trace.rule,
        because=trace.because,
        tests=tuple(worded(comparison) for comparison in failed or trace.comparisons),
        error=trace.error,
    )
