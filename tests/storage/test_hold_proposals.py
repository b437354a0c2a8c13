"""A hold is proposed to production, and placed only if production accepts it or an approved version says so."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.progress import CaseRef
from domain.cases import CaseView, ClosedAs, Decision, Lane
from domain.errors import ActionRequired, ActRejected, Unavailable
from domain.hold_proposals import ANSWER_WITHIN, HoldAnswer, OnSilence
from domain.production import JobState
from domain.verdict import Urgency, UrgencyDecision
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.reporting.hold_proposal_lists import proposal_page
from millwright.storage.scheduling import due
from policies.engine.catalogue import Catalogue
from tests.support.holding_case import HoldingCase
from tests.support.ingress import NOW
from tests.support.plant import TestClock

PLACES_AFTER_SILENCE = "holds: { answer_within: PT10M, on_silence: place }\n"
OTHER_CLASS = "holds: { place_unasked: [robot] }\n"
Make = Callable[..., Awaitable[HoldingCase]]


@pytest.fixture
def make(storage_engine: AsyncEngine, database_url: str) -> Make:
    """A case on a proved machine; its version has a clause, or none."""

    async def made(more: str = "") -> HoldingCase:
        bench = HoldingCase(storage_engine, database_url)
        await bench.prepare(more=more)
        await bench.prove()
        return bench

    return made


async def due_again(bench: HoldingCase, urgency: Urgency, after: timedelta) -> None:
    """The case's work is timed again: the hold is due later."""
    at = bench.clock.now() + after
    timed = UrgencyDecision(urgency=urgency, rule="set", because="It is.", hold_at=at, work_at=at)
    await bench.storage.cases.record_proposal(bench.case, timed, None)


async def verified(bench: HoldingCase) -> bool:
    return (await verify(bench.engine)).findings == ()


def runs(bench: HoldingCase) -> bool:
    return (bench.mes.acts, bench.mes.state) == ([], JobState.RUNNING)


async def test_a_hold_is_proposed_and_nothing_is_placed_before_the_answer(make: Make) -> None:
    bench = await make()
    view = await bench.hold()
    assert runs(bench)
    assert view.lane is Lane.PRODUCTION
    assert view.waiting_for == "production to accept, time or refuse a hold of EQ-001, due 2015-01-15 06:00 UTC"
    assert view.hold_proposal is not None
    assert view.hold_proposal.answer_by == bench.clock.now() + ANSWER_WITHIN
    assert await verified(bench)


async def test_an_accepted_hold_is_placed_and_the_record_says_who_accepted_it(make: Make) -> None:
    bench = await make()
    await bench.hold()
    said = await bench.answer(accepted=True)
    view = await bench.hold()
    assert bench.mes.acts == [f"hold {bench.case}"]
    assert (said.hold_at, view.lane, view.waiting_for) == (bench.clock.now(), None, None)
    assert view.hold_proposal is not None
    assert view.hold_proposal.answer == said
    assert await verified(bench)


async def test_an_answer_wakes_the_case(make: Make) -> None:
    bench = await make()
    await bench.hold()
    async with bench.engine.connect() as connection:
        before = await due.generation(connection, f"case/{bench.case}")
        await bench.answer(accepted=True)
        assert await due.generation(connection, f"case/{bench.case}") > before


async def test_production_sets_a_time_and_the_hold_is_placed_then_and_not_before(make: Make) -> None:
    bench = await make()
    await bench.hold()
    await bench.answer(accepted=True, hold_at=NOW + timedelta(hours=3))
    view = await bench.hold()
    assert runs(bench)
    assert (view.lane, view.waiting_for) == (None, None)
    bench.clock.time = NOW + timedelta(hours=3)
    await bench.hold()
    assert bench.mes.acts == [f"hold {bench.case}"]
    assert await verified(bench)


async def test_a_refused_hold_is_never_placed(make: Make) -> None:
    bench = await make()
    await bench.hold()
    await bench.answer(accepted=False, reason="a rush order until Friday")
    for _ in range(3):
        view = await bench.later()
    assert runs(bench)
    assert (view.hold, view.lane) == (None, None)
    assert await verified(bench)


