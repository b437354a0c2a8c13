"""A seeded plant's anomalies and a version's verdicts on them, as stored. No update may change these records."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.anomaly import Anomaly, AnomalyKind, Quality, Risk
from domain.assets import Criticality
from domain.canonical import canonical
from domain.verdict import Context, Memory
from policies.engine.judging import CompiledPolicy, judge

GOLDEN = Path(__file__).parents[1] / "unit" / "golden"
WHOLE = 120
"""How many records are kept in full; of all records the digest is kept."""
_ANOMALIES = 6_000
_START = datetime(2026, 1, 1, tzinfo=UTC)
_KINDS = [*[AnomalyKind.DEVIATION] * 6, *[AnomalyKind.CODE] * 3, *[AnomalyKind.RISK] * 2, AnomalyKind.MANUAL]
_QUALITIES = [*[Quality.GOOD] * 8, Quality.UNCERTAIN, Quality.BAD]
_CRITICALITIES = [*Criticality, None]


def seen() -> Iterator[tuple[Anomaly, Context]]:
    """The same anomalies every time: of all kinds and qualities, mostly in order, some of them late."""
    chance = random.Random(20260101)
    contexts = [
        Context(
            asset=f"m{number}/comp2",
            asset_class=chance.choice(["pump", "motor", "cnc", "conveyor", "transformer"]),
            criticality=chance.choice(_CRITICALITIES),
            machine=f"m{number}",
            line=f"LINE-{number % 3}",
            codes=number % 3,
        )
        for number in range(12)
    ]
    for number in range(_ANOMALIES):
        context, kind = chance.choice(contexts), chance.choice(_KINDS)
        late = chance.choice([0, 0, 0, 0, 0, 0, 90, 3_000])
        yield (
            Anomaly(
                kind=kind,
                asset=context.asset,
                failure_mode="LOO",
                at=_START + timedelta(minutes=7 * number - late, microseconds=chance.choice([0, 250])),
                detector=f"detector-{chance.randrange(3)}",
                score=round(chance.uniform(2, 12), 3) if kind is AnomalyKind.DEVIATION else None,
                confidence=chance.choice([None, 0.5, 0.9, 1.0]),
                code=f"error{chance.randrange(4)}" if kind is AnomalyKind.CODE else None,
                risk=chance.choice(list(Risk)) if kind is AnomalyKind.RISK else None,
                quality=chance.choice(_QUALITIES),
            ),
            context,
        )


def records(policy: CompiledPolicy) -> Iterator[bytes]:
    """For each anomaly one line: the verdict and the memory after it, as they are stored.

    The version's digest is left out, because the document may be published again with additions.
    """
    memories: dict[str, Memory] = {}
    for anomaly, context in seen():
        verdict, memory = judge(policy, memories.get(anomaly.asset, Memory()), anomaly, context)
        memories[anomaly.asset] = memory
        told = canonical({name: value for name, value in verdict.__dict__.items() if name != "digest"})
        yield told + b" " + canonical(memory) + b" " + canonical(context)
