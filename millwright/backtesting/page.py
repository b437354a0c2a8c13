"""A backtest as one self-contained HTML page: figures, charts, and changed decisions with both traces."""

from collections.abc import Iterable, Sequence
from html import escape

from domain.verdict import Explanation
from millwright.backtesting.backtest import Backtest, Tested, Traced
from millwright.backtesting.charts import charts
from millwright.backtesting.rendering import asked, interval, percent, sentences, unattended
from policies.measures import Measures

TRACED = 200
"""How many changed decisions a page carries with their traces, from the first on; the list itself is whole."""
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1d2733}
table{border-collapse:collapse;margin:.6rem 0}th,td{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}
th{border-bottom:1px solid #c8ced6}td.n{text-align:right}summary{cursor:pointer}.pair{display:grid;
grid-template-columns:1fr 1fr;gap:2rem}.dim{color:#6b7683}svg{max-width:100%;height:auto}code{font-size:.9em}
.figures td{white-space:nowrap;padding-right:.6rem}
"""


def write_page(backtest: Backtest, traced: Sequence[Traced]) -> str:
    """The page's HTML; nothing in it is fetched from anywhere."""
    candidate, against = backtest.candidate, backtest.against
    title = f"Backtest of {candidate.policy} {candidate.name} against {against.name}"
    facts = (
        f"<p><b>{escape(backtest.standing.value)}</b>. {backtest.events:,} events from {backtest.since:%Y-%m-%d %H:%M} "
        f"to {backtest.until:%Y-%m-%d %H:%M} UTC; right and wrong by {escape(backtest.basis)}; "
        f"intervals at {backtest.confidence:.0%}.</p>"
    )
    digests = "<br>".join(f"{escape(one.name)} <code>{one.digest}</code>" for one in (candidate, against))
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>",
        facts,
        f"<p class=dim>{digests}</p>",
        "<h2>Figures</h2>",
        _figures((against, candidate)),
        *(f"<p>{escape(one.name)}: {escape(words)}.</p>" for one in (against, candidate) if (words := _open(one))),
        *(f"<h2>{escape(name)}</h2>{drawn}" for name, drawn in charts(backtest).items()),
        _changed(backtest, traced),
        "</html>",
    ]
    return "\n".join(parts)


def _open(one: Tested) -> str:
    return sentences(one.measures)


def _figures(versions: Iterable[Tested]) -> str:
    counts = ("orders", "right", "wrong", "prevented", "unlabelled")
    heading = ("version", "class", *counts, "precision", "interval", "caught", "recall", "interval", "lead")
    rows = []
    for version in versions:
        rows.append(_row(version.name, "all", version.measures))
        rows += [_row("", name, each) for name, each in version.by_class.items()]
    return f"<div class=figures>{_table(heading, rows)}</div>"


def _row(version: str, name: str, each: Measures) -> list[str]:
    lead = each.lead_hours.median
    counts = (each.orders, each.right, each.wrong, each.prevented, each.unlabelled)
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


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}" for each in heading)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}' for cell in row)}" for row in rows)
    return f"<table><tr>{head}{body}</table>"


def _changed(backtest: Backtest, traced: Sequence[Traced]) -> str:
    changed = backtest.changed
    parts = [
        f"<h2>{changed.decisions:,} past decisions on {changed.assets} assets would be otherwise</h2>",
        f"<p>By up to {changed.max_rung_change} rungs. The first {len(traced)} open to both traces.</p>",
    ]
    if words := unattended(changed):
        parts.append(f"<p>{escape(words)}</p>")
    for each in traced:
        one = each.decision
        place = f"{one.number}. {one.at:%Y-%m-%d %H:%M} {one.asset} {one.failure_mode}"
        words = f"{place}: {asked(one.before)} → {asked(one.after)}"
        pair = _explained(backtest.against.name, each.before) + _explained(backtest.candidate.name, each.after)
        parts.append(f"<details><summary>{escape(words)}</summary><div class=pair>{pair}</div></details>")
    rest = backtest.decisions[len(traced) :]
    if rest:
        heading = ("number", "at", "asset", "mode", backtest.against.name, backtest.candidate.name)
        rows = (
            (
                str(one.number),
                f"{one.at:%Y-%m-%d %H:%M}",
                one.asset,
                one.failure_mode,
                f"{asked(one.before)}, {one.before.rule}",
                f"{asked(one.after)}, {one.after.rule}",
            )
            for one in rest
        )
        parts.append(_table(heading, rows))
    return "\n".join(parts)


def _explained(name: str, explanation: Explanation) -> str:
    verdict = explanation.verdict
    rung = verdict.rung.word.replace("_", " ")
    lines = [f"<div><b>{escape(name)}: {rung}, {verdict.severity}, rule {escape(verdict.rule)}</b>"]
    lines.append(f"<p>{escape(explanation.because)}</p><ul>")
    for trace in explanation.traces:
        atoms = "".join(
            f"<li>{'✓' if each.held else '–'} <code>{escape(each.expression)}</code>: {escape(each.value)}"
            for each in trace.comparisons
        )
        said = f" <i>{escape(trace.error)}</i>" if trace.error else ""
        lines.append(f"<li>{'✓' if trace.matched else '–'} {escape(trace.rule)}{said}<ul>{atoms}</ul>")
    return "".join([*lines, "</ul></div>"])
