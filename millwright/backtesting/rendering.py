"""A backtest for the terminal."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from domain.verdict import Explanation, Rung
from millwright.backtesting.backtest import Backtest, Change, DecisionView, Tested, Traced
from policies.evaluation.comparison import ComparisonResult
from policies.evaluation.measures import Measures
from policies.statistics.intervals import Share

_BAR = 10
_SHOWN = 20
_STANDINGS = {
    ComparisonResult.BETTER: ("Better, more than by chance.", "green"),
    ComparisonResult.ALIKE: ("Not worse: the difference is within its interval.", "green"),
    ComparisonResult.WORSE: ("Worse, more than by chance.", "bold red"),
    ComparisonResult.UNKNOWN: ("It cannot be judged: the outcomes of too many orders are unknown.", "yellow"),
}


def render(backtest: Backtest) -> RenderableType:
    """The result first, then the figures of both versions by class, then the changed decisions."""
    words, style = _STANDINGS[backtest.standing]
    candidate, against = backtest.candidate, backtest.against
    title = f"{candidate.name} against {against.name}: {words}"
    basis = "a failure register" if backtest.basis == "failures" else "the findings of our own work orders"
    facts = (
        f"{backtest.events:,} events from {backtest.since:%Y-%m-%d %H:%M} to {backtest.until:%Y-%m-%d %H:%M} UTC, "
        f"judged again; right and wrong by {basis}; intervals at {backtest.confidence:.0%}."
    )
    return Group(
        Text(title, style=style),
        Text(facts, style="dim"),
        _rungs((against, candidate)),
        _measures((against, candidate)),
        *_costs((against, candidate)),
        _changed(backtest),
        *(Text(words, style="bold") for words in (unattended(backtest.changed),) if words),
    )


def render_trace(traced: Traced, before: str, after: str) -> RenderableType:
    """One changed decision, with both traces side by side."""
    decision = traced.decision
    table = Table.grid(padding=(0, 4), expand=False)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    table.add_row(_explained(before, traced.before), _explained(after, traced.after))
    at = f"{decision.at:%Y-%m-%d %H:%M} UTC"
    place = f"Decision {decision.number}: {decision.asset}, {decision.failure_mode}, {at}, event {decision.event}"
    return Group(Text(place, style="bold"), Text(), table)


def sentences(measures: Measures) -> str:
    """The number of orders with an unknown outcome, in words; empty if there are none."""
    if measures.right + measures.wrong == measures.orders:
        return ""
    bounds = measures.precision_bounds
    return (
        f"{measures.prevented} prevented, {measures.other_defects} with another defect, "
        f"{measures.unlabelled} unlabelled ({measures.cancelled} called off): "
        f"precision is at least {percent(bounds.least)} and at most {percent(bounds.most)}"
    )


def unattended(changed: Change) -> str:
    """How many machines are added to those whose hold is released without a person, in words; empty if none."""
    if not changed.unattended:
        return ""
    return (
        f"Machines added to those whose hold is released without a person: {changed.unattended}. "
        "`millwright policy diff` names them."
    )


def percent(share: float | None) -> str:
    """A share as text; a dash for a share without cases."""
    return "-" if share is None else f"{share:.1%}"


def interval(share: Share) -> str:
    """A share's interval as text."""
    return "" if share.low is None or share.high is None else f"{share.low:.0%} to {share.high:.0%}"


def asked(view: DecisionView) -> str:
    """The action of a verdict, as a short text."""
    return f"{view.rung.replace('_', ' ')}, {view.severity}"


def _rungs(versions: Iterable[Tested]) -> Table:
    table = Table(title="Verdicts by rung of the action ladder, and would-be cases", title_justify="left", box=None)
    words = [rung.word for rung in Rung]
    table.add_column("version")
    for word in [*words, "cases"]:
        table.add_column(word.replace("_", " "), justify="right")
    for version in versions:
        table.add_row(version.name, *(f"{version.rungs.get(word, 0):,}" for word in words), str(version.cases))
    return table


