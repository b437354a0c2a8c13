"""A backtest's charts, as SVG for embedding in a page."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.verdict import Rung
from millwright.backtesting.backtest import Backtest, Tested
from policies.statistics.intervals import Share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#8a939e", "#1f6f8b")
_NAMES = ("against", "candidate")


def charts(backtest: Backtest) -> dict[str, str]:
    """Each chart's SVG by its title: precision and recall by class with intervals, verdicts by rung, rung changes."""
    versions = (backtest.against, backtest.candidate)
    return {
        "Precision by asset class": _shares(versions, "precision"),
        "Recall by asset class": _shares(versions, "recall"),
        "Verdicts by rung": _rungs(versions),
        "Moves of past decisions on the ladder": _moves(backtest),
    }


def _shares(versions: Sequence[Tested], figure: str) -> str:
    drawn, axes = _axes()
    classes = ["all", *versions[0].by_class]
    for place, (version, colour) in enumerate(zip(versions, _COLOURS, strict=True)):
        each = [version.measures, *version.by_class.values()]
        shares: list[Share] = [getattr(measures, figure) for measures in each]
        known = [
            (position, known_share) for position, known_share in enumerate(shares) if known_share.share is not None
        ]
        points = [known_share.share or 0.0 for _, known_share in known]
        spread = [
            [point - (s.low or 0.0) for point, (_, s) in zip(points, known, strict=True)],
            [(s.high or 0.0) - point for point, (_, s) in zip(points, known, strict=True)],
        ]
        at = [position + (place - 0.5) * 0.25 for position, _ in known]
        axes.errorbar(at, points, yerr=spread, fmt="o", color=colour, capsize=4, label=version.name)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_ylim(-0.03, 1.05)
    axes.set_ylabel(f"{figure}, with its interval")
    axes.legend(frameon=False)
    return _svg(drawn)


def _rungs(versions: Sequence[Tested]) -> str:
    drawn, axes = _axes()
    words = [rung.word for rung in Rung]
    for place, (version, colour) in enumerate(zip(versions, _COLOURS, strict=True)):
        at = [position + (place - 0.5) * 0.4 for position in range(len(words))]
        axes.bar(at, [version.rungs.get(word, 0) for word in words], 0.38, color=colour, label=version.name)
    axes.set_xticks(range(len(words)), [word.replace("_", "\n") for word in words])
    axes.set_ylabel("verdicts")
    axes.legend(frameon=False)
    return _svg(drawn)


def _moves(backtest: Backtest) -> str:
    drawn, axes = _axes()
    ladder = {rung.word: int(rung) for rung in Rung}
    moves = [ladder[decision.after.rung] - ladder[decision.before.rung] for decision in backtest.decisions]
    steps = range(-5, 6)
    axes.bar(list(steps), [moves.count(step) for step in steps], color=_COLOURS[1])
    axes.set_xticks(list(steps))
    axes.set_xlabel("rungs down (left) or up (right)")
    axes.set_ylabel("decisions")
    return _svg(drawn)


def _axes() -> "tuple[Figure, Axes]":
    # Imported here, because the import takes almost a second and only a report needs it.
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # A fixed salt and no date, so that the same backtest draws the same file.
    mpl.rcParams["svg.hashsalt"] = "millwright"
    drawn = Figure(figsize=(7, 3.2), layout="constrained")
    axes = drawn.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return drawn, axes


def _svg(drawn: "Figure") -> str:
    page = io.StringIO()
    drawn.savefig(page, format="svg", metadata={"Date": None})
    text = page.getvalue()
    return text[text.index("<svg") :]
