"""How many anomalies one core judges in a second with the published policies, compared with CEL alone.

Run as `python -m benchmarks.judge`. Each run judges the same mixed stream of anomalies on 200 assets, with memory. The
figures are from several runs, so that load of the machine shows as spread.
"""

import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from benchmarks.rig.machine import here
from domain.anomaly import Anomaly, AnomalyKind, Risk
from domain.assets import Criticality
from domain.verdict import Context, Memory
from policies.engine.catalogue import Catalogue
from policies.engine.judging import CompiledPolicy, judge, look

ANOMALIES = 20_000
RUNS = 9
ASSETS = 200
_START = datetime(2026, 1, 1, tzinfo=UTC)


def stream() -> list[tuple[Anomaly, Context]]:
    """The same anomalies every time: six deviations in ten, two codes, two risks."""
    chance = random.Random(7)
    contexts = [
        Context(
            asset=f"m{number}/comp2",
            asset_class=chance.choice(["pump", "motor", "cnc", "conveyor"]),
            criticality=chance.choice(list(Criticality)),
            machine=f"m{number}",
            line=f"LINE-{number % 3}",
            codes=2,
        )
        for number in range(ASSETS)
    ]
    kinds = [AnomalyKind.DEVIATION] * 6 + [AnomalyKind.CODE] * 2 + [AnomalyKind.RISK] * 2
    anomalies = []
    for number in range(ANOMALIES):
        context, kind = chance.choice(contexts), chance.choice(kinds)
        anomaly = Anomaly(
            kind=kind,
            asset=context.asset,
            failure_mode="LOO",
            at=_START + timedelta(minutes=number),
            detector="DetectAnomalies" if kind is AnomalyKind.DEVIATION else kind.value,
            score=chance.uniform(3, 12) if kind is AnomalyKind.DEVIATION else None,
            code=chance.choice(["error2", "error3"]) if kind is AnomalyKind.CODE else None,
            risk=chance.choice(list(Risk)) if kind is AnomalyKind.RISK else None,
        )
        anomalies.append((anomaly, context))
    return anomalies


def rate(work: Callable[[], None], number: int) -> tuple[float, float, float]:
    """Median, minimum and maximum operations a second over the runs."""
    rates = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        rates.append(number / (time.perf_counter() - began))
    return statistics.median(rates), min(rates), max(rates)


def judging(policy: CompiledPolicy, anomalies: list[tuple[Anomaly, Context]]) -> Callable[[], None]:
    def work() -> None:
        memories: dict[str, Memory] = {}
        empty = Memory()
        for anomaly, context in anomalies:
            _, memories[anomaly.asset] = judge(policy, memories.get(anomaly.asset, empty), anomaly, context)

    return work


def asking(policy: CompiledPolicy, anomalies: list[tuple[Anomaly, Context]], each: bool) -> Callable[[], None]:
    empty = Memory()
    asked = [look(policy, empty, anomaly, context)[1] for anomaly, context in anomalies]
    first = policy.chain.first_of_each if each else policy.chain.first

    def work() -> None:
        for values in asked:
            first(values)

    return work


def main() -> None:
    names = ("cel-expr-python", "pydantic")
    print(*here(*names), f"{RUNS} runs of {ANOMALIES}, one core", sep="\n")
    anomalies = stream()
    for policy in Catalogue.published().versions:
        name = f"{policy.document.policy} {policy.document.version}"
        for label, work in (
            ("judge", judging(policy, anomalies)),
            ("CEL alone, all rules in one call", asking(policy, anomalies, each=False)),
            ("CEL alone, rule by rule", asking(policy, anomalies, each=True)),
        ):
            median, least, most = rate(work, ANOMALIES)
            print(f"{name}: {label}: {median:,.0f} a second ({least:,.0f} to {most:,.0f})")


if __name__ == "__main__":
    main()