def _measures(versions: Iterable[Tested]) -> Table:
    table = Table(title="Precision and recall of the orders, by asset class", title_justify="left", box=None)
    heading = (
        "version",
        "class",
        "right",
        "precision",
        "",
        "interval",
        "caught",
        "recall",
        "interval",
        "lead",
        "a week",
    )
    for name in heading:
        table.add_column(name, no_wrap=True)
    for version in versions:
        table.add_row(*_row(version.name, "all", version.measures), style="bold")
        for name, each in version.by_class.items():
            table.add_row(*_row("", name, each))
    return table


def _row(version: str, name: str, each: Measures) -> list[str]:
    lead = each.lead_hours
    spread = "" if lead.low is None or lead.high is None else f" ({lead.low:g} to {lead.high:g})"
    return [
        version,
        name,
        f"{each.right} of {each.precision.whole}",
        percent(each.precision.share),
        "█" * round((each.precision.share or 0) * _BAR),
        interval(each.precision),
        f"{each.recall.part} of {each.failures}",
        percent(each.recall.share),
        interval(each.recall),
        "-" if lead.median is None else f"{lead.median:g} h{spread}",
        f"{each.orders_per_week:.1f}",
    ]


def _costs(versions: Iterable[Tested]) -> list[RenderableType]:
    lines: list[RenderableType] = [Text()]
    for version in versions:
        cost = version.measures.false_alarms
        crew = "unknown crew hours" if cost.crew_hours is None else f"{cost.crew_hours:g} crew hours"
        words = (
            f"{version.name}: {cost.orders} wrong orders, {crew} and {cost.interruption_hours:g} production hours for "
            f"nothing; {cost.missed_failure_hours:g} production hours lost to failures without a preceding order."
        )
        if bounds := sentences(version.measures):
            words += f" {bounds}."
        if version.load is not None:
            load = version.load
            words += (
                f" A crew's week: {load.orders_per_week:g} orders ({load.orders_per_week_low:g} to "
                f"{load.orders_per_week_high:g}), {load.hours_per_week:g} h, {load.overtime_share:.1%} of it overtime."
            )
        lines.append(Text(words))
    return [*lines, Text()]


def _changed(backtest: Backtest) -> RenderableType:
    changed = backtest.changed
    if not changed.decisions:
        return Text("No past decision would differ.")
    table = Table(box=None, title_justify="left")
    table.title = (
        f"{changed.decisions:,} past decisions on {changed.assets} assets would differ, by up to "
        f"{changed.max_rung_change} rungs"
    )
    for name in ("number", "at", "asset", "mode", backtest.against.name, backtest.candidate.name):
        table.add_column(name)
    for decision in backtest.decisions[:_SHOWN]:
        before, after = (f"{asked(each)} [dim]{escape(each.rule)}[/]" for each in (decision.before, decision.after))
        table.add_row(
            str(decision.number), f"{decision.at:%Y-%m-%d %H:%M}", decision.asset, decision.failure_mode, before, after
        )
    left = changed.decisions - _SHOWN
    more = f"and {left:,} more in --json and --report; " if left > 0 else ""
    return Group(table, Text(f"{more}--decision NUMBER shows one with both traces.", style="dim"))


def _explained(name: str, explanation: Explanation) -> RenderableType:
    verdict = explanation.verdict
    lines: list[RenderableType] = [
        Text(f"{name}: {verdict.rung.word.replace('_', ' ')}, {verdict.severity}, rule {verdict.rule}", style="bold"),
        Text(explanation.because),
        Text(),
    ]
    for trace in explanation.traces:
        lines.append(Text(f"{'✓' if trace.matched else '–'} {trace.rule}", style="" if trace.matched else "dim"))
        lines += [
            Text(f"    {'✓' if each.held else '–'} {each.expression}: {each.value}", style="" if each.held else "dim")
            for each in trace.comparisons
        ]
        if trace.error:
            lines.append(Text(f"    {trace.error}", style="red"))
    return Group(*lines)
