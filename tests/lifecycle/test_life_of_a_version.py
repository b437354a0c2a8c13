"""From a draft to a rollback, on a real database with events being judged."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.approvals import APPROVE
from domain.assigning import Scope
from domain.canonical import canonical
from domain.errors import ActRejected, PolicyRejected
from domain.judging import LineEvent
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.offline_policies import approved_when
from millwright.audit.verifying import verify
from millwright.storage.events.register import RegisterStore
from millwright.storage.judging.lines import _LineWork
from millwright.storage.policies.act_transaction import add_evidence
from millwright.storage.policies.freezes import FreezeStore
from tests.support.judged_plant import Plant
from tests.support.plant import LINE, MOTOR, PUMP, code, deviation, register_elsewhere
from tests.support.policy_people import PolicyPeople, candidate

HOUR = timedelta(hours=1)


async def judged_by(plant: Plant, asset: str = PUMP) -> list[tuple[object, ...]]:
    """The version and role of the newest event's verdicts on an asset, the active one first."""
    return await plant.rows(
        "SELECT p.version, v.role FROM verdicts v JOIN policy_versions p ON p.digest = v.version "
        "WHERE v.event_id = (SELECT max(event_id) FROM verdicts WHERE asset = :asset) AND v.revision = 0 ORDER BY 2, 1",
        asset=asset,
    )


async def test_a_version_comes_into_force_only_when_enough_people_approved_it(
    plant: Plant, people: PolicyPeople
) -> None:
    digest = await people.submit(candidate(), assets=100)
    await people.approve(digest, "bert")
    with pytest.raises(PolicyRejected, match="too few approvals: only bert"):
        await people.place(digest)
    await people.approve(digest, "carla")
    await people.place(digest)
    await plant.take(deviation(1))
    assert await judged_by(plant) == [("1.2.0", "active"), ("1.0.0", "shadow")]
    assert (await verify(plant.engine)).findings == ()


