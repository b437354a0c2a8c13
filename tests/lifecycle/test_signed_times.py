"""The time of a signature: not ahead of the installation's, and not before the last change of the version."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain.approvals import APPROVE, EMERGENCY, WITHDRAW, withdrawing_meaning
from domain.errors import ActRejected, PolicyRejected
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.storage.policies.freezes import FreezeStore
from millwright.storage.policies.version_states import VersionStates
from tests.support.judged_plant import Plant
from tests.support.plant import LINE, deviation
from tests.support.policy_people import PolicyPeople, candidate

MINUTE = timedelta(minutes=1)


async def in_force(plant: Plant) -> str:
    """The version that acts on the line now."""
    now = plant.clock.now()
    found = await VersionStates(plant.engine).in_force(now, now, line=LINE)
    assert found.version is not None
    return found.version.removeprefix("rotating-equipment ")


async def findings(plant: Plant, directory: Path) -> list[str]:
    """What is found; the audit and the offline verifier find the same."""
    here = [(finding.kind, finding.where, finding.what) for finding in (await verify(plant.engine)).findings]
    await export(plant.engine, directory)
    assert here == [*map(tuple, offline_verify.verify(directory))]
    return [what for _, _, what in here]


async def test_a_signature_ahead_of_our_time_is_refused(plant: Plant, people: PolicyPeople) -> None:
    """It would be valid only later, and judging would stop if its key or role ended before."""
    digest = await people.submit(candidate())
    ahead = people.sign("bert", digest, APPROVE, None, plant.clock.now() + timedelta(seconds=1))
    with pytest.raises(ActRejected, match=r"at: the signature is of .*, not of now, .*sign again"):
        await people.lifecycle.approve(digest, ahead)
    await people.approve(digest)


async def test_an_end_of_canaries_that_do_not_exist_is_refused(plant: Plant, people: PolicyPeople) -> None:
    active = plant.digests["1.1.0"]
    signed = people.sign("anna", active, WITHDRAW, withdrawing_meaning("canary", "tidy up"))
    with pytest.raises(ActRejected, match="role: the version has no canary that could end"):
        await people.lifecycle.withdraw(active, "canary", "tidy up", signed)
    await plant.take(deviation(1))
    assert await in_force(plant) == "1.1.0"


async def test_an_approval_from_before_a_worse_backtest_is_refused(plant: Plant, people: PolicyPeople) -> None:
    """The approver has not seen what the version changes."""
    digest = await people.submit(candidate())
    plant.clock.time += 3 * MINUTE
    await people.backtest(digest, 5000, rungs=4)
    before = people.sign("bert", digest, APPROVE, None, plant.clock.now() - 2 * MINUTE)
    with pytest.raises(ActRejected, match=r"at: .*the version changed at .* \(look at the version, and sign again\)"):
        await people.lifecycle.approve(digest, before)
    await people.approve(digest)
    with pytest.raises(PolicyRejected, match="too few approvals"):
        await people.place(digest)


async def test_an_approval_does_not_revive_an_emergency_that_has_ended(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.submit(candidate())
    await people.place(digest, EMERGENCY)
    plant.clock.time += timedelta(hours=8, minutes=4)
    before = people.sign("bert", digest, APPROVE, None, plant.clock.now() - 4.5 * MINUTE)
    with pytest.raises(ActRejected, match=r"the version changed at"):
        await people.lifecycle.approve(digest, before)
    await people.approve(digest)
    assert await in_force(plant) == "1.1.0"


async def test_a_withdrawal_from_before_an_assignment_is_refused(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.approved()
    plant.clock.time += 30 * MINUTE
    await people.place(digest, "shadow")
    signed = people.sign("emil", digest, WITHDRAW, withdrawing_meaning(None, "no"), plant.clock.now() - 4 * MINUTE)
    with pytest.raises(ActRejected, match=r"the version changed at"):
        await people.lifecycle.withdraw(digest, None, "no", signed)


async def test_an_emergency_of_an_approved_version_ends_after_its_shift(plant: Plant, people: PolicyPeople) -> None:
    """One operator alone puts it in force, so it does not stay because of approvals that were given before."""
    digest = await people.approved()
    plant.clock.time += MINUTE
    await people.place(digest, EMERGENCY)
    assert await in_force(plant) == "1.2.0"
    plant.clock.time += timedelta(hours=8)
    assert await in_force(plant) == "1.1.0"


async def test_a_superseded_version_cannot_be_rolled_back(plant: Plant, people: PolicyPeople) -> None:
    """The old version would come in the place of the newest one, with which it was not compared."""
    first, second, third = [await people.approved(version) for version in ("1.2.0", "1.3.0", "1.4.0")]
    for digest in (first, second, third):
        plant.clock.time += 10 * MINUTE
        await people.place(digest)
    plant.clock.time += MINUTE
    await FreezeStore(plant.engine, plant.clock).freeze(None, plant.clock.now() + timedelta(hours=5), "fred", "audit")
    plant.clock.time += MINUTE
    with pytest.raises(ActRejected, match="is active nowhere"):
        await people.rollback(second, first, asks_for_no_more=True)
    assert await in_force(plant) == "1.4.0"
