"""The summary of a run, with figures from our storage and from the plant's own systems."""

import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from domain.freshness import BlindSpell
from domain.model import Model, Moment
from domain.verdict import Rung
from millwright.audit.report import Report
from millwright.backtesting.failures import read_failures
from millwright.backtesting.standing import score_standing
from millwright.demo.agreement import Agreement
from millwright.explaining.flooding import FloodFigures
from millwright.storage.policies.versions import StoredVersion
from millwright.storage.reporting.figures import Figures, Ordering
from millwright.storage.reporting.history import Component
from millwright.storage.reporting.missed_failures import MissedFailures
from policies.evaluation.scoring import FailureRegister, Period, VersionScore
from policies.evaluation.timing_costs import TimingCosts
from policies.statistics.alert_quality import PrecisionBounds, ShownShare
from policies.statistics.intervals import Median

_FOR_EVER = "9999"
"""Later than every time in the plant's files, which are ISO 8601."""


class Played(Model):
    """The times of the first and the last reading: the period over which versions are scored."""

    first: Moment
    last: Moment


class PlantCount(Model):
    """The records of the plant's own systems, counted from their exported files."""

    work_orders: int
    doubled_orders: int
    holds: int
    doubled_holds: int
    open_holds: int


class QualityLine(Model):
    """The quality of the alerts of the version in force, by what the work found and by the plant's failures.

    Args:
        undetermined: how many false alerts have no stage that caused them.
        false_alerts: of how many, with those that people rejected.
    """

    right: int
    wrong: int
    precision: ShownShare
    bounds: PrecisionBounds
    recall: ShownShare | None
    lead_hours: Median
    crew_hours: float
    undetermined: int
    false_alerts: int


class Summary(Model):
    """The figures of a run, as in `summary.json`."""

    data: str
    systems: dict[str, str] = {}
    """The connectors to the plant's `cmms` and `mes`; empty in the files of earlier builds."""
    period: Played
    seconds: float
    events: dict[str, int]
    verdicts: dict[str, int]
    rungs: dict[str, dict[str, int]]
    cases: dict[str, int]
    work_orders: dict[str, int]
    reviewed: dict[str, int] = {}
    """The orders that waited for the planner, by what became of them; empty in the files of earlier builds."""
    holds: dict[str, int]
    write_backs: int = 0
    """Of the events that are not an anomaly, the notifications of our own patches of twins."""
    outcomes: dict[str, int]
    labels: dict[str, int]
    suppressed: dict[str, int]
    sensors: dict[str, int] = {}
    """The suspected sensors, their masks and repairs; empty in the files of earlier builds."""
    policies: dict[str, VersionScore]
    floods: FloodFigures
    timing: TimingCosts | None = None
    """The times for the work by the prices of a draft; None in the files of earlier builds."""
    missed: MissedFailures | None = None
    """The failures that people saw, by the orders of the CMMS; None in the files of earlier builds."""
    learned: Agreement | None = None
    """Whether twin, label and ledger agree; None in the files of earlier builds."""
    quality: QualityLine | None = None
    """The quality of the alerts; None in the files of earlier builds."""
    ledger: dict[str, int | bool]
    plant: PlantCount
    blind: tuple[str, ...] = ()
    """What was blind in the period, since when and until when; empty in the files of earlier builds."""
    findings: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Writes the figures beside the run."""
        path.write_text(self.model_dump_json(indent=2) + "\n")

    @property
    def problems(self) -> tuple[str, ...]:
        """The problems of the run; empty after a good run."""
        wrong = [
            (self.work_orders["doubled"] or self.plant.doubled_orders, "the CMMS holds two orders for one case"),
            (self.holds["left_open"] or self.plant.open_holds, "a hold was left open"),
            (self.plant.doubled_holds, "the MES holds two holds on one machine, or one job twice"),
            (self.work_orders["created"] != self.plant.work_orders, "the CMMS counts other orders than we do"),
            # A hold that was found after a crash is never counted as ours; the MES counts it.
            (
                self.holds["placements"] + self.holds["unproven"] + self.holds["walk_downs"] != self.plant.holds,
                "the MES counts other holds than we do",
            ),
            (self.events["undecided"], "an event is without a fate"),
            (self.learned and self.learned.differ, "twin, label and ledger of a closed case differ"),
            (not self.ledger["verified"], "the ledger does not verify"),
            (self.verdicts["stored"] != self.verdicts["reproduced"], "a verdict could not be reproduced"),
        ]
        return (*(words for bad, words in wrong if bad), *self.findings)


async def score(
    sandbox: str,
    plant: Path,
    orderings: list[Ordering],
    versions: list[StoredVersion],
    components: list[Component],
) -> tuple[Played, dict[str, VersionScore], tuple[str, ...]]:
    """Scores each version's ordering verdicts by the plant's failures.

    The plant also computes the scores independently.

    Args:
        sandbox: the address of its control API.
        plant: the directory of its export.

    Returns:
        The period, the figures by version, and the differences to the plant's own count.
    """
    ordering = [
        {"version": order.version, "machine": order.machine, "component": order.component, "time": order.at.isoformat()}
        for order in orderings
    ]
    async with httpx.AsyncClient(timeout=60) as client:
        state = (await client.get(f"{sandbox}/state")).raise_for_status().json()
        counted = (await client.post(f"{sandbox}/score", json={"ordering": ordering})).raise_for_status().json()
    played = Played(first=state["first"], last=state["last"])
    register = FailureRegister(read_failures(plant / "failures.csv", components), Period(played.first, played.last))
    ours = score_standing(
        orderings, versions, register, {component.id: component.asset_class for component in components}
    )
    theirs = {version: VersionScore.model_validate(figures) for version, figures in counted.items()}
    findings = tuple(
        f"the plant scores {version} otherwise than we do"
        for version in sorted({*ours, *theirs})
        if ours.get(version) != theirs.get(version)
    )
    return played, ours, findings


async def export_plant(sandbox: str) -> None:
    """Makes the plant export the records of its CMMS, MES and twin service."""
    async with httpx.AsyncClient(timeout=60) as client:
        (await client.post(f"{sandbox}/export")).raise_for_status()


def count_plant(directory: Path) -> PlantCount:
    """Counts the plant's own files: our orders and placements of holds, and duplicates of them."""
    # An order without a key is one that people made.
    orders = [order for order in _rows(directory / "work_orders.jsonl") if order["key"]]
    holds = _rows(directory / "holds.jsonl")
    return PlantCount(
        work_orders=len(orders),
        doubled_orders=_doubled(orders, "key"),
        holds=len(holds),
        doubled_holds=_doubled(holds, "key", "job") + _side_by_side(holds),
        open_holds=sum(1 for hold in holds if hold["released"] is None),
    )


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines() if line]


