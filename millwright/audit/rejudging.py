"""Judges verdicts again from the stored anomaly, context, memory and version, with the same judging function."""

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeVar

import orjson
from pydantic import ValidationError

from domain.anomaly import Anomaly
from domain.canonical import canonical, sha256
from domain.judging import Assignment, Judged, LineEvent, Role
from domain.model import Model
from domain.ports import Judge
from domain.verdict import Context, Memory
from millwright.audit.engines import Engines
from millwright.audit.last_memories import LastMemories, LeftMemory
from millwright.audit.offline_in_force import InForce
from millwright.audit.offline_maintenance import WorkThen
from millwright.audit.offline_operating import MachinesThen
from millwright.audit.offline_register import AssetsThen
from millwright.audit.offline_signatures import UNREADABLE
from millwright.audit.report import Findings
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import VerdictRow

_KEPT_CONTEXTS = 20_000
_KEPT_ANOMALIES = 2_000
_UNUSED = timedelta(0)
_INPUTS = {"anomaly", "event", "version", "role", "revision", "aside"}

Body = dict[str, object]
ModelT = TypeVar("ModelT", bound=Model)


class Rejudging:
    """Judges again, in the original order.

    Args:
        record: the record, for memories that are not kept.
        judge: the judging function, with the stored versions whose texts are the published ones.
        versions: their digests.
        findings: collects the findings.
        engines: gives the engine of the checked verdict.
        in_force: gives the versions in force, from all acts before the checked verdict; None skips this check.
        assets: gives what verdicts were to be told of their assets, from all acts before the checked verdict; None
            skips this check.
        machines: gives what verdicts were to be told of their machines, likewise; None skips this check.
        memories: what all verdicts before the checked one left; None if not every verdict is checked.
    """

    def __init__(
        self,
        record: Record,
        judge: Judge,
        versions: frozenset[str],
        findings: Findings,
        engines: Engines,
        in_force: InForce | None = None,
        assets: AssetsThen | None = None,
        memories: LastMemories | None = None,
        machines: MachinesThen | None = None,
        work: WorkThen | None = None,
    ) -> None:
        self.engines = engines
        self._in_force = in_force
        self._record = record
        self._judge = judge
        self._versions = versions
        self._findings = findings
        self._assets = assets
        self._machines = machines
        self._work = work
        self._memories = memories
        self._contexts: OrderedDict[str, Context | None] = OrderedDict()
        self._anomalies: dict[str, Anomaly] = {}
        self.stored = 0
        self.reproduced = 0

    async def check(self, row: VerdictRow, recorded_at: str | None = None) -> str | None:
        """Checks a verdict's text and columns, and judges it again.

        Args:
            recorded_at: the time of its ledger row, in the format of the record; None if it is missing or not needed.

        Returns:
            The digest of the new verdict; None if it could not be judged again.
        """
        self.stored += 1
        self.engines.stored()
        where = name_of(row)
        if sha256(row.body.encode()) != row.digest:
            self._findings.add("verdict-digest", where, "its text was altered")
        try:
            body: Body = orjson.loads(row.body)
            judged_at = datetime.fromisoformat(str(body["judged_at"]))
            inputs = str(body["before"]), str(body["context"]), str(body["anomaly"])
        except (ValueError, KeyError, TypeError) as error:
            self._findings.add("unreadable", where, f"its text is no verdict: {error!r}")
            return None
        known = self._findings.found
        self._check_memory(row, body, where)
        event = self._event(row, inputs[2], where)
        context = await self._context(inputs[1])
        if context is None:
            self._findings.add(
                "verdict-context", where, f"the context {inputs[1][:12]} that it was given in was altered or removed"
            )
        self._check_standing(body, context, recorded_at, where)
        if self._assets is not None and context is not None:
            fault = self._assets.fault(row.asset, context.model_dump(mode="json"), row.ledger_seq)
            if fault is not None:
                self._findings.add("verdict-context", where, fault)
        if context is not None:
            for fault in self._read_faults(row, context):
                self._findings.add("verdict-context", where, fault)
        if row.version not in self._versions:
            self._findings.add(
                "verdict-version", where, f"policy version {row.version[:12]} is not stored as it was published"
            )
        before = await self._state(row, inputs[0])
        if before is None:
            words = "the memory that it began with is not the one that the last verdict before it left"
            self._findings.add("verdict-memory", where, words)
        if event is None or context is None or before is None or row.version not in self._versions:
            self._keep_stored_memory(row, body)
            return None
        verdict, memory = self._judge.judge(row.version, before, event.anomaly, context)
        text = canonical(memory)
        role: Role = "active" if body.get("role") == "active" else "shadow"
        after = sha256(text)
        again = Judged(
            event,
            Assignment(row.version, role, _UNUSED, _UNUSED),
            row.revision,
            verdict,
            inputs[1],
            inputs[0],
            text,
            after,
            judged_at,
            too_late=row.memory == "",
        ).record()
        if again != row.body.encode():
            self._tell_difference(body, orjson.loads(again), where)
        for name, stored in (("rung", row.rung), ("role", row.role)):
            if stored != body.get(name):
                self._findings.add("verdict-columns", where, f"{name} beside the hashed text was altered")
        if self._findings.found == known:
            self.reproduced += 1
            self.engines.reproduced()
        if after == body.get("after") and row.memory:
            self._keep(row, LeftMemory(after, memory))
        else:
            self._keep_stored_memory(row, body)
        return sha256(again)

    def _read_faults(self, row: VerdictRow, context: Context) -> Iterator[str]:
        """What is wrong with what a verdict was told of its machine and of the work on its asset."""
        inputs = self._judge.read_inputs(row.version) if row.version in self._versions else None
        if self._machines is not None:
            told = None if context.operating is None else context.operating.model_dump(mode="json")
            uses = None if inputs is None else inputs.operating
            fault = self._machines.fault(context.machine, told, row.at, row.ledger_seq, uses=uses)
            if fault is not None:
                yield fault
        if self._work is not None:
            done = None if context.maintenance is None else orjson.loads(canonical(context.maintenance))
            uses = None if inputs is None else inputs.maintenance
            fault = self._work.fault(context.asset, done, row.at, row.ledger_seq, uses=uses)
            if fault is not None:
                yield fault

    def _tell_difference(self, stored: Body, again: Body, where: str) -> None:
        differing = [name for name in sorted(stored.keys() | again.keys()) if stored.get(name) != again.get(name)]
        inputs = [name for name in differing if name in _INPUTS - {"anomaly"}]
        results = [name for name in differing if name not in _INPUTS]
        if inputs:
            self._findings.add("verdict-columns", where, f"{', '.join(inputs)} beside the hashed text was altered")
        if results:
            told = ", ".join(f"{name} {again.get(name)} for {stored.get(name)}" for name in results)
            self._findings.add("verdict-differs", where, f"judged again it is {told}{self.engines.words}")

    def _check_standing(self, body: Body, context: Context | None, recorded_at: str | None, where: str) -> None:
        if self._in_force is None:
            return
        stood = None if context is None else (context.asset, context.machine, context.asset_class, context.line)
        told = str(body.get("version")), str(body.get("role")), str(body["judged_at"])
        try:
            fault = self._in_force.fault(*told, stood, recorded_at)
        except UNREADABLE as error:
            fault = f"cannot be held against what was in force: {type(error).__name__}: {error}"
        if fault is not None:
            self._findings.add("verdict-assignment", where, fault)

    def _check_memory(self, row: VerdictRow, body: Body, where: str) -> None:
        if (row.memory == "") != body.get("aside"):
            self._findings.add("verdict-memory", where, "the memory that it left behind is missing")
        elif row.memory and sha256(row.memory.encode()) != body.get("after"):
            self._findings.add("verdict-memory", where, "the memory that it left behind was altered")

    def _event(self, row: VerdictRow, digest: str, where: str) -> LineEvent | None:
        if row.anomaly is None or row.source is None or row.external_id is None:
            self._findings.add("verdict-event", where, "the event is gone")
            return None
        found = sha256(row.anomaly.encode())
        if found != digest:
            self._findings.add("verdict-event", where, "the anomaly that it judged was altered")
        anomaly = self._anomaly(row.anomaly, found, where)
        if anomaly is None:
            return None
        if anomaly.wrongly_checked:
            self._findings.add("verdict-event", where, "the checks of its reading, made again, say something else")
        told = (anomaly.asset, anomaly.failure_mode, anomaly.at)
        own = (row.asset, row.failure_mode, row.at)
        its = (row.event_asset, row.event_failure_mode, row.event_at)
        # The part of a position after time and kind only breaks ties, and may differ after an event is read again.
        placed = row.position.startswith(anomaly.order(row.natural_key or ""))
        if not own == its == told or row.position != row.event_position or not placed:
            self._findings.add(
                "verdict-columns", where, "asset, failure mode, position or time differs from the anomaly's"
            )
        return LineEvent(
            row.event_id,
            row.source,
            row.external_id,
            anomaly.asset,
            anomaly.failure_mode,
            row.position,
            anomaly.at,
            anomaly,
            found,
        )

    def _anomaly(self, text: str, digest: str, where: str) -> Anomaly | None:
        anomaly = self._anomalies.get(digest)
        if anomaly is None:
            anomaly = _read(Anomaly, text)
            if anomaly is None:
                self._findings.add("verdict-event", where, "the anomaly that it judged cannot be read")
                return None
            if len(self._anomalies) >= _KEPT_ANOMALIES:
                self._anomalies.clear()
            self._anomalies[digest] = anomaly
        return anomaly

    async def _context(self, digest: str) -> Context | None:
        if digest in self._contexts:
            self._contexts.move_to_end(digest)
            return self._contexts[digest]
        text = (await self._record.some_contexts([digest])).get(digest, "")
        context = _read(Context, text) if sha256(text.encode()) == digest else None
        self._contexts[digest] = context
        if len(self._contexts) > _KEPT_CONTEXTS:
            self._contexts.popitem(last=False)
        return context

    async def _state(self, row: VerdictRow, digest: str) -> Memory | None:
        """The memory that a verdict began with, if it is the one that the last verdict before it had left."""
        known = self._memories.before(row) if self._memories is not None else None
        if known is not None:
            return known.memory if known.digest == digest else None
        text = await self._record.state_before(row, digest)
        return None if text is None else _read(Memory, text)

    def _keep_stored_memory(self, row: VerdictRow, body: Body) -> None:
        """Continues with the stored memory, so that only the altered verdict is named and not those after it."""
        digest = sha256(row.memory.encode())
        memory = _read(Memory, row.memory) if row.memory and digest == body.get("after") else None
        if row.memory:
            self._keep(row, None if memory is None else LeftMemory(digest, memory))

    def _keep(self, row: VerdictRow, left: LeftMemory | None) -> None:
        if self._memories is not None:
            self._memories.keep(row, left)


def _read(shape: type[ModelT], text: str) -> ModelT | None:
    try:
        return shape.model_validate_json(text)
    except ValidationError:
        return None


def name_of(row: VerdictRow) -> str:
    """The name of a verdict in findings."""
    event = f"{row.source}|{row.external_id}" if row.source is not None else f"number {row.event_id}"
    return f"verdict {row.id} on event {event}"


def leaves_of(rows: list[VerdictRow]) -> Iterator[tuple[int, str, str]]:
    """Place, present digest, and name of verdicts."""
    for row in rows:
        yield row.leaf, sha256(row.body.encode()), f"verdict {row.id}"
