"""A policy of the small plant that uses the work that was done on its assets."""

from datetime import datetime
from functools import cache

from domain.maintenance_history import MaintenanceHistory, WorkDone, WorkKind, newest
from policies.engine.judging import CompiledPolicy, compile_policy
from tests.support.judged_plant import Plant
from tests.support.policy_people import PolicyPeople, candidate

CMMS = "fake"
_RULES = """\
rules:
  - id: just-repaired
    when: anomaly.kind == 'deviation' && anomaly.score > 4.0 && maintenance.since_work_hours < 48.0
    then: { rung: inspect, severity: S3, priority: 3, due_within: PT12H }
    because: Work was done on the asset within two days, so the shift may be of the repair.
    response: Look at the repair before anything is ordered.

  - id: shifted
    when: anomaly.kind == 'deviation' && anomaly.score > 4.0 && maintenance.known
    then: { rung: draft, severity: S2, priority: 2, due_within: PT12H, review: planner }
    because: Nobody has worked on the asset lately, so the shift tells of a fault.
    response: Inspect the component.

"""


@cache
def repaired_candidate(version: str = "1.2.0", author: str = "anna") -> CompiledPolicy:
    """The shipped policy under another number. Its first rules use the work on the asset."""
    text = candidate(version, author).text
    assert text.count("\nrules:\n") == 1
    return compile_policy(text.replace("\nrules:\n", f"\n{_RULES}", 1), f"{version}.yaml")


def history(read_at: datetime, *done_at: datetime, complete: bool = True) -> MaintenanceHistory:
    """What a CMMS says of an asset: repairs at these times."""
    work = [WorkDone(record=f"{at:%j%H%M}", done_at=at, kind=WorkKind.CORRECTIVE, failure_mode="LOO") for at in done_at]
    return MaintenanceHistory(read_at=read_at, complete=complete, work=newest(work))


async def put_repaired_in_force(plant: Plant, act: str = "activate") -> str:
    """Puts such a policy in force at the plant, or in shadow; gives its digest."""
    people = PolicyPeople(plant.engine, plant.clock)
    await people.arrive()
    digest = await people.submit(repaired_candidate())
    await people.approve(digest)
    await people.place(digest, act)
    return digest