def _doubled(rows: list[dict[str, Any]], *names: str) -> int:
    keys = [tuple(row[name] for name in names) for row in rows]
    return len(keys) - len(set(keys))


def _side_by_side(holds: list[dict[str, Any]]) -> int:
    """How many holds with different keys were on one machine at the same time."""
    pairs = itertools.combinations(holds, 2)
    return sum(
        first["machine"] == other["machine"]
        and first["key"] != other["key"]
        and first["placed"] < (other["released"] or _FOR_EVER)
        and other["placed"] < (first["released"] or _FOR_EVER)
        for first, other in pairs
    )


def summarise(
    *,
    data: str,
    systems: dict[str, str],
    started: float,
    figures: Figures,
    report: Report,
    period: Played,
    policies: dict[str, VersionScore],
    plant: PlantCount,
    findings: tuple[str, ...],
    flooding: FloodFigures,
    timing: TimingCosts,
    missed: MissedFailures,
    learned: Agreement,
    blind: Sequence[BlindSpell],
    quality: QualityLine,
) -> Summary:
    """Puts the figures of a run together.

    Args:
        started: `time.monotonic()` when the run began.
    """
    return Summary(
        data=data,
        systems=systems,
        period=period,
        seconds=round(time.monotonic() - started, 1),
        events=figures.events,
        verdicts={"stored": report.verdicts.stored, "reproduced": report.verdicts.reproduced},
        rungs={
            version: {Rung(rung).word: count for rung, count in sorted(counts.items())}
            for version, counts in figures.rungs.items()
        },
        cases=figures.cases,
        work_orders=figures.work_orders | {"doubled": plant.doubled_orders},
        reviewed=figures.reviewed,
        holds=figures.holds,
        write_backs=figures.write_backs,
        outcomes=figures.outcomes,
        labels=figures.labels,
        suppressed=figures.suppressed,
        sensors=figures.sensors,
        policies=policies,
        floods=flooding,
        timing=timing,
        missed=missed,
        learned=learned,
        quality=quality,
        ledger={"rows": report.rows, "verified": report.verified},
        plant=plant,
        blind=tuple(each.words for each in blind if each.asset is not None and each.began_at <= period.last),
        findings=(
            *findings,
            *(f"{finding.kind} at {finding.where}: {finding.what}" for finding in report.findings[:20]),
        ),
    )
