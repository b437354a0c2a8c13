"""200 tries of each fault of the MES and of each kill around a call to it, from the first hold to the last release.

A try is one order of events, drawn from its number: when the fault begins and ends, and where a process is killed.
"""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from domain.cases import Phase
from domain.errors import ActionRequired, Refused
from domain.hold_proposals import HoldTerms
from domain.holds import HoldStatus
from domain.machine_test_runs import RunTerms
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.fault_injection import CallOutcome
from tests.support.saga_plant import PlayedCase, SagaPlant, case_view

TRIES = 200
CASES = ("MWAAAAAAAA", "MWBBBBBBBB")
RUN = RunTerms(within=timedelta(hours=2), steady=timedelta(minutes=30), score=2.0)
Fault = Callable[["Try"], None]


class Try:
    """One plant with one fault, as its number draws it."""

    def __init__(self, number: int) -> None:
        self.draw = random.Random(number)
        self.plant = SagaPlant(timedelta(0))
        self.plant.judge.terms = HoldTerms(unasked=True, test_run=self.draw.choice([None, RUN]))
        self.kills: Callable[[], CallOutcome | None] = lambda: None
        self.ended = False
        for part, case in enumerate(CASES[: self.draw.choice([1, 2])], start=1):
            self.plant.store.open(case_view(case, part, Rung.WORK_ORDER_AND_HOLD))

    def play(self, calls: int = 400) -> None:
        """Lets calls be made until all cases rest."""
        self.plant.dispatch()
        for _ in range(calls):
            for workflow in [*self.plant.workflows.values()]:
                self._call(workflow)
            busy = any(not each.wakes_awaited and not each.played.ended for each in self.plant.workflows.values())
            if not busy and not self.plant.dispatch():
                return

    def _call(self, workflow: PlayedCase) -> None:
        outcome = None if self.ended else self.kills()
        workflow.played.play(outcome or CallOutcome.FINE)

    def pass_time(self, by: timedelta) -> None:
        # A hold that was accepted comes into effect within ten minutes. A later one is for the orphan detector.
        self.plant.mes.follow()
        self.plant.clock.time += by
        self.play()

    def do_the_work(self) -> None:
        for case in [*self.plant.store.cases]:
            self.plant.cmms.people_move(case, WorkOrderStatus.COMPLETED, "REPAIRED")
        polling = self.plant.poll()
        while not polling.ended:
            polling.play()
        self.play()

    def people_act(self) -> None:
        """Production takes the next step of each release, or has the machine held again."""
        for hold in self.plant.store.live_holds():
            if hold.state is HoldStatus.TESTING and not self.ended and self.draw.random() < 0.4:
                self.plant.hold_again(hold.key)
            else:
                self.plant.release(hold.key)
        self.play()

    def mend(self) -> None:
        """The fault is over: the MES answers, and nobody is killed any more."""
        self.ended = True
        mes = self.plant.mes
        mes.away, mes.refuses, mes.reads_as_of, mes.answers_twice, mes.late = False, None, None, False, False
        mes.follow()


def down(tried: Try) -> None:
    tried.plant.mes.away = True
    tried.kills = lambda: CallOutcome.AWAY if tried.draw.random() < 0.3 else None


def slow(tried: Try) -> None:
    tried.kills = lambda: CallOutcome.ANSWER_LOST if tried.draw.random() < 0.2 else None


def restarted(tried: Try) -> None:
    """It forgets who held the job."""
    tried.plant.mes.people_release()


def lying_an_hour_old(tried: Try) -> None:
    tried.plant.mes.reads_as_of = tried.plant.clock.now() - timedelta(hours=1)


def refusing(tried: Try) -> None:
    error = tried.draw.choice([ActionRequired, Refused])
    tried.plant.mes.refuses = error("no", system="fake", operation="place-hold", key=CASES[0])


def answering_twice(tried: Try) -> None:
    tried.plant.mes.answers_twice = True


