"""The display of a run: a progress bar, and the summary at the end."""

from datetime import UTC, datetime, timedelta

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from domain.missed_failures import Detection
from millwright.demo.conductor import Tick
from millwright.demo.summary import QualityLine, Summary
from millwright.explaining.timing_costs import timing_sentences
from policies.evaluation.scoring import ScoreLine
from policies.statistics.alert_quality import ShownShare

_BAR = 30
_SHARE_BAR = 5
_LINE_EVERY = timedelta(days=10)


class PlantProgress:
    """A progress bar in plant days.

    Args:
        console: the output.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said_at: datetime | None = None
        self.progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(_BAR),
            TextColumn("{task.fields[day]}"),
            TextColumn("{task.fields[published]} events"),
            TextColumn("{task.fields[orders]} orders open"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self.progress.add_task("Playing", total=None, day="", published=0, orders=0)

    def tell(self, tick: Tick) -> None:
        """Moves the bar."""
        self.progress.update(
            self._task,
            total=(tick.last - tick.first).total_seconds(),
            completed=min((tick.now - tick.first).total_seconds(), (tick.last - tick.first).total_seconds()),
            day=f"{tick.now.astimezone(UTC):%Y-%m-%d %H:%M}",
            published=tick.published,
            orders=tick.open_orders,
        )
        # Without a terminal, print a line at times.
        if not self._console.is_terminal and (self._said_at is None or tick.now - self._said_at >= _LINE_EVERY):
            self._said_at = tick.now
            self._console.print(
                f"{tick.now:%Y-%m-%d}: {tick.published} events published, {tick.open_orders} orders open"
            )


def summary_view(summary: Summary) -> RenderableType:
    """The summary as tables, for a planner and an engineer."""
    problems = summary.problems
    verdict = (
        Text("Every event has a fate, no order is doubled, no hold is open, every verdict was reproduced.", "green")
        if not problems
        else Text("Look at: " + "; ".join(problems), "bold red")
    )
    facts = Table.grid(padding=(0, 4))
    facts.add_row(
        _counts("Events received", summary.events, total="received"),
        _counts("Cases", summary.cases),
        _counts(_in("Work orders in the CMMS", summary.systems.get("cmms")), summary.work_orders),
    )
    facts.add_row(
        _counts("Outcomes", summary.outcomes),
        _counts(_in("Holds in the MES", summary.systems.get("mes")), summary.holds),
        _counts("Training labels", summary.labels),
    )
    record = Text(
        f"Ledger: {summary.ledger['rows']} rows, {'verified' if summary.ledger['verified'] else 'NOT VERIFIED'}.  "
        f"Verdicts: {summary.verdicts['stored']} stored, {summary.verdicts['reproduced']} reproduced.  "
        f"Alarm floods: {summary.floods.floods}, with {summary.floods.alarms_in_floods} of {summary.floods.alarms} "
        "alarms.  "
        f"{summary.seconds:.0f} s."
    )
    return Panel(
        Group(
            facts,
            *_reviewed(summary),
            *_sensors(summary),
            _rungs(summary),
            _scores(summary),
            *_quality(summary.quality),
            *_timing(summary),
            *_missed(summary),
            *_learned(summary),
            *_blind(summary),
            record,
            verdict,
        ),
        title=f"Millwright on {summary.data}",
    )


def _reviewed(summary: Summary) -> list[Text]:
    """How many orders waited for the planner, and what became of them."""
    if not summary.reviewed:
        return []
    waited, approved, not_done, waiting = (
        summary.reviewed[name] for name in ("waited", "approved", "not_done", "waiting")
    )
    became = f"{approved} approved, {not_done} cancelled, {waiting} still waiting"
    return [Text(f"{waited} orders waited in the CMMS for the planner: {became}.\n")]


def _sensors(summary: Summary) -> list[Text]:
    """What became of the sensors whose readings failed a check."""
    if not summary.sensors:
        return []
    told = summary.sensors
    return [
        Text(
            f"{told['cases']} suspected sensors had a case of their own: {told['masked']} masked, {told['repaired']} "
            f"with work done, {told['verified']} unmasked because the readings after the work passed their checks.\n"
        )
    ]


def _quality(told: QualityLine | None) -> list[Text]:
    """How good the alerts were, by what the work found and by the plant's failures."""
    if told is None:
        return []
    precision, recall, bounds = told.precision, told.recall, told.bounds
    known = f"hidden with {precision.whole} findings" if precision.hidden else _interval(precision)
    caught = "" if recall is None else f" {recall.part} of {recall.whole} failures had an alert before them."
    both = "" if bounds.least is None else f", {bounds.least:.2f} to {bounds.most:.2f} whatever the others were"
    return [
        Text(
            f"Alerts by what the work found: {told.right} right, {told.wrong} wrong; precision {known}{both}.{caught} "
            f"False alarms took {told.crew_hours:.1f} crew hours; of {told.false_alerts} false alerts, "
            f"{told.undetermined} have no stage that caused them.\n"
        )
    ]


