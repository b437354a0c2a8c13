"""Renders a judged situation for the terminal: the events, the trace of the verdict, and what would have changed it."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from domain.counterfactuals import Counterfactuals
from domain.verdict import RuleTrace
from millwright.explaining.decisions import missed, tells
from millwright.explaining.why import seen
from millwright.explaining.words import worded
from policies.engine.trial import Situation, Trial


def render_trial(situation: Situation, trial: Trial, changes: Counterfactuals) -> RenderableType:
    """The events with their rungs, the deciding rule with its numbers, the rules before it, and the nearest changes."""
    verdict = trial.explanation.verdict
    title = f"{trial.name}: {verdict.rung.word.replace('_', ' ')}, {verdict.severity}, rule {verdict.rule}"
    parts: list[RenderableType] = [Text(title, style="bold"), Text(trial.explanation.because)]
    parts.append(Text(f"Response: {trial.explanation.response}", style="dim"))
    parts += [
        Padding(Text(f"{event.at:%Y-%m-%d %H:%M:%S}  {rung.replace('_', ' ')}: {seen(event)}"), (0, 0, 0, 2))
        for event, rung in zip(situation.events, trial.rungs, strict=True)
    ]
    traces = trial.explanation.traces
    for test in (worded(comparison) for trace in traces if trace.matched for comparison in trace.comparisons):
        parts.append(Text(f"  {'✓' if test.held else '–'} {test.words}"))
    passed = [trace for trace in traces if tells(trace)]
    if passed:
        parts.append(Padding(_before(passed), (0, 0, 0, 2)))
    parts += [Text(f"  • {words}") for words in changes.told]
    parts.append(Text(f"{verdict.policy} {verdict.version}, digest {verdict.digest[:16]}.", style="dim"))
    return Group(*parts, Text())


def _before(passed: list[RuleTrace]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), title="Rules before it", title_justify="left")
    table.add_column("rule", style="dim", no_wrap=True)
    table.add_column("did not decide, because")
    for trace in passed:
        rule = missed(trace)
        table.add_row(Text(rule.rule), Text(rule.error or "; ".join(test.words for test in rule.tests)))
    return table
