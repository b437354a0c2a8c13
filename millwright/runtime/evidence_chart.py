"""Draws the evidence of a case."""

import asyncio
import io
from textwrap import shorten
from typing import Final

from domain.order_files import ChartLine

_LONGEST_TITLE: Final = 110
_LONGEST_LABEL: Final = 40
_DAY: Final = 86_400


class DrawnCharts:
    """The port `EvidenceChart` with matplotlib."""

    async def draw(self, line: ChartLine) -> bytes:
        """The chart as a PNG image. It is drawn in a thread, because that takes some tenths of a second."""
        return await asyncio.to_thread(_drawn, line)


def _drawn(line: ChartLine) -> bytes:
    # Imported here, because the import takes almost a second and only orders with files need it.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    # Dollar signs in a sender's words would be read as a formula.
    axes.set_title(shorten(line.title, _LONGEST_TITLE, placeholder=" …"), fontsize=10, parse_math=False)
    axes.set_xlabel(line.time_label)
    axes.set_ylabel(shorten(line.value_label, _LONGEST_LABEL, placeholder=" …"), parse_math=False)
    # The axis counts days since 1970.
    times = [at.timestamp() / _DAY for at in line.at]
    axes.xaxis_date("UTC")
    axes.plot(times, line.values, "o-", color="#1f6f8b", markersize=3, label=line.value_name)
    known = [(at, base) for at, base in zip(times, line.baselines, strict=True) if base is not None]
    if known:
        axes.plot(*zip(*known, strict=True), "--", color="#8a939e", label=line.baseline_name)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace(".", line.decimal_mark))
    axes.legend(frameon=False)
    axes.tick_params(axis="x", labelrotation=30)
    page = io.BytesIO()
    figure.savefig(page, format="png", metadata={"Software": None})
    return page.getvalue()
