"""What a run came to, in figures that were asked of storage and of the plant, each of its own system."""

import json
import time
from pathlib import Path
from typing import Any

import httpx

from domain.model import Model
from domain.verdict import Rung
from millwright.audit.report import Report
from millwright.storage.figures import Figures, Ordering


class ScoreLine(Model):
    """What a policy version's ordering verdicts were worth; a share of nothing is None."""

    precision: float | None
    recall: float | None
    median_lead_hours: float | None
    orders: int
    right: int
    failures: int
    caught: int


class VersionScore(ScoreLine):
    """A version's figures over the plant and by asset class."""

    by_class: dict[str, ScoreLine]


class PlantCount(Model):
    """What the plant's own systems hold, counted from the files they wrote."""

    work_orders: int
    doubled_orders: int
    holds: int
    doubled_holds: int
    open_holds: int


class Summary(Model):
    """The figures of a run, as `summary.json` carries them."""

    data: str
    seconds: float
    events: dict[str, int]
    verdicts: dict[str, int]
    rungs: dict[str, dict[str, int]]
    cases: dict[str, int]
    work_orders: dict[str, int]
    holds: dict[str, int]
    outcomes: dict[str, int]
    labels: dict[str, int]
    policies: dict[str, VersionScore]
    ledger: dict[str, int | bool]
    plant: PlantCount
    findings: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Writes the figures beside the run."""
        path.write_text(self.model_dump_json(indent=2) + "\n")

    @property
    def problems(self) -> tuple[str, ...]:
        """What an engineer must look at before believing the run; empty after a good one."""
        wrong = [
            (self.work_orders["doubled"] or self.plant.doubled_orders, "the CMMS holds two orders for one case"),
            (self.holds["left_open"] or self.plant.open_holds, "a hold was left open"),
            (self.plant.doubled_holds, "the MES holds two holds for one case"),
            (self.work_orders["created"] != self.plant.work_orders, "the CMMS counts other orders than we do"),
            # One found held after a crash is shown to a person and never called ours; the MES counts it all the same.
            (
                self.holds["placed"] + self.holds["unproven"] != self.plant.holds,
                "the MES counts other holds than we do",
            ),
            (self.events["undecided"], "an event is without a fate"),
            (not self.ledger["verified"], "the ledger does not verify"),
            (self.verdicts["stored"] != self.verdicts["reproduced"], "a verdict could not be re-made"),
        ]
        return (*(words for bad, words in wrong if bad), *self.findings)


async def score(sandbox: str, orderings: list[Ordering]) -> dict[str, VersionScore]:
    """Has the plant, which alone knows the truth, judge the ordering verdicts of each version."""
    body = {
        "ordering": [
            {"version": one.version, "machine": one.machine, "component": one.component, "time": one.at.isoformat()}
            for one in orderings
        ]
    }
    async with httpx.AsyncClient(timeout=60) as client:
        reply = await client.post(f"{sandbox}/score", json=body)
        reply.raise_for_status()
        return {version: VersionScore.model_validate(figures) for version, figures in reply.json().items()}


async def export_plant(sandbox: str) -> None:
    """Has the plant write down what its CMMS, MES and twin service hold."""
    async with httpx.AsyncClient(timeout=60) as client:
        (await client.post(f"{sandbox}/export")).raise_for_status()


def count_plant(directory: Path) -> PlantCount:
    """Counts the plant's own files: orders of ours, holds of ours, and keys that stand on more than one."""
    orders = _rows(directory / "work_orders.jsonl")
    holds = _rows(directory / "holds.jsonl")
    return PlantCount(
        work_orders=len(orders),
        doubled_orders=_doubled(orders),
        holds=len(holds),
        doubled_holds=_doubled(holds),
        open_holds=sum(1 for hold in holds if hold["released"] is None),
    )


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines() if line]


def _doubled(rows: list[dict[str, Any]]) -> int:
    keys = [row["key"] for row in rows]
    return len(keys) - len(set(keys))


def summarise(
    *,
    data: str,
    started: float,
    figures: Figures,
    report: Report,
    policies: dict[str, VersionScore],
    plant: PlantCount,
) -> Summary:
    """Puts the figures of a run together.

    Args:
        started: `time.monotonic()` when the run began.
    """
    return Summary(
        data=data,
        seconds=round(time.monotonic() - started, 1),
        events=figures.events,
        verdicts={"stored": report.verdicts.stored, "reproduced": report.verdicts.reproduced},
        rungs={
            version: {Rung(rung).word: count for rung, count in sorted(counts.items())}
            for version, counts in figures.rungs.items()
        },
        cases=figures.cases,
        work_orders=figures.work_orders | {"doubled": plant.doubled_orders},
        holds=figures.holds,
        outcomes=figures.outcomes,
        labels=figures.labels,
        policies=policies,
        ledger={"rows": report.rows, "verified": report.verified},
        plant=plant,
        findings=tuple(f"{one.kind} at {one.where}: {one.what}" for one in report.findings[:20]),
    )