async def test_without_a_backtest_it_takes_the_most_approvals(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.submit(candidate(), assets=None)
    await people.approve(digest, "bert", "carla")
    with pytest.raises(PolicyRejected, match="too few"):
        await people.place(digest)
    await people.approve(digest, "dora")
    await people.place(digest)


async def test_the_worst_backtest_counts_and_a_later_one_takes_nothing_back(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.submit(candidate(), assets=100)
    await people.backtest(digest, 1)
    await people.approve(digest, "bert")
    with pytest.raises(PolicyRejected, match="too few"):
        await people.place(digest)
    await people.approve(digest, "carla")
    plant.clock.time += HOUR
    await people.backtest(digest, 10_000)
    await people.place(digest)


async def test_a_version_that_adds_a_machine_to_those_released_without_a_person_takes_two(
    plant: Plant, people: PolicyPeople, tmp_path: Path
) -> None:
    digest = await people.submit(candidate(), assets=None)
    await people.backtest(digest, 0, 0, unattended=1)
    await people.approve(digest, "bert")
    with pytest.raises(PolicyRejected, match="too few approvals: only bert"):
        await people.place(digest)
    await people.approve(digest, "carla")
    await people.place(digest)
    assert (await verify(plant.engine)).findings == ()
    await export(plant.engine, tmp_path)
    assert [*offline_verify.verify(tmp_path)] == []
    (policy,) = [
        row
        for row in map(json.loads, (tmp_path / "policies.jsonl").read_text().splitlines())
        if row["digest"] == digest
    ]
    alone = [signature for signature in policy["signatures"] if signature["person"] != "carla"]
    assert approved_when(policy, policy["signatures"], first_light=False) is not None
    assert approved_when(policy, alone, first_light=False) is None


async def test_a_backtest_of_an_earlier_build_added_no_machine(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.submit(candidate(), assets=None)
    body = canonical({"changed": {"assets": 1, "max_rung_change": 1}}).decode()
    async with people.lifecycle.acting() as acting:
        await add_evidence(acting.connection, acting.entry, digest, "backtest", passed=True, body=body, by="anna")
    await people.approve(digest, "bert")
    await people.place(digest)
    assert (await verify(plant.engine)).findings == ()


async def test_a_draft_may_change_and_a_submitted_one_may_not(plant: Plant, people: PolicyPeople) -> None:
    first, second = candidate(), candidate()
    digest = await people.submit(first)
    with pytest.raises(PolicyRejected, match="can no longer change"):
        await people.submit(second)
    assert len(await people.drafts.drafts()) == 0
    assert (await people.drafts.find("rotating-equipment", "1.2.0")).digest == digest


async def test_a_draft_says_who_wrote_it_and_nobody_else_saves_it(people: PolicyPeople) -> None:
    policy = candidate(author="anna")
    with pytest.raises(ActRejected, match="names anna as its author"):
        await people.drafts.save(
            policy="p",
            version="1.0.0",
            digest=policy.digest,
            document=policy.text,
            cases="",
            author="anna",
            by="bert",
            reason="mine",
        )


async def test_a_future_activation_holds_from_its_date_and_its_memory_is_warm_then(
    plant: Plant, people: PolicyPeople
) -> None:
    digest = await people.approved()
    await plant.take(deviation(1), deviation(2), deviation(3))
    await people.place(digest, after=HOUR)
    await plant.take(deviation(4))
    assert await judged_by(plant) == [("1.1.0", "active"), ("1.0.0", "shadow")]
    plant.clock.time += HOUR
    await plant.take(code(5), deviation(5))
    assert await judged_by(plant) == [("1.2.0", "active"), ("1.0.0", "shadow")]
    seen = await plant.rows("SELECT (body::json->>'seen')::int FROM memories WHERE version = :v", v=digest)
    assert seen == [(6,)]
    before = await plant.rows(
        "SELECT DISTINCT role FROM verdicts WHERE version = :v AND at < '2015-01-10 11:00'", v=digest
    )
    assert before == [("shadow",)]
    assert (await verify(plant.engine)).findings == ()


async def seen_by(plant: Plant, digest: str) -> int:
    """How many events the memories of a version have in them."""
    [(seen,)] = await plant.rows("SELECT sum((body::json->>'seen')::int) FROM memories WHERE version = :v", v=digest)
    return int(str(seen))


async def test_a_memory_lacks_nothing_that_others_judged_behind_its_first_event(
    plant: Plant, people: PolicyPeople
) -> None:
    digest = await people.approved()
    plant.clock.time += 9 * HOUR
    await plant.take(deviation(1))
    await plant.take(deviation(3))
    await people.place(digest)
    await plant.take(deviation(2))
    assert await seen_by(plant, digest) == 2
    await plant.take(deviation(4))
    assert await seen_by(plant, digest) == 4
    assert (await verify(plant.engine)).findings == ()


async def test_what_others_judged_before_is_looked_for_once(
    plant: Plant, people: PolicyPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    really = _LineWork.unjudged

    async def unjudged(self: _LineWork, version: str, *rest: Any) -> Sequence[LineEvent]:
        looked.append(version)
        return await really(self, version, *rest)

    monkeypatch.setattr(_LineWork, "unjudged", unjudged)
    digest = await people.approved()
    plant.clock.time += 9 * HOUR
    await people.place(digest)
    for hour in (1, 2, 3):
        await plant.take(deviation(hour))
    assert looked.count(digest) == 1


async def test_an_activation_with_an_end_gives_back_to_what_stood_beneath_it(
    plant: Plant, people: PolicyPeople
) -> None:
    digest = await people.approved()
    await people.place(digest, to=plant.clock.now() + HOUR)
    await plant.take(deviation(1))
    plant.clock.time += HOUR
    await plant.take(deviation(2))
    assert await judged_by(plant) == [("1.1.0", "active"), ("1.0.0", "shadow")]
    [(seen,)] = await plant.rows(
        "SELECT (body::json->>'seen')::int FROM memories WHERE version = :v", v=plant.digests["1.1.0"]
    )
    assert seen == 2
    assert (await verify(plant.engine)).findings == ()


async def test_a_canary_judges_its_line_and_what_it_displaces_judges_beside_it(
    plant: Plant, people: PolicyPeople
) -> None:
    digest = await people.approved()
    number = await people.place(digest, "canary", Scope(line=LINE), band="{}")
    await plant.take(deviation(1))
    assert await judged_by(plant) == [("1.2.0", "active"), ("1.0.0", "shadow"), ("1.1.0", "shadow")]
    assert await people.lifecycle.halt(number, "precision fell")
    assert not await people.lifecycle.halt(number, "precision fell")
    await plant.take(deviation(2))
    assert await judged_by(plant) == [("1.1.0", "active"), ("1.0.0", "shadow")]
    assert (await verify(plant.engine)).findings == ()


async def test_a_canary_elsewhere_changes_nothing_here(plant: Plant, people: PolicyPeople) -> None:
    await RegisterStore(plant.engine, plant.clock).keep(register_elsewhere(), "tests")
    digest = await people.approved()
    await people.place(digest, "canary", Scope(line="LINE-2"), band="{}")
    await plant.take(deviation(1))
    assert await judged_by(plant) == [("1.1.0", "active"), ("1.0.0", "shadow")]


async def test_activating_a_canary_everywhere_ends_it_as_graduated(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.approved()
    await people.place(digest, "canary", Scope(line=LINE), band="{}")
    await people.place(digest)
    assert await plant.rows("SELECT cause FROM policy_assignment_ends") == [("graduated",)]
    assert (await verify(plant.engine)).findings == ()


async def test_a_rollback_puts_the_old_version_back_with_a_warm_memory(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.approved()
    await plant.take(deviation(1, asset=MOTOR))
    await people.place(digest)
    await plant.take(deviation(2, asset=MOTOR), deviation(3, asset=MOTOR))
    await people.rollback(digest, plant.digests["1.1.0"])
    await plant.take(deviation(4, asset=MOTOR))
    assert await judged_by(plant, MOTOR) == [("1.1.0", "active"), ("1.0.0", "shadow")]
    seen = await plant.rows(
        "SELECT (body::json->>'seen')::int FROM memories WHERE version = :v", v=plant.digests["1.1.0"]
    )
    assert seen == [(4,)]
    with pytest.raises(ActRejected, match="active nowhere"):
        await people.rollback(digest, plant.digests["1.1.0"])
    assert (await verify(plant.engine)).findings == ()


async def test_an_active_version_is_not_withdrawn_and_a_withdrawn_one_is_gone_for_good(
    plant: Plant, people: PolicyPeople
) -> None:
    digest = await people.approved()
    await people.place(digest)
    with pytest.raises(ActRejected, match="in force"):
        await people.withdraw(digest)
    await people.rollback(digest, plant.digests["1.1.0"])
    await people.place(digest, "shadow")
    assert await people.withdraw(digest) == 1
    with pytest.raises(PolicyRejected, match="withdrawn"):
        await people.place(digest)
    with pytest.raises(PolicyRejected, match="withdrawn"):
        await people.approve(digest, "carla")
    assert (await verify(plant.engine)).findings == ()


async def test_an_emergency_change_judges_at_once_and_ends_unless_approved_after(
    plant: Plant, people: PolicyPeople
) -> None:
    digest = await people.submit(candidate())
    await people.place(digest, "emergency", person="fred")
    await plant.take(deviation(1))
    assert (await judged_by(plant))[0] == ("1.2.0", "active")
    with pytest.raises(ActRejected, match="fred put this version in force"):
        await people.approve(digest, "fred")
    plant.clock.time += timedelta(hours=8)
    await plant.take(deviation(2))
    assert (await judged_by(plant))[0] == ("1.1.0", "active")
    assert (await verify(plant.engine)).findings == ()


async def test_an_emergency_change_approved_in_time_stays(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.submit(candidate())
    await people.place(digest, "emergency")
    plant.clock.time += 7 * HOUR
    await people.approve(digest, "bert")
    plant.clock.time += 7 * HOUR
    await plant.take(deviation(2))
    assert (await judged_by(plant))[0] == ("1.2.0", "active")


async def test_nothing_comes_into_force_in_a_freeze_but_an_emergency_or_a_rollback_that_asks_for_no_more(
    plant: Plant, people: PolicyPeople
) -> None:
    digest = await people.approved()
    freezes = FreezeStore(plant.engine, plant.clock)
    now = plant.clock.now()
    number = (await freezes.freeze(now, now + HOUR, "emil", "audit week")).freeze
    with pytest.raises(ActRejected, match="audit week"):
        await people.place(digest)
    with pytest.raises(ActRejected, match="audit week"):
        await people.place(digest, "canary", band="{}")
    await people.place(digest, "shadow")
    await people.place(digest, after=HOUR, scope=Scope(line=LINE))
    await people.place(digest, "emergency")
    await people.rollback(digest, plant.digests["1.1.0"], asks_for_no_more=True)
    await freezes.thaw(number, "fred", "the auditors left")
    await people.place(digest, after=timedelta(minutes=1))


async def test_what_was_in_force_then_is_not_rewritten(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.approved()
    with pytest.raises(ActRejected, match="is in the past"):
        await people.place(digest, after=-HOUR)


@pytest.mark.parametrize("person", ["anna", "emil"])
async def test_only_an_approver_who_did_not_write_it_approves(people: PolicyPeople, person: str) -> None:
    digest = await people.submit(candidate())
    with pytest.raises(ActRejected):
        await people.lifecycle.approve(digest, people.sign(person, digest, APPROVE))


async def test_a_version_whose_proof_failed_is_not_approved(people: PolicyPeople) -> None:
    digest = await people.submit(candidate())
    await people.lifecycle.attach(digest, "proof", passed=False, body="{}", by="anna")
    with pytest.raises(PolicyRejected, match="proof failed"):
        await people.approve(digest)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{}", "changed"),
        ("[]", "changed"),
        ('{"changed": []}', "changed"),
        ('{"changed": {"assets": 3}}', "changed.max_rung_change"),
        ('{"changed": {"assets": "three", "max_rung_change": 1}}', "changed.assets"),
        ('{"changed": {"assets": -1, "max_rung_change": 1}}', "changed.assets"),
        ('{"changed": {"assets": 3, "max_rung_change": 1}}', "changed.unattended"),
        ('{"changed": {"assets": 3, "max_rung_change": 1, "unattended": false}}', "changed.unattended"),
        ("nonsense", "body"),
    ],
)
async def test_a_backtest_that_does_not_say_what_it_changes_is_refused(
    people: PolicyPeople, body: str, field: str
) -> None:
    digest = await people.submit(candidate(), assets=None)
    with pytest.raises(ActRejected) as refused:
        await people.lifecycle.attach(digest, "backtest", passed=True, body=body, by="anna")
    assert refused.value.field == field


async def test_a_share_that_could_not_be_signed_whole_is_refused(people: PolicyPeople) -> None:
    digest = await people.approved()
    with pytest.raises(ActRejected, match="six digits"):
        await people.place(digest, "shadow", Scope(percent=33.3333333))
