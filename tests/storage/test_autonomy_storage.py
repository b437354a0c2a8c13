"""Autonomy on a real database: earned by findings, signed by a person, lost at once, and never forged."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.autonomy import Autonomy
from activities.outcomes import Outcomes
from activities.progress import CaseRef
from activities.returns_to_normal import ReturnsToNormal
from domain.autonomy import AutonomyAdvice, AutonomyKey, AutonomyMove, AutonomyRecord, AutonomyState, AutonomyTerms
from domain.canonical import timestamp
from domain.cases import CaseView
from domain.errors import ActRejected
from domain.keys import signed_statement
from domain.outcomes import OutcomeClass
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.returns_to_normal import NormalStore
from millwright.storage.policies.autonomy import AutonomyStore, act_of
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.signatures import Signature
from policies.engine.catalogue import Catalogue
from policies.language.schema import Autonomy as Terms
from policies.statistics import autonomy as pure
from tests.support.completed_work import completed, stated
from tests.support.judged_plant import Plant
from tests.support.people import add
from tests.support.plant import START, code, deviation
from tests.support.twin_writes import whole_write
from tests.workflows.fake_plant import FakeTwins

KEY = AutonomyKey("rotating-equipment", "pump", "PDE")
ENFORCED = AutonomyTerms(enforce=True, automatic=False)
DOCUMENT = Terms.model_validate(
    {"default": "review", "promote_at": {"precision_lower_bound": 0.9, "confirmed": 20}, "enforce": True}
)
_CASE = """
INSERT INTO cases (id, asset, failure_mode, machine, line, opened_by, opened_at, event_at, last_event_at, version,
                   verdict, rung, phase, closed_at, closed_as)
VALUES (:id, 'machine-001-comp1', 'PDE', 'machine-001', 'LINE-1', 1, :at, :at, :at, 'v', CAST(:verdict AS jsonb), :rung,
        'closed', :at, 'done')
"""
_OUTCOME = """
INSERT INTO outcomes (case_id, outcome, cancelled, found_at, body) VALUES (:id, :outcome, :cancelled, :at, '{}')
"""
_FORGED = """
INSERT INTO autonomy_moves
    (policy, asset_class, failure_mode, move, confirmed, wrong, at, by, reason, digest, signature)
SELECT policy, asset_class, failure_mode, 'promoted', confirmed, wrong, at, 'ada', 'forged', digest,
       '{"meaning": "x", "at": "2015-01-01T00:00:00.000000Z", "signature": "00"}' FROM autonomy_moves
"""

_WRITTEN = """
INSERT INTO autonomy_moves
    (policy, asset_class, failure_mode, move, confirmed, wrong, at, by, reason, digest, signature)
SELECT policy, asset_class, failure_mode, :move, confirmed, wrong, :at, CAST(:by AS text), 'seen', :digest,
       CAST(:signature AS jsonb)