def _interval(told: ShownShare) -> str:
    return f"{told.share:.2f} ({told.low:.2f} to {told.high:.2f})"


def _timing(summary: Summary) -> list[Text]:
    told = timing_sentences(summary.timing) if summary.timing is not None else []
    return [Text(" ".join(told) + "\n")] if told else []


def _missed(summary: Summary) -> list[Text]:
    """The failures that people saw, with those that no alert preceded by name."""
    found = summary.missed
    if found is None or not found.failures:
        return []
    figures = (
        f"Failures by the orders of the CMMS: {found.failures}, {found.monitored} of them monitored (coverage "
        f"{_share(found.coverage)}). An alert preceded {found.alerted} of those (recall {_share(found.recall)})."
    )
    told = [
        figures,
        *(
            f"{each.failure_mode} of {each.asset} was missed: people repaired it on {each.at:%Y-%m-%d} (order "
            f"{each.record})."
            for each in found.listed
            if each.monitored and each.detection is Detection.MISSED
        ),
        *(
            f"{spot.failure_mode} of {spot.asset} is a blind spot, and failed: nothing watches it."
            for spot in found.blind_spots
        ),
    ]
    return [Text(" ".join(told) + "\n")]


def _learned(summary: Summary) -> list[Text]:
    found = summary.learned
    if found is None:
        return []
    differ = f"; they differ for {', '.join(found.differ[:5])}" if found.differ else ""
    return [Text(f"Closed cases: {found.closed}. Twin, label and ledger agree for {found.agree}{differ}.\n")]


def _blind(summary: Summary) -> list[Text]:
    """What was blind, since when and until when."""
    return [Text(f"Found blind: {words}.") for words in summary.blind]


def _in(title: str, connector: str | None) -> str:
    """A title with the connector to the system that it is about."""
    return f"{title} ({connector})" if connector else title


def _counts(title: str, counts: dict[str, int], total: str | None = None) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, min_width=14)
    table.add_column(justify="right")
    table.add_row(Text(title, "italic"))
    for name, count in counts.items():
        table.add_row(name.replace("_", " "), str(count), style="bold" if name == total else "")
    if not counts:
        table.add_row("none", "0")
    table.add_row()
    return table


def _rungs(summary: Summary) -> Table:
    rungs = list(dict.fromkeys(rung for counts in summary.rungs.values() for rung in counts))
    table = Table(title="Verdicts by rung of the action ladder", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("policy version")
    for rung in rungs:
        table.add_column(rung.replace("_", " "), justify="right")
    for version, counts in summary.rungs.items():
        table.add_row(version, *(str(counts.get(rung, 0)) for rung in rungs))
    return table


def _scores(summary: Summary) -> Table:
    table = Table(
        title="Precision and recall of each version's orders, by asset class",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 2, 0, 0),
    )
    for name in ("version", "class", "right", "precision", "", "caught", "recall", "", "lead"):
        right = name in ("right", "precision", "caught", "recall", "lead")
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for version, total in summary.policies.items():
        table.add_row(*_score_row(version, "all", total), style="bold")
        for name, part in total.by_class.items():
            table.add_row(*_score_row("", name, part))
    return table


def _score_row(version: str, name: str, line: ScoreLine) -> list[str]:
    lead = f"{line.median_lead_hours:.0f} h" if line.median_lead_hours is not None else "-"
    return [
        version,
        name,
        f"{line.right} of {line.orders}",
        _share(line.precision),
        _bar(line.precision),
        f"{line.caught} of {line.failures}",
        _share(line.recall),
        _bar(line.recall),
        lead,
    ]


def _share(share: float | None) -> str:
    return f"{share:.2f}" if share is not None else "-"


def _bar(share: float | None) -> str:
    return "█" * round((share or 0) * _SHARE_BAR)
