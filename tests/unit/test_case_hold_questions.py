"""A question to production beside other waits of its case: neither hides, hurries or doubles the other."""

from datetime import timedelta

from domain.cases import Lane
from domain.casework import Waits
from domain.hold_proposals import ANSWER_WITHIN, HoldTerms
from domain.holds import HoldStatus
from domain.verdict import Rung
from tests.support.fault_injection import CallOutcome
from tests.support.saga_plant import SagaPlant, case_view

CASE, OTHER = "MWAAAAAAAA", "MWBBBBBBBB"


def asked(*cases: str) -> SagaPlant:
    """A plant whose policy lets no hold be placed unasked, with these cases on its machine."""
    plant = SagaPlant(timedelta())
    plant.judge.terms = HoldTerms(unasked=False)
    for part, case in enumerate(cases or (CASE,), start=1):
        plant.store.open(case_view(case, part, Rung.WORK_ORDER_AND_HOLD))
    return plant


def settle(plant: SagaPlant, *, orders_away: bool = False) -> None:
    """Plays until nothing is due; the CMMS answers, or does not."""
    for _ in range(6):
        if not plant.dispatch():
            return
        for workflow in plant.workflows.values():
            for _ in range(80):
                away = orders_away and workflow.played.asks_vendor and plant.store.cases[workflow._case].order is None
                waits_for_mes = plant.store.cases[workflow._case].urgency is None
                workflow.played.play(CallOutcome.AWAY if away and not waits_for_mes else CallOutcome.FINE)


def watched(plant: SagaPlant) -> list[Waits]:
    """What cases are said to wait for from now on."""
    said: list[Waits] = []
    wait = plant.store._wait

    def heard(case: str, waits: Waits) -> None:
        said.append(waits)
        wait(case, waits)

    plant.store._wait = heard  # type: ignore[method-assign]
    return said


def pass_to_next(plant: SagaPlant, *, orders_away: bool) -> None:
    due = plant.store.due[CASE].at
    assert due is not None
    plant.clock.time = max(due, plant.clock.now())
    settle(plant, orders_away=orders_away)


def test_while_the_cmms_is_away_the_question_keeps_its_lane_and_the_cmms_its_growing_pauses() -> None:
    plant = asked()
    settle(plant, orders_away=True)
    for _ in range(4):
        pass_to_next(plant, orders_away=True)
    view = plant.store.cases[CASE]
    assert (view.waiting_step, view.attempts >= 4) == ("ensure-order", True)
    assert "to answer" in (view.waiting_for or "")
    assert view.lane is Lane.PRODUCTION
    plant.clock.time += ANSWER_WITHIN
    for _ in range(3):
        pass_to_next(plant, orders_away=True)
    assert plant.store.cases[CASE].lane is Lane.OPERATIONS
    pass_to_next(plant, orders_away=False)
    view = plant.store.cases[CASE]
    assert (view.order is not None, view.lane) == (True, Lane.OPERATIONS)
    assert "production to accept" in (view.waiting_for or "")


def test_an_accepted_hold_that_waits_for_its_time_says_so_once() -> None:
    plant = asked()
    settle(plant)
    plant.answer(CASE, timedelta(days=3))
    settle(plant)
    said = watched(plant)
    for _ in range(4):
        plant.clock.time += timedelta(hours=6)
        plant.workflows[CASE].wake()
        plant.store._wake(CASE)
        settle(plant)
    assert said == []
    assert plant.store.cases[CASE].waiting_for == "the technician to do 1000"
    assert plant.store.cases[CASE].lane is None


def test_the_time_that_production_set_counts_although_another_case_holds_the_machine() -> None:
    plant = asked(CASE, OTHER)
    settle(plant)
    plant.answer(OTHER, timedelta(days=3))
    plant.answer(CASE, timedelta())
    settle(plant)
    assert plant.mes.holder == CASE
    assert plant.store.holds.claim_of(OTHER) is None
    plant.clock.time += timedelta(days=3)
    settle(plant)
    claim = plant.store.holds.claim_of(OTHER)
    assert claim is not None
    assert claim.hold == CASE


def test_a_case_without_an_answer_shares_the_hold_of_another_one() -> None:
    plant = asked(CASE, OTHER)
    settle(plant)
    plant.answer(CASE, timedelta())
    settle(plant)
    plant.clock.time += ANSWER_WITHIN
    settle(plant)
    [hold] = plant.store.live_holds()
    assert (hold.state, hold.claims) == (HoldStatus.ASKED, 2)


def test_each_answer_after_a_refusal_is_noted_on_the_order() -> None:
    plant = asked()
    settle(plant)
    for after in (None, timedelta(days=2), None):
        plant.clock.time += timedelta(minutes=1)
        plant.answer(CASE, after)
        settle(plant)
    words = [text.split(":")[0].split(" from ")[0] for text in plant.cmms.notes.values()]
    assert words == [
        "Production refused to hold EQ-001",
        "Production lets EQ-001 be held",
        "Production refused to hold EQ-001",
    ]


def test_an_acceptance_alone_is_no_news_for_the_order() -> None:
    plant = asked()
    settle(plant)
    plant.answer(CASE, timedelta(days=2))
    settle(plant)
    assert plant.cmms.notes == {}