async def test_production_changes_its_mind_until_the_hold_is_placed(make: Make) -> None:
    bench = await make()
    await bench.hold()
    await bench.answer(accepted=False, reason="a rush order")
    await bench.hold()
    await bench.answer(accepted=True)
    await bench.hold()
    assert bench.mes.acts == [f"hold {bench.case}"]
    with pytest.raises(ActRejected, match="was accepted and is being placed"):
        await bench.answer(accepted=False, reason="too late")
    assert await verified(bench)


async def test_silence_calls_operations_and_places_nothing(make: Make) -> None:
    bench = await make()
    await bench.hold()
    bench.clock.time += ANSWER_WITHIN
    view = await bench.hold()
    assert runs(bench)
    assert view.lane is Lane.OPERATIONS
    assert view.waiting_for is not None
    assert view.waiting_for.endswith("no answer since 2015-01-15 06:00 UTC, and nothing is held")
    await bench.answer(accepted=True)
    await bench.hold()
    assert bench.mes.acts == [f"hold {bench.case}"]
    assert await verified(bench)


async def test_silence_places_the_hold_where_an_approved_version_says_so(make: Make) -> None:
    bench = await make(PLACES_AFTER_SILENCE)
    view = await bench.hold()
    assert view.hold_proposal is not None
    assert view.hold_proposal.on_silence is OnSilence.PLACE
    bench.clock.time += timedelta(minutes=9)
    await bench.hold()
    assert runs(bench)
    bench.clock.time += timedelta(minutes=1)
    await bench.hold()
    assert bench.mes.acts == [f"hold {bench.case}"]
    assert await verified(bench)


async def test_a_refusal_counts_where_silence_would_place_the_hold(make: Make) -> None:
    bench = await make(PLACES_AFTER_SILENCE)
    await bench.hold()
    await bench.answer(accepted=False, reason="a rush order")
    await bench.later()
    assert runs(bench)


async def test_a_version_that_lets_another_class_be_held_unasked_has_production_asked(make: Make) -> None:
    bench = await make(OTHER_CLASS)
    assert (await bench.hold()).lane is Lane.PRODUCTION
    assert runs(bench)


async def test_the_same_answer_again_changes_nothing(make: Make) -> None:
    bench = await make()
    await bench.hold()
    first = await bench.answer(accepted=True)
    bench.clock.time += timedelta(minutes=1)
    assert await bench.answer(accepted=True) == first
    with psycopg.connect(bench.url) as somebody:
        assert somebody.execute("SELECT count(*) FROM acts WHERE kind = 'hold-answered'").fetchone() == (1,)


async def test_nothing_is_answered_that_was_not_asked(make: Make) -> None:
    bench = await make()
    with pytest.raises(ActRejected, match="no hold is proposed"):
        await bench.answer(accepted=True)
    bench.case, case = "MWNOSUCHCASE", bench.case
    with pytest.raises(ActRejected, match="there is no case"):
        await bench.answer(accepted=True)
    bench.case = case
    await bench.hold()
    decision = Decision(approved=False, by="pat", reason="no", at=bench.clock.now())
    await bench.storage.cases.record_decision(case, decision)
    await bench.storage.cases.close(case, ClosedAs.REJECTED)
    with pytest.raises(ActRejected, match="is closed as rejected"):
        await bench.answer(accepted=True)


async def test_a_person_without_the_role_answers_nothing(make: Make) -> None:
    bench = await make()
    await bench.hold()
    said = (await bench.answer(accepted=False, reason="a rush order")).model_copy(
        update={"by": "paul", "accepted": True}
    )
    with pytest.raises(ActRejected, match="paul"):
        await bench.storage.cases.answer_hold(bench.case, said)
    assert runs(bench)


async def test_an_acceptance_that_somebody_wrote_into_the_database_places_nothing(make: Make) -> None:
    bench = await make()
    await bench.hold()
    said = HoldAnswer(accepted=True, hold_at=bench.clock.now(), by="petra", reason=None, at=bench.clock.now())
    bench.alter(f"UPDATE cases SET hold_proposal = jsonb_set(hold_proposal, '{{answer}}', '{said.model_dump_json()}')")
    view = await bench.hold()
    assert runs(bench)
    assert view.waiting_for is not None
    assert "what production was asked, or answered, is not as in the record" in view.waiting_for
    found = (await verify(bench.engine)).findings
    assert [(each.kind, "hold_proposal" in each.what) for each in found] == [("case", True)]


