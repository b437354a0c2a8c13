"""The chart of the page on urgency, drawn from the engine's prices: `python -m tests.support.urgency_chart`."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from domain.pricing import WorkTime
from policies.engine.prices import ExactPrice, PriceInputs, cheapest, prices

CHART = Path(__file__).resolve().parents[2] / "docs" / "images" / "urgency.svg"
EXAMPLE = PriceInputs(
    lost_production=Fraction(900),
    changeover=Fraction(350),
    scrap=Fraction(600),
    crew=Fraction(85),
    crew_otherwise=Fraction(140),
    repair=Fraction(4),
    repair_after_failure=Fraction(14),
    stop_lasts=Fraction(8),
    damage=Fraction(2500),
    shortest=Fraction(0),
    longest=Fraction(72),
    elapsed=Fraction(2),
    breaks_job=True,
    to_batch_end=Fraction(3),
    to_stop=Fraction(14),
    derating=Fraction(100),
    stretches_life=Fraction(2),
    regular={
        WorkTime.NOW: True,
        WorkTime.AFTER_BATCH: True,
        WorkTime.PLANNED_STOP: False,
        WorkTime.DERATED: False,
    },
)
"""The worked example of the page: Monday noon, two hours after the fault was seen."""
LEAD_TIMES = tuple(range(16, 169, 4))
"""The longest lead times that are drawn, in hours."""

LEFT, TOP, WIDTH, HEIGHT = 64, 24, 520, 300
HOURS, EUR = (12, 168), 18_000
_COLOURS = {
    WorkTime.NOW: "#b3541e",
    WorkTime.AFTER_BATCH: "#7a6a00",
    WorkTime.PLANNED_STOP: "#20639b",
    WorkTime.DERATED: "#3a7d44",
}
_LABELS = {
    WorkTime.NOW: "now",
    WorkTime.AFTER_BATCH: "after the batch",
    WorkTime.PLANNED_STOP: "planned stop",
    WorkTime.DERATED: "derated until the planned stop",
}


def place(hours: float, eur: float) -> tuple[float, float]:
    """Where a lead time and a cost are in the picture, in its units, rounded to 0.01."""
    along = (hours - HOURS[0]) / (HOURS[1] - HOURS[0])
    return round(LEFT + WIDTH * along, 2), round(TOP + HEIGHT * (1 - eur / EUR), 2)


def drawn() -> str:
    """The chart as SVG text."""
    size = f"0 0 {LEFT + WIDTH + 24} {TOP + HEIGHT + 120}"
    described = 'font-family="sans-serif" font-size="12" role="img" aria-labelledby="title"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" {described}>',
        '<title id="title">Expected cost of each time for the work against the longest lead time</title>',
        f'<rect width="100%" height="100%" fill="#ffffff"/><g stroke="#d9d9d9" fill="#444444">{_grid()}</g>',
    ]
    lines += [_curve(time) for time in WorkTime]
    lines += [_legend(number, time) for number, time in enumerate(WorkTime)]
    lines += [_chosen(), "</svg>"]
    return "\n".join(lines) + "\n"


def _grid() -> str:
    parts = []
    for eur in range(0, EUR + 1, 3_000):
        x, y = place(HOURS[0], eur)
        parts.append(f'<line x1="{x}" y1="{y}" x2="{LEFT + WIDTH}" y2="{y}"/>')
        parts.append(f'<text x="{x - 8}" y="{y + 4}" text-anchor="end" stroke="none">{eur:,}</text>')
    for hours in range(24, HOURS[1] + 1, 24):
        x, y = place(hours, 0)
        parts.append(f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{y}"/>')
        parts.append(f'<text x="{x}" y="{y + 16}" text-anchor="middle" stroke="none">{hours}</text>')
    x, y = place(HOURS[1], 0)
    parts.append(f'<text x="{x}" y="{y + 34}" text-anchor="end" stroke="none">longest lead time, hours</text>')
    parts.append(f'<text x="8" y="{TOP - 8}" stroke="none">expected cost, EUR</text>')
    return "".join(parts)


def _curve(time: WorkTime) -> str:
    costs = [(hours, next(each.total for each in _prices(hours) if each.time is time)) for hours in LEAD_TIMES]
    points = " ".join(f"{x},{y}" for x, y in (place(hours, float(cost)) for hours, cost in costs))
    return f'<polyline id="{time}" fill="none" stroke="{_COLOURS[time]}" stroke-width="2" points="{points}"/>'


def _legend(number: int, time: WorkTime) -> str:
    x, y = LEFT + number % 2 * WIDTH // 2, TOP + HEIGHT + 60 + number // 2 * 20
    return (
        f'<line x1="{x}" y1="{y - 4}" x2="{x + 24}" y2="{y - 4}" stroke="{_COLOURS[time]}" stroke-width="2"/>'
        f'<text x="{x + 32}" y="{y}" fill="#444444">{_LABELS[time]}</text>'
    )


def _chosen() -> str:
    """A band below the axis in the colour of the time that costs least."""
    step = LEAD_TIMES[1] - LEAD_TIMES[0]
    parts = []
    for hours in LEAD_TIMES[:-1]:
        x, y = place(hours, 0)
        width = round(place(hours + step, 0)[0] - x, 2)
        colour = _COLOURS[cheapest(_prices(hours)).time]
        parts.append(f'<rect x="{x}" y="{y - 5}" width="{width}" height="5" fill="{colour}"/>')
    return "".join(parts)


def _prices(longest: int) -> tuple[ExactPrice, ...]:
    return prices(replace(EXAMPLE, longest=Fraction(longest)))


if __name__ == "__main__":
    CHART.write_text(drawn(), encoding="utf-8")
