"""Under 1.2.0 nothing but a person releases an order, as long as nothing was earned; the holds are those of 1.1.0."""

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.autonomy import Autonomy
from activities.wanted_holds import asks_for_hold
from domain.anomaly import Anomaly, AnomalyKind, Quality
from domain.assets import Criticality
from domain.cases import CaseView, Decision
from domain.verdict import Rung
from policies.engine.catalogue import Catalogue
from policies.engine.judging import CompiledPolicy
from policies.engine.trial import Situation, try_situation
from tests.support.plant import START
from tests.support.random_situations import random_situation
from tests.support.saga_plant import NothingEarned, SagaPlant, case_view

CATALOGUE = Catalogue.published()
RELEASING, REVIEWED = (CATALOGUE.find("rotating-equipment", number) for number in ("1.1.0", "1.2.0"))
AUTONOMY = Autonomy(CATALOGUE, NothingEarned())
RANDOM = st.integers(0, 2**32).map(lambda seed: random_situation(random.Random(seed)))
CASE = "MWAAAAAAAA"


def opened(policy: CompiledPolicy, situation: Situation) -> CaseView:
    """The case that the last anomaly of a situation opens."""
    verdict = try_situation(policy, situation).explanation.verdict
    view = case_view(CASE, 1, verdict.rung)
    return view.model_copy(update={"verdict": verdict, "version": policy.digest, "context": situation.context})


@st.composite
def confirmed(draw: st.DrawFn) -> Situation:
    """A shift that the error codes of the failure mode confirm, after whatever came before: most of them ask for an
    order."""
    before = draw(RANDOM)
    codes = draw(st.integers(0, 2))
    asset_class = draw(st.sampled_from(["pump", "cnc", "conveyor"]))
    criticality = draw(st.sampled_from([*Criticality, None]))
    context = before.context.model_copy(update={"asset_class": asset_class, "criticality": criticality, "codes": codes})
    last = before.events[-1]
    seen = [
        Anomaly(
            kind=AnomalyKind.CODE,
            asset=last.asset,
            failure_mode=last.failure_mode,
            at=last.at + timedelta(minutes=number),
            detector="plc",
            code=f"error{number}",
        )
        for number in range(1, 3)
    ]
    shift = Anomaly(
        kind=AnomalyKind.DEVIATION,
        asset=last.asset,
        failure_mode=last.failure_mode,
        at=last.at + timedelta(hours=1),
        detector="adx",
        score=draw(st.sampled_from([3.0, 4.5, 9.0])),
        confidence=draw(st.sampled_from([None, 0.5, 0.95])),
        quality=draw(st.sampled_from([Quality.GOOD, Quality.GOOD, Quality.UNCERTAIN, Quality.BAD])),
    )
    return before.model_copy(update={"context": context, "events": (*before.events, *seen, shift)})


@settings(deadline=None)
@given(situation=st.one_of(RANDOM, confirmed()))
async def test_no_verdict_of_1_2_0_releases_an_order_and_each_asks_for_the_hold_that_1_1_0_asks_for(
    situation: Situation,
) -> None:
    before, now = (opened(policy, situation) for policy in (RELEASING, REVIEWED))

    assert not await AUTONOMY.released(now)
    assert await AUTONOMY.released(before) is (before.rung >= Rung.WORK_ORDER)
    same = {"version", "digest"}
    assert now.verdict.model_dump(exclude=same) == before.verdict.model_dump(exclude=same)
    assert asks_for_hold(now) is asks_for_hold(before)
    asset_class = situation.context.asset_class
    assert CATALOGUE.hold_terms(now.version, asset_class) == CATALOGUE.hold_terms(before.version, asset_class)


@given(rung=st.sampled_from([*Rung]), approved=st.booleans())
async def test_a_persons_word_releases_an_order_of_1_2_0_and_a_no_does_not(rung: Rung, approved: bool) -> None:
    decision = Decision(approved=approved, by="pat", reason="seen it", at=START)
    view = case_view(CASE, 1, rung).model_copy(update={"version": REVIEWED.digest, "decision": decision})

    assert await AUTONOMY.released(view) is approved


@pytest.mark.parametrize("until_hold", [timedelta(0), timedelta(hours=6)], ids=["at once", "later"])
@pytest.mark.parametrize("rung", [rung for rung in Rung if rung.orders], ids=lambda rung: rung.word)
def test_the_machine_is_held_while_the_order_waits_for_the_planner(rung: Rung, until_hold: timedelta) -> None:
    holds = []
    for enforced in (False, True):
        plant = SagaPlant(until_hold)
        plant.judge.enforced = enforced
        plant.store.open(case_view(CASE, 1, rung))
        for _ in range(8):
            plant.dispatch()
            for _ in range(60):
                plant.workflows[CASE].played.play()
            plant.clock.time += timedelta(hours=1)
        released = rung >= Rung.WORK_ORDER and not enforced
        assert plant.cmms.book.let_go == ([CASE] if released else [])
        holds.append([(hold.state, len(hold.live_placements)) for hold in plant.store.holds.all()])
    assert holds[0] == holds[1]
    assert len(holds[0]) == (rung is Rung.WORK_ORDER_AND_HOLD)