def late(tried: Try) -> None:
    """It accepts a hold, and the job goes on running for some minutes."""
    tried.plant.mes.late = True


def _killed_at(tried: Try, count: Callable[[], int]) -> None:
    """A process dies just after the MES took effect, before or after that is recorded."""
    seen, left = count(), tried.draw.randint(0, 1)

    def kill() -> CallOutcome | None:
        nonlocal seen, left
        if count() == seen:
            return None
        if left:
            left -= 1
            return None
        seen, left = count(), tried.draw.randint(0, 1)
        return tried.draw.choice([CallOutcome.CRASH_BEFORE, CallOutcome.CRASH_AFTER])

    tried.kills = kill


def killed_between_place_and_record(tried: Try) -> None:
    _killed_at(tried, lambda: len(tried.plant.mes.placed))


def killed_between_release_and_record(tried: Try) -> None:
    _killed_at(tried, lambda: len(tried.plant.mes.started))


def killed_anywhere(tried: Try) -> None:
    kills = (CallOutcome.CRASH_BEFORE, CallOutcome.CRASH_AFTER)
    tried.kills = lambda: tried.draw.choice(kills) if tried.draw.random() < 0.1 else None


FAULTS = (
    down, slow, restarted, lying_an_hour_old, refusing, answering_twice, late, killed_between_place_and_record,
    killed_between_release_and_record, killed_anywhere,
)  # fmt: skip


def wrong(tried: Try) -> Iterator[str]:
    """What must never be so."""
    plant = tried.plant
    if len(plant.store.live_holds()) > 1:
        yield "two holds are live on one machine"
    if plant.mes.wrongly_released:
        yield f"a hold of others was released: {plant.mes.wrongly_released}"
    if len(set(plant.cmms.made)) != len(plant.cmms.made):
        yield "a case has two orders"
    for key in set(plant.mes.started):
        jobs = max(len(hold.placements) for hold in plant.store.holds.all() if hold.key == key)
        if plant.mes.started.count(key) > plant.let_run.count(key) * jobs:
            yield f"{key} was started without a person"
    for hold in plant.store.live_holds():
        claims = [claim.case for claim in plant.store.holds.claims if claim.hold == hold.key and not claim.dropped]
        if not any(plant.store.now(case).phase is not Phase.CLOSED for case in claims):
            yield f"no case answers for {hold.key}"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_no_fault_leaves_an_orphan_a_double_a_foreign_hold_touched_or_a_start_without_a_person(fault: Fault) -> None:
    found = [words for number in range(TRIES) for words in _one_try(number, fault)]
    assert found == []


def _one_try(number: int, fault: Fault) -> list[str]:
    tried = Try(number)
    steps = [
        *(tried.play, tried.do_the_work, tried.people_act, lambda: tried.pass_time(timedelta(minutes=20))),
        *(tried.people_act, tried.do_the_work, tried.people_act),
    ]
    begins = tried.draw.randrange(len(steps))
    bad: list[str] = []
    for place, each in enumerate(steps):
        if place == begins:
            fault(tried)
        each()
        bad += wrong(tried)
    tried.mend()
    for _ in range(10):
        tried.pass_time(timedelta(hours=7))
        for case in [*tried.plant.store.cases]:
            if "cannot be proved" in (tried.plant.store.now(case).waiting_for or ""):
                tried.plant.mes.people_release()
        tried.do_the_work()
        tried.people_act()
        for workflow in [*tried.plant.workflows.values()]:
            workflow.wake()
        bad += wrong(tried)
    left = [view.id for view in tried.plant.store.cases.values() if view.phase is not Phase.CLOSED]
    if left or tried.plant.store.live_holds() or tried.plant.mes.holder in CASES:
        bad.append(f"try {number} left {left}, holds {[hold.state for hold in tried.plant.store.live_holds()]}")
    return bad
