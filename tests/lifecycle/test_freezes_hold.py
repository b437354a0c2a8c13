"""Freezes, rollbacks and emergencies: one person alone may only reduce what acts, and nothing begins in a freeze."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.assigning import EVERYWHERE, Scope
from domain.errors import ActRejected
from millwright.audit import offline_verify
from millwright.audit.evidence import write_evidence
from millwright.audit.exporting import export
from millwright.audit.offline_pack import verify_pack
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions, stores
from millwright.settings import Settings
from millwright.storage.policies.assignment_terms import Placing
from millwright.storage.policies.freezes import FreezeStore
from millwright.storage.policies.version_states import VersionStates
from millwright.worker.policy_watch import PolicyWatch
from tests.support.judged_plant import Plant
from tests.support.plant import LINE, deviation
from tests.support.policy_people import PolicyPeople, candidate

HOUR = timedelta(hours=1)


@pytest.fixture
def freezes(plant: Plant) -> FreezeStore:
    return FreezeStore(plant.engine, plant.clock)


async def acting(plant: Plant) -> str:
    """The version that acted on the newest event."""
    [(version,)] = await plant.rows(
        "SELECT p.version FROM verdicts v JOIN policy_versions p ON p.digest = v.version WHERE v.role = 'active' "
        "AND v.revision = 0 ORDER BY v.id DESC LIMIT 1"
    )
    return str(version)


async def verified(plant: Plant, directory: Path) -> tuple[list[str], list[str]]:
    """What the audit and the offline verifier find."""
    await export(plant.engine, directory)
    here = [f"{finding.where}: {finding.what}" for finding in (await verify(plant.engine)).findings]
    return here, [f"{finding.where}: {finding.what}" for finding in offline_verify.verify(directory)]


async def test_what_was_signed_before_a_freeze_does_not_start_in_it_and_not_after_it(
    plant: Plant, people: PolicyPeople, freezes: FreezeStore, tmp_path: Path
) -> None:
    digest = await people.approved()
    await people.place(digest, after=2 * HOUR)
    await plant.take(deviation(1))
    plant.clock.time += HOUR
    now = plant.clock.now()
    declared = await freezes.freeze(now, now + 2 * HOUR, "emil", "audit week")
    assert declared.kept_out == 1
    plant.clock.time += HOUR
    await plant.take(deviation(2))
    in_the_freeze = await acting(plant)
    plant.clock.time += 3 * HOUR
    await plant.take(deviation(3))
    assert (in_the_freeze, await acting(plant)) == ("1.1.0", "1.1.0")
    states = {state.version: state for state in await VersionStates(plant.engine).all(plant.clock.now())}
    assert states["1.2.0"].state == "approved"
    assert states["1.2.0"].places == ("kept out by a freeze as active for every line at 2015-01-15 08:00 UTC",)
    assert await verified(plant, tmp_path / "export") == ([], [])
    pack = await write_evidence(plant.engine, plant.catalogue, "1.1.0", tmp_path, plant.clock.now(), ZoneInfo("UTC"))
    assert [*verify_pack(pack.json_file)] == []


async def test_a_person_signs_again_what_a_freeze_kept_out(
    plant: Plant, people: PolicyPeople, freezes: FreezeStore
) -> None:
    digest = await people.approved()
    await people.place(digest, after=2 * HOUR)
    plant.clock.time += HOUR
    await freezes.freeze(None, plant.clock.now() + 2 * HOUR, "emil", "audit week")
    plant.clock.time += 3 * HOUR
    await people.place(digest)
    await plant.take(deviation(1))
    assert await acting(plant) == "1.2.0"
    assert (await verify(plant.engine)).findings == ()


async def test_a_freeze_that_is_lifted_before_keeps_nothing_out(
    plant: Plant, people: PolicyPeople, freezes: FreezeStore
) -> None:
    digest = await people.approved()
    await people.place(digest, after=2 * HOUR)
    plant.clock.time += HOUR / 2
    number = (await freezes.freeze(None, plant.clock.now() + 2 * HOUR, "emil", "audit week")).freeze
    plant.clock.time += HOUR / 2
    await freezes.thaw(number, "fred", "the auditors left")
    plant.clock.time += HOUR
    await plant.take(deviation(1))
    assert await acting(plant) == "1.2.0"
    assert (await verify(plant.engine)).findings == ()


async def test_what_acts_already_goes_on_acting_in_a_freeze(
    plant: Plant, people: PolicyPeople, freezes: FreezeStore
) -> None:
    digest = await people.approved()
    await people.place(digest)
    await plant.take(deviation(1))
    await freezes.freeze(None, plant.clock.now() + 2 * HOUR, "emil", "audit week")
    await plant.take(deviation(2))
    assert await acting(plant) == "1.2.0"
    plant.clock.time += HOUR
    await plant.take(deviation(3))
    assert await acting(plant) == "1.2.0"
    assert (await verify(plant.engine)).findings == ()


async def test_a_start_a_moment_ago_does_not_slip_past_a_freeze_that_has_begun_since(
    plant: Plant, people: PolicyPeople, freezes: FreezeStore
) -> None:
    digest = await people.approved()
    plant.clock.time += timedelta(minutes=1)
    await freezes.freeze(None, plant.clock.now() + HOUR, "emil", "audit week")
    plant.clock.time += timedelta(minutes=1)
    with pytest.raises(ActRejected, match="audit week"):
        await people.place(digest, after=-timedelta(minutes=3))


async def test_that_a_freeze_kept_a_version_out_is_recorded_once(
    plant: Plant, people: PolicyPeople, freezes: FreezeStore
) -> None:
    watch = PolicyWatch(stores(plant.engine, plant.clock, StoredVersions(plant.catalogue), Settings()))
    await people.place(await people.approved(), after=2 * HOUR)
    plant.clock.time += HOUR
    await freezes.freeze(None, plant.clock.now() + 2 * HOUR, "emil", "audit week")
    plant.clock.time += HOUR
    await watch.look()
    await watch.look()
    kinds = await plant.rows("SELECT kind FROM acts WHERE kind IN ('policy-came-into-force', 'policy-kept-out')")
    assert kinds == [("policy-kept-out",)]


async def test_a_freeze_does_not_begin_in_the_past(plant: Plant, freezes: FreezeStore, people: PolicyPeople) -> None:
    now = plant.clock.now()
    with pytest.raises(ActRejected, match="is in the past"):
        await freezes.freeze(now - HOUR, now + HOUR, "emil", "audit week")


async def test_another_person_lifts_a_freeze(plant: Plant, freezes: FreezeStore, people: PolicyPeople) -> None:
    number = (await freezes.freeze(None, plant.clock.now() + HOUR, "fred", "audit week")).freeze
    with pytest.raises(ActRejected, match="fred declared it, so another person must lift it"):
        await freezes.thaw(number, "fred", "never mind")
    await freezes.thaw(number, "emil", "the auditors left")


async def test_a_shipped_version_is_not_activated_in_the_past_once_events_were_judged(
    plant: Plant, people: PolicyPeople
) -> None:
    await plant.take(deviation(1))
    with pytest.raises(ActRejected, match="is in the past"):
        await people.place(plant.digests["1.0.0"], after=-HOUR)


async def test_a_rollback_to_a_version_that_never_was_in_force_there_is_refused(
    plant: Plant, people: PolicyPeople
) -> None:
    digest = await people.approved()
    await people.place(digest)
    with pytest.raises(ActRejected, match="was never active for every line"):
        await people.rollback(digest, plant.digests["1.0.0"])
    await people.rollback(digest, plant.digests["1.1.0"])


async def test_a_rollback_on_a_line_to_what_was_in_force_on_another_is_refused(
    plant: Plant, people: PolicyPeople
) -> None:
    first, second = await people.approved("1.2.0"), await people.approved("1.3.0")
    await people.place(first, scope=Scope(asset_class="pump"))
    await people.place(second, scope=Scope(line=LINE))
    with pytest.raises(ActRejected, match=f"was never active for line {LINE}"):
        await people.rollback(second, first)


async def test_a_rollback_to_what_a_freeze_kept_out_is_refused(
    plant: Plant, people: PolicyPeople, freezes: FreezeStore
) -> None:
    first, second = await people.approved("1.2.0"), await people.approved("1.3.0")
    await people.place(first, after=2 * HOUR)
    plant.clock.time += HOUR
    await freezes.freeze(None, plant.clock.now() + 2 * HOUR, "emil", "audit week")
    plant.clock.time += 3 * HOUR
    await people.place(second)
    with pytest.raises(ActRejected, match="was never active"):
        await people.rollback(second, first)


async def test_in_a_freeze_a_rollback_must_be_proved_to_ask_for_no_more(
    plant: Plant, people: PolicyPeople, freezes: FreezeStore, tmp_path: Path
) -> None:
    digest, old = await people.approved(), plant.digests["1.1.0"]
    await people.place(digest)
    plant.clock.time += HOUR
    await freezes.freeze(None, plant.clock.now() + 2 * HOUR, "emil", "audit week")
    plant.clock.time += HOUR
    assert await people.lifecycle.must_ask_for_no_more(old, "emil")
    with pytest.raises(ActRejected, match=r"it is not proved that .* never asks for more .* audit week"):
        await people.rollback(digest, old)
    await people.rollback(digest, old, asks_for_no_more=True)
    await plant.take(deviation(1))
    assert await acting(plant) == "1.1.0"
    assert await verified(plant, tmp_path) == ([], [])


async def test_who_alone_approved_a_version_does_not_put_it_in_force(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.submit(candidate())
    await people.approve(digest, "fred")
    with pytest.raises(ActRejected, match="nobody but fred has approved version"):
        await people.place(digest, person="fred")
    with pytest.raises(ActRejected, match="nobody but fred has approved version"):
        await people.place(digest, "canary", Scope(line=LINE), band="{}", person="fred")
    await people.place(digest, person="emil")
    later = await people.approved("1.3.0")
    await people.place(later)
    with pytest.raises(ActRejected, match="nobody but fred has approved version"):
        await people.rollback(later, digest, person="fred")
    await people.rollback(later, digest, person="fred", asks_for_no_more=True)
    assert (await verify(plant.engine)).findings == ()


async def test_an_emergency_begins_when_it_is_signed(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.submit(candidate())
    with pytest.raises(ActRejected, match="an emergency begins when it is signed"):
        await people.place(digest, "emergency", after=HOUR)


async def test_a_version_is_an_emergency_once_until_it_is_approved(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.submit(candidate())
    await people.place(digest, "emergency")
    plant.clock.time += 9 * HOUR
    with pytest.raises(ActRejected, match=r"emil put it in force as an emergency at .*; it may be once"):
        await people.place(digest, "emergency", person="fred")
    await people.approve(digest, "bert")
    await people.place(digest, "emergency", person="fred")
    assert (await verify(plant.engine)).findings == ()


async def test_who_approved_a_version_does_not_sign_its_emergency(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.submit(candidate(), assets=100)
    await people.approve(digest, "fred")
    with pytest.raises(ActRejected, match="fred has approved this version"):
        await people.place(digest, "emergency", person="fred")


async def test_a_signature_from_the_future_is_refused(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.approved()
    at = plant.clock.now() + timedelta(minutes=6)
    terms = Placing("activate", (EVERYWHERE,), at, "soon")
    with pytest.raises(ActRejected, match="not of now"):
        await people.lifecycle.place(digest, terms, people.sign("emil", digest, "activate", terms.meaning, at))
