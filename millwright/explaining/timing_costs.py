"""What the times for the work cost, in sentences."""

from decimal import Decimal

from policies.evaluation.timing_costs import TimingCosts


def timing_sentences(costs: TimingCosts) -> list[str]:
    """The sums of each currency, and how many decisions are not in them, with the reasons."""
    told = [
        (
            f"Expected cost of the times for the work, {costs.compared} of {costs.decided} decisions: "
            f"{_money(sums.as_decided, currency)} as decided, {_money(sums.least_cost, currency)} at the least cost, "
            f"{_money(sums.always_now, currency)} always now, "
            f"{_money(sums.always_planned_stop, currency)} always at the planned stop."
        )
        for currency, sums in costs.costs.items()
    ]
    told += [f"Left out: {count}, because {reason}." for reason, count in costs.left_out.items()]
    return told or ["No time for work was decided."]


def _money(amount: str, currency: str) -> str:
    return f"{Decimal(amount):,.0f} {currency}"
