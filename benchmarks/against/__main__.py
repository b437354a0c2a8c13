"""Compares this build with an earlier one: `make bench-against COMMIT=…`.

Run as `python -m benchmarks.against COMMIT`. The commit and HEAD each get a git worktree and a `.venv`, made by their
own `make engine`. Then runs of the old and of the new build take turns. Each run starts a separate plant: PostgreSQL,
engine, sandbox, workers, intake and API. The plant runs the build's code, and the build's `benchmarks.rig.plant` starts
it. For both builds, this checkout's code sends, waits and measures. It uses a plant by HTTP, the bus, SQL and /proc.

CPU decides. Each new run is divided by the old run before it. There must be at least five pairs. If every ratio is at
or under the limit, the new build is within it. If every ratio is above the limit, the new build is over it. Anything
else is unsettled. The limit of "not slower" is 1.05. Rates and latencies are shown and decide nothing, with one
exception: the others' 99th percentile in a flood. It is that of all batches of the new build, at least 1,000.

The exit code is 0. It is 1 if something is settled against the new build, or a run failed. It is 2 if nothing could be
measured.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from benchmarks.against.builds import Build, Refused, busy_cores, require_quiet, two_builds
from benchmarks.against.comparisons import COMPARISONS, Comparison
from benchmarks.against.hosting import HostedPlant, HostFailed, hosted_plant
from benchmarks.against.pairs import PAIRS, Run, Word, by_process, cpu_of_build, ratios, settled, settled_percentile
from benchmarks.rig.machine import percentile, spread

_ROOT = Path(__file__).resolve().parents[2]


def compare(name: str, old: Build, new: Build, options: argparse.Namespace) -> bool:
    """Runs one comparison and prints it; returns whether nothing in it is settled against the new build."""
    comparison = COMPARISONS[name]
    print(f"\n== {name}: {comparison.says}, {options.runs} of each build in turns", flush=True)
    runs: dict[str, list[Run]] = {old.name: [], new.name: []}
    for number in range(options.runs):
        for build in (old, new):
            with hosted_plant(build, comparison.size) as plant:
                if number == 0:
                    _print_versions(build, plant)
                run = uvloop.run(comparison.measure(plant, options))
            runs[build.name].append(run)
            _print_run(comparison, f"{build.name} {number + 1}", run)
    return _print_verdicts(comparison, runs[old.name], runs[new.name])


def _print_versions(build: Build, plant: HostedPlant) -> None:
    print(f"{build.name}: {build.commit[:7]}")
    for line in plant.described:
        print(f"  {line}")


def _print_run(comparison: Comparison, name: str, run: Run) -> None:
    cpu = cpu_of_build(run) * comparison.scale
    waited = f", p50 {_ms(run.latencies, 0.5)} p99 {_ms(run.latencies, 0.99)}" if run.latencies else ""
    print(
        f"  {name}: n {run.count:,}, CPU {cpu:,.1f} {comparison.unit_of_cpu} {comparison.each}, "
        f"{run.rate:,.1f} a second{waited}; {run.others:.2f} cores busy with something else",
        flush=True,
    )


def _print_verdicts(comparison: Comparison, old: Sequence[Run], new: Sequence[Run]) -> bool:
    words = []
    for limit in comparison.limits:
        found = ratios(old, new, limit.figure)
        word = settled(found, limit.at_most)
        said = {Word.WITHIN: limit.within, Word.OVER: limit.over, Word.UNSETTLED: _unsettled(found, limit.at_most)}
        _print_ratios(limit.says, found)
        print(f"    limit {limit.at_most:.2f}: {said[word]}")
        words.append(word)
    if not comparison.limits:
        _print_ratios(f"CPU {comparison.each} of all processes of the build (shown)", ratios(old, new, cpu_of_build))
    _print_ratios("rate (shown)", ratios(old, new, lambda run: run.rate))
    _print_processes(comparison, old, new)
    if comparison.latency:
        words += _print_latencies(comparison, old, new)
    return Word.OVER not in words


def _print_ratios(says: str, found: Sequence[float]) -> None:
    print(f"  {says}, new to old: {', '.join(f'{ratio:.2f}' for ratio in found)}")
    print(f"    median {spread(found, '{:.2f}')}")


def _unsettled(found: Sequence[float], limit: float) -> str:
    if len(found) < PAIRS:
        return f"unsettled ({len(found)} of {PAIRS} pairs)"
    return f"unsettled ({sum(ratio > limit for ratio in found)} of {len(found)} ratios are above it)"


def _print_processes(comparison: Comparison, old: Sequence[Run], new: Sequence[Run]) -> None:
    print(f"  CPU {comparison.unit_of_cpu} {comparison.each} by process, median of each build, old and new:")
    for name, before, after in by_process(old, new):
        print(f"    {name}: {_cost(comparison, before)}, {_cost(comparison, after)}")


def _cost(comparison: Comparison, seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds * comparison.scale:,.1f}"


def _print_latencies(comparison: Comparison, old: Sequence[Run], new: Sequence[Run]) -> list[Word]:
    before, after = ([seconds for run in runs for seconds in run.latencies] for runs in (old, new))
    for share in (0.5, 0.99):
        print(
            f"  {comparison.latency}, p{share * 100:.0f} of all runs: {_ms(before, share)} old (n {len(before):,}), "
            f"{_ms(after, share)} new (n {len(after):,})"
        )
    limit = comparison.latency_limit
    if limit is None:
        return []
    word = settled_percentile(after, 0.99, limit.under, limit.least)
    said = {
        Word.WITHIN: f"under {limit.under * 1000:.0f} ms",
        Word.OVER: f"not under {limit.under * 1000:.0f} ms",
        Word.UNSETTLED: f"unsettled ({len(after):,} of {limit.least:,} batches)",
    }
    print(f"    {limit.says}, new build: {said[word]}")
    return [word]


def _ms(values: Sequence[float], share: float) -> str:
    return f"{percentile(values, share) * 1000:,.0f} ms"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="the old build")
    parser.add_argument("--runs", type=int, default=PAIRS, help="runs of each build")
    parser.add_argument("--only", choices=list(COMPARISONS), action="append", help="one comparison; may be repeated")
    parser.add_argument("--anyway", action="store_true", help="measure even if something else runs")
    parser.add_argument("--seconds", type=float, default=8, help="post: how long each run posts")
    parser.add_argument("--messages", type=int, default=6000, help="bus: messages in each run")
    parser.add_argument("--burst", type=int, default=40, help="orders: faults at once")
    parser.add_argument("--bursts", type=int, default=3, help="orders: bursts in each run")
    parser.add_argument("--singles", type=int, default=60, help="orders: faults sent one by one in each run")
    parser.add_argument("--floods", type=int, default=2, help="floods: floods in each run")
    parser.add_argument("--failing", type=int, default=100, help="floods: components that fail at once")
    parser.add_argument("--flood-events", type=int, default=22_000, help="floods: events of each flood")
    parser.add_argument("--flood-seconds", type=float, default=55, help="floods: time in which they are sent")
    return parser.parse_args()


def _interrupt(_signal: int, _frame: object) -> None:
    """Ends everything as Ctrl-C does, so that the plant is ended and the worktrees are removed."""
    raise KeyboardInterrupt


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        busy = busy_cores()
        if not options.anyway:
            require_quiet(busy)
        with two_builds(_ROOT, options.commit) as (old, new):
            print(f"{busy:.2f} of {os.cpu_count()} cores were busy with something else before it began.")
            held = [compare(name, old, new, options) for name in options.only or COMPARISONS]
    except (Refused, HostFailed) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted: the plant was ended and the worktrees were removed.", file=sys.stderr)
        return 130
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