FROM autonomy_moves WHERE move = 'proposed' AND CAST(:by AS text) IS NOT NULL
"""


class Enforcing(Catalogue):
    """The shipped versions, as if they enforced autonomy."""

    def autonomy(self, version: str) -> AutonomyTerms:
        return ENFORCED

    def weigh_autonomy(self, version: str, record: AutonomyRecord) -> AutonomyAdvice | None:
        return pure.weigh(DOCUMENT, record)


class AutonomyPlant:
    """A plant with an approver, one case at work, and findings as they come."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.plant = Plant(engine)
        self.store = AutonomyStore(engine, self.plant.clock)
        self.autonomy = Autonomy(Enforcing(), self.store)
        self.keys = {name: Ed25519PrivateKey.generate() for name in ("ada", "bert", "otto")}
        self._number = 0

    async def open(self) -> CaseView:
        await self.plant.prepare()
        people = PeopleStore(self.plant.engine)
        await add(people, "ada", ["approver"], START, key=self.keys["ada"])
        await add(people, "bert", ["approver"], START, key=self.keys["bert"])
        await add(people, "otto", ["operator"], START, key=self.keys["otto"])
        await self.plant.take(deviation(1), code(2), deviation(3))
        (case,) = (row[0] for row in await self.plant.rows("SELECT id FROM cases"))
        cases = CaseStore(self.plant.engine, self.plant.clock, StoredVersions(self.plant.catalogue))
        view, _ = await cases.view(str(case))
        return view

    async def found(self, outcome: str, number: int = 1, *, rung: int = 4, cancelled: bool = False) -> None:
        """So many finished cases more."""
        self.plant.clock.time += timedelta(hours=1)
        at = self.plant.clock.now()
        async with self.plant.engine.begin() as connection:
            for _ in range(number):
                self._number += 1
                values = {"id": f"c{self._number}", "at": at, "rung": rung, "outcome": outcome, "cancelled": cancelled}
                verdict = json.dumps({"policy": "rotating-equipment"})
                await connection.execute(text(_CASE), {**values, "verdict": verdict})
                await connection.execute(text(_OUTCOME), values)

    async def record(self) -> AutonomyRecord:
        return await self.store.record(KEY, ENFORCED)

    async def decide(self, move: AutonomyMove, by: str = "ada", *, digest: str | None = None) -> AutonomyMove:
        now = self.plant.clock.now()
        record = await self.record()
        signed = self.signed(digest or record.digest(KEY), by, move)
        return (await self.store.decided(KEY, ENFORCED, move, Signature(**signed, at=now))).move

    def signed(self, digest: str, by: str, move: AutonomyMove = AutonomyMove.PROMOTED) -> dict[str, Any]:
        """What a person signs of a record now, and with what."""
        statement = signed_statement(digest, act_of(move), "seen", timestamp(self.plant.clock.now()), by)
        key = self.keys[by]
        public = key.public_key().public_bytes_raw().hex()
        told = {"act": act_of(move), "person": by, "meaning": "seen", "public_key": public}
        return {**told, "signature": key.sign(statement).hex()}

    async def promote(self) -> None:
        """Two approvers sign."""
        await self.decide(AutonomyMove.PROMOTED)
        await self.decide(AutonomyMove.PROMOTED, "bert")

    async def write(self, move: str, by: str | None, digest: str) -> None:
        """Whoever has the database writes a move beside the product; nothing if it is nobody's."""
        now = self.plant.clock.now()
        signed = {} if by is None else self.signed(digest, by)
        told = {name: signed.get(name) for name in ("meaning", "signature")} | {"at": timestamp(now)}
        values = {"move": move, "by": by, "at": now, "digest": digest, "signature": json.dumps(told)}
        async with self.plant.engine.begin() as connection:
            await connection.execute(text(_WRITTEN), values)

    async def moves(self) -> Sequence[tuple[object, ...]]:
        return await self.plant.rows("SELECT move, confirmed, wrong, by FROM autonomy_moves ORDER BY id")


