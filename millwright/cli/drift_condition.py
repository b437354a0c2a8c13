"""The check of `doctor` on drift: when the last reconcile was finished, and what differs."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from millwright.bootstrap import Storage
from millwright.cli.hold_conditions import PartCondition
from millwright.storage.reporting.drift_lists import LastReconcile, last_reconciles, open_drift

LATE: Final = timedelta(days=2)
"""A night may be missed, because a system was away. Two are told."""


async def check_drift(storage: Storage, systems: Collection[str]) -> PartCondition:
    """Whether each CMMS was reconciled lately, and nothing differs."""
    runs = {run.system: run for run in await last_reconciles(storage.engine) if run.system in systems}
    now, differing = storage.clock.now(), await open_drift(storage.engine)
    late = [run for run in runs.values() if now - (run.last_finished_at or run.started_at) > LATE]
    told = [_finished(run) for run in runs.values()] or ["no reconcile has begun yet"]
    if late:
        reasons = "; ".join(f"{_finished(run)}: {run.problem or 'it goes on'}" for run in late)
        mend = "is `millwright worker` running, and do the CMMS and the twins answer?"
        return PartCondition(
            "drift", ok=False, sentence=f"no reconcile was finished for two days; {reasons}", mend=mend
        )
    if differing:
        kinds = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in differing.items())
        sentence = f"open differences: {sum(differing.values())} ({kinds}); {'; '.join(told)}"
        return PartCondition("drift", ok=False, sentence=sentence, mend="millwright drift list")
    return PartCondition("drift", ok=True, sentence=f"nothing differs; {'; '.join(told)}")


def _finished(run: LastReconcile) -> str:
    if run.last_finished_at is None:
        return f"the first reconcile of {run.system} began on {run.started_at:%Y-%m-%d %H:%M} UTC"
    return f"{run.system} was reconciled on {run.last_finished_at:%Y-%m-%d %H:%M} UTC"
