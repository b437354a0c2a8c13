"""A backtest as one self-contained HTML page: figures, charts, and changed decisions with both traces."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from millwright.backtesting.backtest import Backtest, DecisionView, Tested, Traced
from millwright.backtesting.charts import charts
from millwright.backtesting.rendering import asked, interval, percent, sentences, unattended
from millwright.pages import render
from policies.evaluation.measures import Measures

TRACED = 200
"""How many changed decisions a page shows with their traces, from the first on; the list itself is complete."""


def write_page(backtest: Backtest, traced: Sequence[Traced]) -> str:
    """The page's HTML; it loads nothing from other places."""
    versions = (backtest.against, backtest.candidate)
    return render(
        "backtest.html.j2",
        backtest=backtest,
        traced=traced,
        figures=list(_figures(versions)),
        unlabelled=[(version.name, sentences(version.measures)) for version in versions],
        charts=charts(backtest),
        unattended=unattended(backtest.changed),
        rest=list(_rest(backtest, len(traced))),
        asked=asked,
        minute=_minute,
    )


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _figures(versions: Iterable[Tested]) -> Iterable[Sequence[str]]:
    """The heading, and a row for each version and class."""
    counts = ("orders", "right", "wrong", "prevented", "other defect", "unlabelled")
    yield ("version", "class", *counts, "precision", "interval", "caught", "recall", "interval", "lead")
    for version in versions:
        yield _row(version.name, "all", version.measures)
        for name, measures in version.by_class.items():
            yield _row("", name, measures)


def _row(version: str, name: str, each: Measures) -> list[str]:
    lead = each.lead_hours.median
    counts = (each.orders, each.right, each.wrong, each.prevented, each.other_defects, each.unlabelled)
    return [
        version,
        name,
        *(str(count) for count in counts),
        percent(each.precision.share),
        interval(each.precision),
        f"{each.recall.part} of {each.failures}",
        percent(each.recall.share),
        interval(each.recall),
        "-" if lead is None else f"{lead:g} h",
    ]


def _rest(backtest: Backtest, traced: int) -> Iterable[Sequence[str]]:
    """The heading, and a row for each changed decision after those with traces."""
    yield ("number", "at", "asset", "mode", backtest.against.name, backtest.candidate.name)
    for decision in backtest.decisions[traced:]:
        yield (
            str(decision.number),
            _minute(decision.at),
            decision.asset,
            decision.failure_mode,
            _asked_by_rule(decision.before),
            _asked_by_rule(decision.after),
        )


def _asked_by_rule(view: DecisionView) -> str:
    return f"{asked(view)}, {view.rule}"