async def test_storage_refuses_a_claim_that_nothing_allows(make: Make) -> None:
    bench = await make()
    with pytest.raises(Unavailable, match="production has not accepted"):
        await bench.storage.holds.claim(bench.case, "fake", "EQ-001")
    await bench.hold()
    with pytest.raises(Unavailable, match="production has not accepted"):
        await bench.storage.holds.claim(bench.case, "fake", "EQ-001")
    assert await bench.storage.holds.read(bench.case) is None


@pytest.mark.parametrize("clause", ["holds: { place_unasked: [pump] }\n", PLACES_AFTER_SILENCE])
async def test_a_version_in_force_without_its_approval_asks_and_silence_places_nothing(make: Make, clause: str) -> None:
    bench = await make(clause)
    with psycopg.connect(bench.url, autocommit=True) as somebody:
        somebody.execute("ALTER TABLE policy_signatures DISABLE TRIGGER USER")
    bench.alter("DELETE FROM policy_signatures WHERE act = 'approve'")
    view = await bench.hold()
    assert (view.lane, view.hold_proposal is not None) == (Lane.PRODUCTION, True)
    bench.clock.time += ANSWER_WITHIN
    assert (await bench.hold()).lane is Lane.OPERATIONS
    assert runs(bench)
    await bench.answer(accepted=True)
    await bench.hold()
    assert bench.mes.acts == [f"hold {bench.case}"]


async def test_work_that_is_called_off_takes_no_answer_and_is_not_listed(make: Make) -> None:
    bench = await make()
    await bench.hold()
    bench.alter("UPDATE cases SET withdraw = 'judged again as watch'")
    assert await proposal_page(bench.engine, answered=True) == []
    with pytest.raises(ActRejected, match="is not wanted any more"):
        await bench.answer(accepted=True)
    decision = Decision(approved=True, by="pat", reason="go on", at=bench.clock.now())
    await bench.storage.cases.record_decision(bench.case, decision)
    assert len(await proposal_page(bench.engine)) == 1
    await bench.answer(accepted=True)


async def test_a_hold_that_is_not_yet_due_is_proposed_at_once_and_placed_when_it_is_due(make: Make) -> None:
    bench = await make()
    await due_again(bench, Urgency.AFTER_BATCH, timedelta(hours=6))
    view = await bench.hold()
    assert (view.lane, view.hold_proposal is not None) == (Lane.PRODUCTION, True)
    await bench.answer(accepted=True)
    await bench.hold()
    assert runs(bench)
    bench.clock.time += timedelta(hours=6)
    await bench.hold()
    assert bench.mes.acts == [f"hold {bench.case}"]


async def test_a_stop_of_holds_asks_nobody(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = await make()

    async def stopped(*_: object) -> str:
        return "operations to lift the stop of holds"

    monkeypatch.setattr(bench.storage.cases, "stop_reason", stopped)
    view: CaseView = await bench.hold()
    assert (view.hold_proposal, view.waiting_for) == (None, "operations to lift the stop of holds")


async def test_the_step_that_follows_waits_for_the_answer(make: Make) -> None:
    bench = await make()
    progress = await bench.steps.ensure_hold(CaseRef(case=bench.case))
    assert (progress.done, progress.holds) == (False, True)


async def test_an_altered_question_sends_nothing(make: Make) -> None:
    bench = await make()
    await bench.hold()
    await bench.answer(accepted=True)
    bench.alter("UPDATE cases SET hold_proposal = jsonb_set(hold_proposal, '{on_silence}', '\"place\"')")
    with pytest.raises(ActionRequired, match="is not as in the record"):
        await bench.storage.holds.claim(bench.case, "fake", "EQ-001")


@pytest.mark.parametrize("skew", [timedelta(minutes=4), timedelta(minutes=-4)])
async def test_an_answer_through_an_api_whose_clock_differs_places_the_hold_and_nothing_early(
    make: Make, skew: timedelta
) -> None:
    bench = await make()
    await bench.hold()
    api = CaseStore(bench.engine, TestClock(NOW + skew), StoredVersions(Catalogue()))
    said = HoldAnswer(accepted=True, hold_at=None, by="petra", reason=None, at=NOW + skew)
    kept = await api.answer_hold(bench.case, said)
    assert kept.hold_at == max(NOW, NOW + skew)
    await bench.hold()
    assert runs(bench) is (skew > timedelta())
    bench.clock.time = max(NOW, NOW + skew)
    await bench.hold()
    assert bench.mes.acts == [f"hold {bench.case}"]
