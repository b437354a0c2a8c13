"""Rate and latency for one, two and four workers, each with a hundred, a thousand and ten thousand assets.

Run as `python -m benchmarks.scaling`. Each point is a separate plant. All processes run on this one machine, so the
table shows the effect of more processes on the same cores, not of more machines. Every point is the median of its runs,
compared with the bare loop in the same plant. `--chart` draws the points into `docs/images/scaling.svg`.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.rig.bare import bare_rate
from benchmarks.rig.load import LedgerWatch, Stream, latencies, post_for, wait_until_decided
from benchmarks.rig.machine import describe, percentile
from benchmarks.rig.plant import RunningPlant, Size, running_plant
from millwright.runtime.embedded.engines import KINDS

_CHART = Path(__file__).resolve().parents[1] / "docs" / "images" / "scaling.svg"
_BARE_BATCHES = 60
_WARM = 2.0
_INK, _COLOURS = "#24292f", ("#2f6f9f", "#b5651d", "#3f7d4e", "#7a4e9f")


@dataclass(frozen=True)
class Point:
    """The results of one plant: events a second of each run, batch latency in seconds, and the bare loop's rate."""

    size: Size
    rates: Sequence[float]
    p50: float
    p99: float
    bare: float

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


async def point(size: Size, options: argparse.Namespace, *, first: bool) -> Point:
    """Measures one plant."""
    async with running_plant(size) as plant:
        if first:
            for line in describe(plant.database_url):
                print(line)
            print(f"{options.runs} runs of {options.seconds:g} s, {options.clients} clients, {size.engine} engine")
            print("| workers | assets | events/s (least to most) | of the bare loop | p50 | p99 |")
            print("|---|---|---|---|---|---|")
        # The bare loop runs after every worker has started, because their start would make it slower.
        await _run(plant, "warm", _WARM, options.clients)
        stream = Stream(plant.register, plant.components, plant.began, "bare")
        bare = bare_rate(plant.database_url, [stream.body() for _ in range(_BARE_BATCHES)])
        runs = [await _run(plant, f"run{number}", options.seconds, options.clients) for number in range(options.runs)]
        taken = [each for _, latency in runs for each in latency]
        found = Point(size, [rate for rate, _ in runs], percentile(taken, 0.5), percentile(taken, 0.99), bare)
    reached = f"{found.rate:,.0f} ({min(found.rates):,.0f} to {max(found.rates):,.0f})"
    print(
        f"| {size.workers} | {size.assets:,} | {reached} | "
        f"{found.rate / found.bare:.2f} | {found.p50 * 1000:,.0f} ms | {found.p99 * 1000:,.0f} ms |",
        flush=True,
    )
    return found


async def _run(plant: RunningPlant, name: str, seconds: float, clients: int) -> tuple[float, list[float]]:
    stream = Stream(plant.register, plant.components, plant.began, name)
    watch = LedgerWatch(plant.database_url)
    watching = asyncio.create_task(watch.run())
    began = time.monotonic()
    sent = await post_for(plant.apis, stream, seconds, clients)
    decided = await wait_until_decided(plant.database_url)
    await asyncio.sleep(0.05)
    watching.cancel()
    return sent.events / (decided - began), await latencies(plant.database_url, name, sent, watch)


def draw(points: Sequence[Point], file: Path) -> None:
    """Draws rate and latency over the number of assets, with a line for each number of workers."""
    with mpl.rc_context({"svg.hashsalt": "millwright", "text.color": _INK, "font.size": 9}):
        figure = Figure(figsize=(8, 3.6), layout="constrained")
        rates, waits = figure.subplots(1, 2)
        _lines(rates, points, lambda measured: measured.rate, "-")
        bare = statistics.median(measured.bare for measured in points)
        rates.axhline(bare, color=_INK, linewidth=0.8, linestyle=":")
        rates.annotate("bare loop", (min(measured.size.assets for measured in points), bare), va="top")
        rates.set(title="Events to stored verdicts, a second", xscale="log", xlabel="assets", ylim=(0, None))
        _lines(waits, points, lambda measured: measured.p50 * 1000, "-")
        _lines(waits, points, lambda measured: measured.p99 * 1000, "--")
        waits.set(title="A batch's verdicts, ms: p50 full, p99 dashed", xscale="log", xlabel="assets", ylim=(0, None))
        rates.legend(frameon=False)
        file.parent.mkdir(parents=True, exist_ok=True)
        # Without a date, the same points give the same file.
        figure.savefig(file, format="svg", metadata={"Date": None})


def _lines(axes: Axes, points: Sequence[Point], value: Callable[[Point], float], style: str) -> None:
    numbers = sorted({measured.size.workers for measured in points})
    for number, colour in zip(numbers, _COLOURS, strict=False):
        mine = sorted(
            (measured for measured in points if measured.size.workers == number),
            key=lambda measured: measured.size.assets,
        )
        label = f"{number} worker{'s' if number > 1 else ''}"
        axes.plot(
            [measured.size.assets for measured in mine],
            [value(measured) for measured in mine],
            style,
            color=colour,
            marker="o",
            markersize=3,
            label=label,
        )


async def measure(options: argparse.Namespace) -> None:
    """Measures every point, one plant after another."""
    shapes = [
        Size(assets, min(10, assets), workers, engine=options.engine)
        for workers in options.workers
        for assets in options.assets
    ]
    points = []
    for number, size in enumerate(shapes):
        points.append(await point(size, options, first=number == 0))
    if options.chart:
        draw(points, options.chart)
        print(f"drawn into {options.chart}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--assets", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--engine", choices=sorted(KINDS), default="development", help="which workflow engine")
    parser.add_argument(
        "--chart", type=Path, nargs="?", const=_CHART, help="draw the chart, by default into docs/images"
    )
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
