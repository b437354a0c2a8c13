"""The figures that must be equal in a run with faults and an undisturbed run, and the counts that must be zero."""

import json
from pathlib import Path
from typing import Final

from millwright.demo.summary import Summary

EQUAL: Final = ("data", "events", "rungs", "policies")
"""Figures that no fault may change: the data, the events by fate, the verdicts by rung and the scores. `events` is
without the events of our own patches of twins: these depend on holds, which an outage may change."""
DELAYED: Final = ("cases", "work_orders", "holds", "outcomes", "labels")
"""Figures that a vendor's outage may change: work that begins hours later may find another state of the machine, and a
hold whose placing was interrupted is not proved to be ours."""


def zeros(summary: Summary, cases_with_an_order: int) -> dict[str, int]:
    """The counts that must be zero, each with its meaning."""
    fates = sum(count for fate, count in summary.events.items() if fate != "received")
    orders = summary.plant.work_orders
    return {
        "events without a fate": summary.events["undecided"],
        "events received and not in any fate": abs(summary.events["received"] - fates),
        "cases left open": summary.cases.get("open", 0) + summary.cases.get("awaiting_release", 0),
        "orders doubled": summary.plant.doubled_orders,
        "orders lost": max(0, cases_with_an_order - orders),
        "orders that no case asked for": max(0, orders - cases_with_an_order),
        "holds doubled": summary.plant.doubled_holds,
        "holds left open": max(summary.plant.open_holds, summary.holds["left_open"]),
        "holds in the MES that we do not know": abs(
            summary.plant.holds - summary.holds["placements"] - summary.holds["unproven"] - summary.holds["walk_downs"]
        ),
        "verdicts not reproduced": summary.verdicts["stored"] - summary.verdicts["reproduced"],
        "ledger not verified": 0 if summary.ledger["verified"] else 1,
        "findings of the audit": len(summary.findings),
    }


def differences(undisturbed: Summary, tormented: Summary, names: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """The figures of the given names that differ, each with its value in the undisturbed run first."""
    calm, wild = _without_write_backs(undisturbed), _without_write_backs(tormented)
    found: dict[str, tuple[str, str]] = {}
    for name in names:
        _compare(name, calm[name], wild[name], found)
    return found


def _without_write_backs(summary: Summary) -> dict[str, object]:
    counted = dict(summary.events)
    for name in ("received", "not_an_anomaly"):
        counted[name] -= summary.write_backs
    return summary.model_dump(mode="json") | {"events": counted}


def read_summary(path: Path) -> Summary:
    """The summary that a run has written to a file."""
    return Summary.model_validate(json.loads(path.read_text()))


def _compare(path: str, calm: object, wild: object, found: dict[str, tuple[str, str]]) -> None:
    if isinstance(calm, dict) and isinstance(wild, dict):
        for key in sorted({*calm, *wild}):
            _compare(f"{path}.{key}", calm.get(key, 0), wild.get(key, 0), found)
    elif calm != wild:
        found[path] = (str(calm), str(wild))