async def test_autonomy_is_earned_signed_and_lost_at_once_and_earned_anew(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    assert not await plant.autonomy.released(view)
    await plant.found("confirmed", 34)
    await plant.autonomy.learn(view)
    assert (await plant.record()).state is AutonomyState.REVIEW
    await plant.found("confirmed")
    await plant.autonomy.learn(view)
    await plant.autonomy.learn(view)
    assert (await plant.record()).state is AutonomyState.PROPOSED
    assert not await plant.autonomy.released(view)
    await plant.promote()
    assert await plant.autonomy.released(view)
    await plant.found("nothing_found")
    await plant.autonomy.learn(view)
    assert not await plant.autonomy.released(view)
    plant.plant.clock.time += timedelta(hours=1)
    await plant.found("confirmed", 20)
    await plant.autonomy.learn(view)
    assert (await plant.record()).confirmed == 20
    assert await plant.moves() == [
        ("proposed", 35, 0, "millwright"),
        ("approved", 35, 0, "ada"),
        ("promoted", 35, 0, "bert"),
        ("lost", 35, 1, "millwright"),
    ]
    kinds = await plant.plant.rows("SELECT kind FROM acts WHERE subject = :s ORDER BY id", s=KEY.subject)
    assert [kind for (kind,) in kinds] == [
        "autonomy-proposed",
        "autonomy-approved",
        "autonomy-promoted",
        "autonomy-lost",
    ]
    # The finished cases were written by this test and not by the steps of a case, which the audit sees.
    assert {finding.kind for finding in (await verify(storage_engine)).findings} <= {"case", "outcome"}


async def test_an_outcome_that_a_person_states_counts_though_its_step_was_over(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    cases = CaseStore(storage_engine, plant.plant.clock, StoredVersions(plant.plant.catalogue))
    await completed(cases, view.id)
    await plant.found("confirmed", 34)
    await cases.state_outcome(view.id, OutcomeClass.CONFIRMED, stated("pia"))
    await cases.record_twin_update(view.id, whole_write('W/"1"'), OutcomeClass.CONFIRMED)
    twins: Any = FakeTwins()
    clock = plant.plant.clock
    normals = ReturnsToNormal(NormalStore(storage_engine, clock), plant.plant.catalogue, clock)
    await Outcomes(cases, twins, {}, plant.autonomy, clock, {}, normals).keep_label(CaseRef(case=view.id))
    assert (await plant.record()).state is AutonomyState.PROPOSED
    assert await plant.plant.rows("SELECT body ->> 'stated_by' FROM labels") == [("pia",)]


async def test_only_findings_of_orders_that_would_go_out_by_themselves_count(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    await plant.open()
    await plant.found("confirmed", 3)
    await plant.found("confirmed", 5, rung=3)
    await plant.found("sensor_fault", 2)
    await plant.found("prevented", 4)
    await plant.found("other_defect", 7)
    await plant.found("not_inspected", 8)
    await plant.found("deferred", 6, cancelled=True)
    record = await plant.record()
    assert (record.confirmed, record.wrong, record.other_defects) == (3, 2, 7)


async def test_nothing_is_promoted_that_was_not_proposed_nor_by_who_may_not(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    with pytest.raises(ActRejected, match="is at review"):
        await plant.decide(AutonomyMove.PROMOTED)
    await plant.found("confirmed", 40)
    await plant.autonomy.learn(view)
    with pytest.raises(ActRejected, match="takes the role approver"):
        await plant.decide(AutonomyMove.PROMOTED, "otto")
    with pytest.raises(ActRejected, match="is not ada's on this record"):
        await plant.decide(AutonomyMove.PROMOTED, digest="0" * 64)
    await plant.decide(AutonomyMove.REFUSED)
    assert (await plant.record()).confirmed == 0


async def test_one_approver_promotes_nothing_however_often_they_sign(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    await plant.found("confirmed", 40)
    await plant.autonomy.learn(view)
    assert await plant.decide(AutonomyMove.PROMOTED) is AutonomyMove.APPROVED
    assert (await plant.record()).state is AutonomyState.PROPOSED
    assert not await plant.autonomy.released(view)
    with pytest.raises(ActRejected, match="ada signed this promotion already"):
        await plant.decide(AutonomyMove.PROMOTED)
    assert await plant.decide(AutonomyMove.PROMOTED, "bert") is AutonomyMove.PROMOTED
    assert await plant.autonomy.released(view)


async def test_two_approvers_sign_the_same_findings(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    await plant.found("confirmed", 40)
    await plant.autonomy.learn(view)
    await plant.decide(AutonomyMove.PROMOTED)
    await plant.found("confirmed")
    assert await plant.decide(AutonomyMove.PROMOTED, "bert") is AutonomyMove.APPROVED
    assert not await plant.autonomy.released(view)
    assert await plant.decide(AutonomyMove.PROMOTED) is AutonomyMove.PROMOTED
    assert await plant.autonomy.released(view)


async def test_a_promotion_that_an_approver_refuses_is_refused_by_one_alone(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    await plant.found("confirmed", 40)
    await plant.autonomy.learn(view)
    await plant.decide(AutonomyMove.PROMOTED)
    await plant.decide(AutonomyMove.REFUSED, "bert")
    assert (await plant.record()).state is AutonomyState.REVIEW


@pytest.mark.parametrize(("first", "second"), [(None, "bert"), ("bert", "bert"), ("otto", "bert"), ("ada", "otto")])
async def test_a_promotion_in_the_record_counts_only_if_two_approvers_signed_it(
    storage_engine: AsyncEngine, tmp_path: Path, first: str | None, second: str
) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    await plant.found("confirmed", 40)
    await plant.autonomy.learn(view)
    digest = (await plant.record()).digest(KEY)
    for move, by in (("approved", first), ("promoted", second)):
        await plant.write(move, by, digest)
    assert (await plant.record()).state is AutonomyState.REVIEW
    assert not await plant.autonomy.released(view)
    for found in await autonomy_findings(storage_engine, tmp_path / "after"):
        assert any("one person alone" in sentence or "then no approver" in sentence for sentence in found), found


async def test_a_promotion_that_nobody_signed_releases_nothing(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    await plant.found("confirmed", 40)
    await plant.autonomy.learn(view)
    async with storage_engine.begin() as connection:
        await connection.execute(text(_FORGED))
    assert (await plant.record()).state is AutonomyState.REVIEW
    assert not await plant.autonomy.released(view)


async def test_a_promotion_that_was_lost_is_not_promoted_again_by_a_copy(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    await plant.found("confirmed", 40)
    await plant.autonomy.learn(view)
    await plant.decide(AutonomyMove.PROMOTED, "ada")
    await plant.decide(AutonomyMove.PROMOTED, "bert")
    await plant.decide(AutonomyMove.LOST)
    columns = "policy, asset_class, failure_mode, move, confirmed, wrong, at, by, reason, digest, signature"
    copy = f"INSERT INTO autonomy_moves ({columns}) SELECT {columns} FROM autonomy_moves WHERE move = 'promoted'"
    async with storage_engine.begin() as connection:
        await connection.execute(text(copy))
    assert (await plant.record()).state is AutonomyState.REVIEW
    assert not await plant.autonomy.released(view)


async def test_two_findings_at_once_make_one_move(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    await plant.open()
    await plant.found("confirmed", 40)
    record = await plant.record()
    advice = pure.weigh(DOCUMENT, record)
    assert advice is not None
    assert await plant.store.advised(KEY, record, advice)
    assert not await plant.store.advised(KEY, record, advice)


async def test_a_person_takes_autonomy_away(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    await plant.found("confirmed", 40)
    await plant.autonomy.learn(view)
    await plant.promote()
    await plant.decide(AutonomyMove.LOST)
    assert not await plant.autonomy.released(view)


async def test_a_version_that_does_not_enforce_autonomy_holds_nothing_back(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    shipped = Autonomy(plant.plant.catalogue, plant.store)
    assert await shipped.released(view)
    await plant.found("nothing_found", 30)
    await shipped.learn(view)
    assert await plant.moves() == []


async def test_what_a_planner_approved_is_released_whatever_was_earned(storage_engine: AsyncEngine) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    decision = {"approved": True, "by": "ada", "reason": "seen", "at": START}
    approved = CaseView.model_validate({**view.model_dump(), "decision": decision})
    assert await plant.autonomy.released(approved)
    assert not await plant.autonomy.released(approved.model_copy(update={"decision": None}))


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ("UPDATE autonomy_moves SET confirmed = 90 WHERE move = 'proposed'", "altered"),
        ("UPDATE autonomy_moves SET reason = 'harmless' WHERE move = 'lost'", "lost by ada"),
        ("UPDATE autonomy_moves SET by = 'otto' WHERE move = 'promoted'", "promoted by otto"),
        ("UPDATE autonomy_moves SET at = at - interval '1 day' WHERE move = 'promoted'", "promoted by bert"),
        ("DELETE FROM autonomy_moves WHERE move = 'lost'", "is gone"),
        ("DELETE FROM autonomy_moves", "is gone"),
        (_FORGED + "WHERE move = 'proposed'", "never recorded"),
        ("UPDATE autonomy_moves SET signature = NULL WHERE move = 'promoted'", "not signed by bert"),
        ("UPDATE autonomy_moves SET digest = repeat('0', 64) WHERE move = 'promoted'", "not bert's"),
        ("DELETE FROM autonomy_moves WHERE move = 'approved'", "one person alone"),
        ("UPDATE autonomy_moves SET by = 'bert' WHERE move = 'approved'", "one person alone"),
        ("UPDATE autonomy_moves SET signature = NULL WHERE move = 'approved'", "not signed by ada"),
        ("UPDATE autonomy_moves SET digest = repeat('0', 64) WHERE move = 'approved'", "one person alone"),
    ],
)
async def test_a_move_that_was_altered_removed_or_added_is_found_and_named(
    storage_engine: AsyncEngine, tmp_path: Path, tampering: str, words: str
) -> None:
    plant = AutonomyPlant(storage_engine)
    view = await plant.open()
    await plant.found("confirmed", 40)
    await plant.autonomy.learn(view)
    await plant.promote()
    await plant.decide(AutonomyMove.LOST)
    assert await autonomy_findings(storage_engine, tmp_path / "before") == ([], [])
    async with storage_engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(tampering))
    for found in await autonomy_findings(storage_engine, tmp_path / "after"):
        assert any(words in sentence for sentence in found), found


async def autonomy_findings(engine: AsyncEngine, directory: Path) -> tuple[list[str], list[str]]:
    """What the audit finds of autonomy, here and offline."""
    here = [
        f"{finding.where}: {finding.what}" for finding in (await verify(engine)).findings if finding.kind == "autonomy"
    ]
    await export(engine, directory)
    there = [
        f"{finding.where}: {finding.what}" for finding in offline_verify.verify(directory) if finding.kind == "autonomy"
    ]
    return here, there
