"""Random situations and conditions, with a seed: situations that judging can get, and conditions that an author can
write."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from domain.anomaly import Anomaly, AnomalyKind, Quality, Risk
from domain.assets import Criticality
from domain.maintenance_history import MaintenanceHistory, WorkDone, WorkKind, newest
from domain.operating import MachineState, OperatingState
from domain.verdict import Context
from policies.engine.trial import Situation
from policies.language.variables import NEVER, Value, Variable
from tests.support.drafts import draft, rule

NOW = datetime(2026, 1, 10, tzinfo=UTC)
_CLASSES = ("pump", "pump", "motor", "conveyor", "press", "")
_TEXTS = ("", "pump", "A", "é", "it", "M-100", "\\", "\n", "\u2603")
_GAPS = (0, 0, 1, 60, 600, 3_600, 20_000, 86_400, 86_401, 200_000)
_DOUBLES = (0.0, 0.9, 0.1, 4.0, 3.9999999999999996, 1.0, 5.5, -1.0, 1e9, 1e308, -1e308, 5e-324, 30.0)
_INTEGERS = (0, 1, 2, 3, -1, 7, 2**53 + 1, 2**63 - 1, -(2**63), 2**62)


def random_situation(chance: random.Random) -> Situation:
    """One to nine events in event order, of every kind and quality, on an asset of any sort."""
    context = Context(
        asset=chance.choice(("a", "b", "M9")),
        asset_class=chance.choice(_CLASSES),
        criticality=chance.choice((Criticality.A, Criticality.B, *Criticality, None)),
        machine="m",
        line="L1",
        codes=chance.choice((0, 1, 1, 2, 3)),
    )
    at, events = NOW, []
    for _ in range(chance.randint(1, 9)):
        at += timedelta(seconds=chance.choice(_GAPS), microseconds=chance.choice((0, 0, 1)))
        events.append(_anomaly(chance, at))
    # Drawn by another generator, so that the events stay as they were before there was a history.
    history = random_history(random.Random(f"{context.asset} {at} {len(events)}"), at)
    read = {"operating": random_reading(chance, at), "maintenance": history}
    context = context.model_copy(update=read)
    return Situation(context=context, events=tuple(events))


def random_reading(chance: random.Random, at: datetime) -> OperatingState | None:
    """A reading of the machine around an instant: none, an old one, and one of later than that among them."""
    if chance.random() < 0.3:
        return None
    read_at = at - timedelta(minutes=chance.choice((-1, 0, 0, 3, 29, 30, 31, 600)))
    return OperatingState(
        state=chance.choice((MachineState.RUNNING, *MachineState)),
        word="said",
        read_at=read_at,
        since=chance.choice((None, read_at, read_at - timedelta(minutes=25), at)),
        mode=chance.choice((None, "automatic")),
        recipe=chance.choice((None, "R1")),
        speed=chance.choice((None, 0.0, 12.5)),
    )


def random_history(chance: random.Random, at: datetime) -> MaintenanceHistory | None:
    """The work on the asset around an instant: unknown, none, old work, and work of later than that among it."""
    if chance.random() < 0.3:
        return None
    work = [
        WorkDone(
            record=f"{number}",
            done_at=at - timedelta(hours=chance.choice((-2, 0, 1, 20, 24, 24 * 89, 24 * 90, 24 * 91, 24 * 300))),
            kind=chance.choice((WorkKind.CORRECTIVE, *WorkKind)),
            failure_mode=chance.choice((None, "VIB", "LOO")),
        )
        for number in range(chance.choice((0, 1, 2, 5)))
    ]
    read_at = at - timedelta(hours=chance.choice((-1, 0, 0, 3, 47, 48, 49)))
    return MaintenanceHistory(read_at=read_at, complete=chance.random() < 0.9, work=newest(work))


def _anomaly(chance: random.Random, at: datetime) -> Anomaly:
    lead = chance.choice((None, timedelta(hours=3)))
    return Anomaly(
        kind=chance.choice((AnomalyKind.DEVIATION, AnomalyKind.CODE, *AnomalyKind)),
        asset="a",
        failure_mode="VIB",
        at=at,
        detector=chance.choice(("d1", "d2", "d3")),
        signal=chance.choice((None, "volt")),
        value=chance.choice((None, 3.5)),
        baseline=chance.choice((None, 3.0)),
        score=chance.choice((None, 0.0, 3.0, 4.0, 4.5, 5.0, 6.5, 7.0)),
        confidence=chance.choice((None, 0.5, 0.8999999999999999, 0.9, 0.95, 1.0)),
        code=chance.choice((None, "e1", "e2", "e3")),
        risk=chance.choice((None, *Risk)),
        quality=chance.choice((Quality.GOOD, Quality.GOOD, Quality.GOOD, *Quality)),
        lead_low=lead,
        lead_high=lead,
    )


def random_value(chance: random.Random, variable: Variable) -> Value:
    """A value of a variable's type, the edges of the type among them."""
    match variable.type:
        case "BOOL":
            return chance.random() < 0.5
        case "INT":
            return chance.choice(_INTEGERS)
        case "DOUBLE":
            return chance.choice((*_DOUBLES, NEVER))
    return chance.choice(variable.words or _TEXTS)


