"""Assignments that a person signed and wrote past every check of the product: each is named, here and offline."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.approvals import ACTIVATE, APPROVE, CANARY, EMERGENCY, ROLLBACK
from domain.assigning import EVERYWHERE, Scope
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.storage.policies.act_transaction import Acting
from millwright.storage.policies.assignment_terms import Placing
from millwright.storage.policies.freezes import FreezeStore
from tests.support.judged_plant import Plant
from tests.support.plant import LINE, deviation
from tests.support.policy_people import PolicyPeople, candidate

HOUR = timedelta(hours=1)
OF_1_2_0 = "policy-assignment: policy rotating-equipment 1.2.0: as"


class Insider:
    """An operator who writes to the database: the signature and the ledger are sound, and nothing was checked."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.plant = Plant(engine)
        self.people = PolicyPeople(engine, self.plant.clock)
        self.freezes = FreezeStore(engine, self.plant.clock)

    async def place(self, digest: str, act: str, person: str = "emil", *, replaces: str | None = None) -> None:
        """Writes an assignment that begins now."""
        band = "{}" if act == CANARY else None
        scope = Scope(line=LINE) if act == CANARY else EVERYWHERE
        terms = Placing(act, (scope,), self.plant.clock.now(), "why not", None, band, replaces)
        async with self.people.lifecycle.acting() as acting:
            signed = await acting.sign(digest, self.people.sign(person, digest, act, terms.meaning), act, terms.meaning)
            await acting.place(digest, terms, signed, person)

    async def findings(self, directory: Path) -> list[str]:
        """What is found; the audit and the offline verifier find the same."""
        here = [(finding.kind, finding.where, finding.what) for finding in (await verify(self.plant.engine)).findings]
        await export(self.plant.engine, directory)
        assert here == [*map(tuple, offline_verify.verify(directory))]
        return [f"{kind}: {where}: {what}" for kind, where, what in here]


@pytest.fixture
async def insider(storage_engine: AsyncEngine) -> Insider:
    made = Insider(storage_engine)
    await made.plant.prepare()
    await made.people.arrive()
    return made


@pytest.mark.parametrize(("act", "role", "where"), [(ACTIVATE, "active", "every line"), (CANARY, "canary", "line L1")])
async def test_an_assignment_that_begins_in_a_freeze_is_named_and_does_not_judge(
    insider: Insider, tmp_path: Path, act: str, role: str, where: str
) -> None:
    digest = await insider.people.approved()
    await insider.freezes.freeze(None, insider.plant.clock.now() + 3 * HOUR, "fred", "audit week")
    insider.plant.clock.time += HOUR
    await insider.place(digest, act)
    await insider.plant.take(deviation(1))
    found = await insider.findings(tmp_path)
    said = "was signed by emil to come into force in freeze window 1"
    assert found == [f"{OF_1_2_0} {role} for {where.replace('L1', LINE)}: {said}"]
    judged = await insider.plant.rows("SELECT DISTINCT version FROM verdicts WHERE role = 'active'")
    assert judged == [(insider.plant.digests["1.1.0"],)]


async def test_a_rollback_in_a_freeze_without_a_proof_is_named(insider: Insider, tmp_path: Path) -> None:
    digest, old = await insider.people.approved(), insider.plant.digests["1.1.0"]
    await insider.people.place(digest)
    await insider.freezes.freeze(None, insider.plant.clock.now() + 3 * HOUR, "fred", "audit week")
    insider.plant.clock.time += HOUR
    await insider.place(old, ROLLBACK, replaces=digest)
    [found] = await insider.findings(tmp_path)
    assert found.endswith("as active for every line: was signed by emil to come into force in freeze window 1")


async def test_a_rollback_to_what_never_was_in_force_there_is_named(insider: Insider, tmp_path: Path) -> None:
    await insider.place(insider.plant.digests["1.0.0"], ROLLBACK, replaces=insider.plant.digests["1.1.0"])
    [found] = await insider.findings(tmp_path)
    assert found.endswith("1.0.0: as active for every line: was rolled back to, and was never active there")


async def test_an_assignment_by_the_only_person_who_approved_it_is_named(insider: Insider, tmp_path: Path) -> None:
    digest = await insider.people.submit(candidate())
    await insider.people.approve(digest, "fred")
    await insider.place(digest, ACTIVATE, "fred")
    said = "nobody but fred, who put it in force, had approved it"
    assert await insider.findings(tmp_path) == [f"{OF_1_2_0} active for every line: {said}"]


async def test_a_second_emergency_of_a_version_is_named(insider: Insider, tmp_path: Path) -> None:
    digest = await insider.people.submit(candidate())
    await insider.people.place(digest, EMERGENCY)
    insider.plant.clock.time += 9 * HOUR
    await insider.place(digest, EMERGENCY, "fred")
    [found] = await insider.findings(tmp_path)
    assert found.endswith("is another emergency of a version that nobody had approved since the first")


async def test_a_rollback_of_a_superseded_version_is_named(insider: Insider, tmp_path: Path) -> None:
    first, second, third = [await insider.people.approved(version) for version in ("1.2.0", "1.3.0", "1.4.0")]
    for digest in (first, second, third):
        insider.plant.clock.time += HOUR
        await insider.people.place(digest)
    insider.plant.clock.time += HOUR
    await insider.place(first, ROLLBACK, replaces=second)
    said = "was rolled back to, in the place of another version than the one named"
    assert await insider.findings(tmp_path) == [f"{OF_1_2_0} active for every line: {said}"]


async def test_an_approval_from_before_a_backtest_that_was_recorded_earlier_is_named(
    insider: Insider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = await insider.people.submit(candidate())
    insider.plant.clock.time += timedelta(minutes=3)
    await insider.people.backtest(digest, 5000, rungs=4)
    monkeypatch.setattr(Acting, "_check_after_changes", lambda *_: None)
    at = insider.plant.clock.now() - timedelta(minutes=2)
    await insider.people.lifecycle.approve(digest, insider.people.sign("bert", digest, APPROVE, None, at))
    said = "the approve signature of bert has a time before the change that it follows"
    assert await insider.findings(tmp_path) == [f"policy-signature: policy rotating-equipment 1.2.0: {said}"]
