"""A policy of the small plant that uses what its machine does."""

from datetime import datetime
from functools import cache

from domain.operating import MachineState, OperatingState
from policies.engine.judging import CompiledPolicy, compile_policy
from tests.support.judged_plant import Plant
from tests.support.policy_people import PolicyPeople, candidate

MACHINE = "machine-001"
MES = "fake"
_RULES = """\
rules:
  - id: alarming-in-steady-state
    when: anomaly.kind == 'deviation' && anomaly.score > 4.0 && operating.steady_minutes >= 20.0
    then: { rung: draft, severity: S2, priority: 2, due_within: PT12H, review: planner }
    because: The machine has run steadily, so the shift tells of a fault.
    response: Inspect the component.

  - id: normal-while-it-starts
    when: anomaly.kind == 'deviation' && operating.known
    then: { rung: watch }
    because: The machine does not run steadily, so the shift is normal.
    response: None yet.

"""


@cache
def steady_candidate(version: str = "1.2.0", author: str = "anna") -> CompiledPolicy:
    """The shipped policy under another number. Its first rules use what the machine does."""
    text = candidate(version, author).text
    assert text.count("\nrules:\n") == 1
    return compile_policy(text.replace("\nrules:\n", f"\n{_RULES}", 1), f"{version}.yaml")


def said(state: MachineState, read_at: datetime, since: datetime | None = None, **more: object) -> OperatingState:
    """What an MES says of a machine."""
    return OperatingState.model_validate(
        {"state": state, "word": state.value, "read_at": read_at, "since": since, **more}
    )


async def put_in_force(plant: Plant, act: str = "activate") -> str:
    """Puts such a policy in force at the plant, or in shadow; gives its digest."""
    people = PolicyPeople(plant.engine, plant.clock)
    await people.arrive()
    digest = await people.submit(steady_candidate())
    await people.approve(digest)
    await people.place(digest, act)
    return digest
