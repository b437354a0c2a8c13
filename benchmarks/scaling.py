"""Rate and latency for one, two and four workers, and for a hundred, a thousand and ten thousand assets.

Run as `python -m benchmarks.scaling`. Each point is a plant of its own, everything on this one machine; so the table
says what more processes cost and win on the same cores, and not what more machines would. Writes the chart to
`docs/images/scaling.svg` where asked to with `--chart`.
"""

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.rig.bare import bare_rate
from benchmarks.rig.load import LedgerWatch, Stream, latencies, post_for, wait_until_decided
from benchmarks.rig.machine import describe, percentile
from benchmarks.rig.plant import RunningPlant, Size, running_plant

_CHART = Path(__file__).resolve().parents[1] / "docs" / "images" / "scaling.svg"
_BARE_BATCHES = 100
_WIDTH, _PANEL, _LEFT, _BAR, _GAP = 760, 170, 190, 18, 8
_INK, _RATE, _SLOW = "#24292f", "#2f6f9f", "#b5651d"


@dataclass(frozen=True)
class Point:
    """What one plant reached: events a second (median of the runs), batch latency in seconds, the bare loop's rate."""

    name: str
    rate: float
    p50: float
    p99: float
    bare: float


async def point(size: Size, options: argparse.Namespace, *, first: bool) -> Point:
    """Measures one plant."""
    async with running_plant(size) as plant:
        if first:
            for line in describe(plant.database_url):
                print(line)
            print("| workers | assets | events/s | of the bare loop | p50 | p99 |")
        stream = Stream(plant.register, plant.components, plant.began, "bare")
        bare = bare_rate(plant.database_url, [stream.body() for _ in range(_BARE_BATCHES)])
        await _run(plant, "warm", 3, options.clients)
        runs = [await _run(plant, f"run{number}", options.seconds, options.clients) for number in range(options.runs)]
        taken = [each for _, latency in runs for each in latency]
        found = Point(
            f"{size.workers} worker{'s' if size.workers > 1 else ''}, {size.assets:,} assets",
            statistics.median(rate for rate, _ in runs),
            percentile(taken, 0.5),
            percentile(taken, 0.99),
            bare,
        )
    print(
        f"| {size.workers} | {size.assets:,} | {found.rate:,.0f} | {found.rate / found.bare:.2f} | "
        f"{found.p50 * 1000:,.0f} ms | {found.p99 * 1000:,.0f} ms |",
        flush=True,
    )
    return found


async def _run(plant: RunningPlant, name: str, seconds: float, clients: int) -> tuple[float, list[float]]:
    stream = Stream(plant.register, plant.components, plant.began, name)
    watch = LedgerWatch(plant.database_url)
    watching = asyncio.create_task(watch.run())
    began = time.monotonic()
    sent = await post_for(plant.api_urls, stream, seconds, clients)
    decided = await wait_until_decided(plant.database_url)
    await asyncio.sleep(0.05)
    watching.cancel()
    return sent.events / (decided - began), await latencies(plant.database_url, name, sent, watch)


def chart(points: list[Point], note: str) -> str:
    """The points as bars: the rate, and under it the latency, each with its figure."""
    height = _PANEL + len(points) * (2 * _BAR + _GAP)
    widest_rate, widest_wait = max(p.rate for p in points), max(p.p99 for p in points)
    room = _WIDTH - _LEFT - 150
    style = f'font-family="system-ui, sans-serif" font-size="12" fill="{_INK}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height - 60}" {style}>',
        f'<rect width="{_WIDTH}" height="{height - 60}" fill="#ffffff"/>',
        '<text x="16" y="26" font-size="15" font-weight="600">Events to stored verdicts, one machine</text>',
        f'<text x="16" y="44">{escape(note)}</text>',
        f'<rect x="16" y="56" width="12" height="12" fill="{_RATE}"/><text x="34" y="66">events a second</text>',
        f'<rect x="160" y="56" width="12" height="12" fill="{_SLOW}"/>',
        '<text x="178" y="66">verdict latency of a batch of 100: p50 (full), p99 (pale)</text>',
    ]
    top = 86
    for p in points:
        rate, half, most = (room * p.rate / widest_rate, room * p.p50 / widest_wait, room * p.p99 / widest_wait)
        lower = top + _BAR
        parts += [
            f'<text x="16" y="{top + _BAR}">{escape(p.name)}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{rate:.1f}" height="{_BAR - 2}" fill="{_RATE}"/>',
            f'<text x="{_LEFT + rate + 6:.1f}" y="{top + 12}">{p.rate:,.0f}</text>',
            f'<rect x="{_LEFT}" y="{lower}" width="{most:.1f}" height="{_BAR - 4}" fill="{_SLOW}" opacity="0.35"/>',
            f'<rect x="{_LEFT}" y="{lower}" width="{half:.1f}" height="{_BAR - 4}" fill="{_SLOW}"/>',
            f'<text x="{_LEFT + most + 6:.1f}" y="{lower + 11}">{p.p50 * 1000:,.0f} / {p.p99 * 1000:,.0f} ms</text>',
        ]
        top += 2 * _BAR + _GAP
    return "\n".join([*parts, "</svg>", ""])


async def measure(options: argparse.Namespace) -> None:
    """Every point, one plant after another."""
    shapes = [Size(1000, 10, workers) for workers in options.workers]
    shapes += [Size(assets, 10, 1) for assets in options.assets if assets != 1000]
    points = []
    for number, size in enumerate(shapes):
        points.append(await point(size, options, first=number == 0))
    if options.chart:
        bare = statistics.median(each.bare for each in points)
        note = f"everything on two shared cores; the bare loop reached {bare:,.0f} events a second beside it"
        _CHART.write_text(chart(points, note))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--assets", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--chart", action="store_true", help="write the chart into docs/images")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