_OWN = """\
    parameters: { least: 5.0 }
    calendars:
      - { id: night, zone: Europe/Berlin, hours: [{ days: [mon, fri, sat, sun], start: "20:00", end: "08:00" }] }
    states:
      - { id: shaking, says: It shakes., observe: "anomaly.kind == 'deviation'", raise_when: anomaly.score > 4.0,
          on_delay: PT1M }
      - { id: loud, says: It is loud., observe: "anomaly.kind == 'code'", raise_when: "anomaly.code == 'e1'",
          clear_when: "anomaly.code == 'e2'" }
    cohorts: [{ id: old, when: "asset.id == 'a' || asset.id.startsWith('M1')" }]
    overrides:
      - { for: { cohort: old }, because: They are worn., parameters: { least: 3.0 } }
    waivers:
      - { id: trial, for: { asset: M9 }, rules: [high], owner: Olaf, reason: A trial., until: 2026-03-01T00:00:00Z }
    """
OWN_NAMES = draft(
    rule("high", "anomaly.kind == 'deviation' && anomaly.score >= param.least && !calendar.night", "work_order"),
    rule("shaken", "state.shaking.raised && calendar.night", "inspect"),
    rule("steady", "operating.known && operating.steady_minutes >= 20.0", "draft"),
    rule("repaired", "maintenance.since_work_hours < 24.0 || maintenance.breakdowns >= 3", "inspect"),
    more=_OWN,
)
"""A policy with names of every sort that a policy can bring itself."""


class RandomConditions:
    """Conditions over some variables. CEL's types allow them, but their arithmetic may fail."""

    def __init__(self, chance: random.Random, variables: Mapping[str, Variable]) -> None:
        self._chance = chance
        self._names: dict[str, list[str]] = {"STRING": [], "INT": [], "DOUBLE": [], "BOOL": []}
        for name, variable in variables.items():
            if not variable.words:
                self._names[variable.type].append(name)

    def condition(self, depth: int = 3) -> str:
        """A condition of at most so many levels."""
        if depth == 0 or self._chance.random() < 0.2:
            return self._statement()
        left, right = self.condition(depth - 1), self.condition(depth - 1)
        return self._chance.choice((f"({left} && {right})", f"({left} || {right})", f"!({left})"))

    def _statement(self) -> str:
        kind = self._chance.choice(("INT", "DOUBLE", "STRING", "BOOL"))
        if kind == "BOOL":
            return self._chance.choice(("true", "false", *self._names["BOOL"]))
        left, right = self._of(kind), self._of(kind)
        if kind == "STRING":
            method = self._chance.choice(("startsWith", "endsWith", "contains"))
            name, text = self._chance.choice(self._names["STRING"]), self._literal("STRING")
            asked = (f"{left} == {right}", f"{left} != {right}", f"{name}.{method}({text})")
            return self._chance.choice((*asked, f"{left} in [{right}, {text}]"))
        if self._chance.random() < 0.15:
            return f"{left} in [{right}, {self._literal(kind)}]"
        return f"{left} {self._chance.choice(('==', '!=', '<', '<=', '>', '>='))} {right}"

    def _of(self, kind: str, depth: int = 1) -> str:
        if kind == "STRING" or depth < 0 or self._chance.random() < 0.5:
            return self._chance.choice((self._literal(kind), *self._names[kind][:6]))
        if kind == "DOUBLE" and self._chance.random() < 0.3:
            return f"double({self._of('INT', depth - 1)})"
        inner = self._of(kind, depth - 1)
        if self._chance.random() < 0.15:
            return f"-({inner})"
        return f"({inner} {self._chance.choice('+-*/')} {self._of(kind, depth - 1)})"

    def _literal(self, kind: str) -> str:
        match kind:
            case "INT":
                return str(self._chance.choice((0, 1, 2, 3, 2**63 - 1)))
            case "DOUBLE":
                return self._chance.choice(("0.0", "0.1", "0.9", "4.0", "30.0", "123456789.125"))
        return self._chance.choice(("''", "'pump'", "'A'", "'p'", "'é'", "'M-'", "'\u2603'"))
