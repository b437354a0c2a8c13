"""Holds in memory, each method one call. tests/storage/test_holds.py runs the contract suite of the real store on
them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.cases import CaseView, ClosedAs, Phase, Rework
from domain.clock import Clock
from domain.errors import ActRejected, NotProved, Unavailable
from domain.holds import (
    PLACEMENT_MOVES,
    RELEASE_LASTS,
    HoldAgain,
    HoldStatus,
    HoldView,
    Placement,
    PlacementState,
    Release,
    check_release,
)
from domain.machine_test_runs import READY_FOR_TEST_RUN, JudgedReading, MachineTestRun, RunStanding, standing_of
from domain.production import HoldPlan, HoldTarget
from tests.support.fault_injection import store_call


@dataclass(slots=True)
class Claim:
    """A case's claim on a hold."""

    hold: str
    case: str
    ready_at: datetime | None = None
    dropped: bool = False


class MemoryHolds:
    """See `domain.hold_store.HoldStore`."""

    def __init__(
        self,
        clock: Clock,
        cases: dict[str, CaseView],
        wake: Callable[[str], None],
        open_case: Callable[[CaseView], None],
    ) -> None:
        self._clock = clock
        self._open_case = open_case
        self._cases = cases
        self._wake = wake
        self._holds: dict[str, HoldView] = {}
        self.claims: list[Claim] = []
        self.proofs: dict[str, HoldTarget] = {}
        """For each machine that is proved, the target of its proof."""
        self.readings: dict[tuple[str, str], list[JudgedReading]] = {}
        """What was received and judged of each fault."""
        self.reworks = 0

    def live(self) -> list[HoldView]:
        """The holds that are live, by the order in which they were asked for."""
        return [self._view(key) for key, hold in self._holds.items() if hold.state.live]

    def all(self) -> list[HoldView]:
        return [self._view(key) for key in self._holds]

    def claim_of(self, case: str) -> Claim | None:
        """The claim that a case has not dropped."""
        return next((claim for claim in self.claims if claim.case == case and not claim.dropped), None)

    def of(self, case: str) -> HoldView | None:
        mine = [claim for claim in self.claims if claim.case == case]
        if not mine:
            return None
        return self._view((self.claim_of(case) or mine[-1]).hold)

    def take_over(self, case: str) -> None:
        """See `millwright.storage.cases.hold_take_over.take_over`."""
        view, mine = self._cases[case], self.claim_of(case)
        if not view.rung.orders:
            return
        for claim in self.claims:
            earlier = self._cases[claim.case]
            same = (earlier.asset.id, earlier.failure_mode) == (view.asset.id, view.failure_mode)
            waits = earlier.phase is Phase.AWAITING_RELEASE and not claim.dropped
            elsewhere = mine is not None and mine.hold != claim.hold
            asked = self._holds[claim.hold].state is HoldStatus.ASKED
            if same and waits and asked and claim.case != case and not elsewhere:
                claim.dropped = True
                if mine is None:
                    self.claims.append(Claim(claim.hold, case))
                self._wake(claim.case)
                return

    async def read(self, case: str) -> HoldView | None:
        return await store_call(lambda: self.of(case))

    async def stands_on(self, system: str, equipment: str) -> bool:
        del system
        return await store_call(lambda: any(hold.equipment == equipment for hold in self.live()))

    async def claim(self, case: str, system: str, equipment: str, *, unasked: bool = False) -> HoldView:
        return await store_call(lambda: self._claim(case, system, equipment, unasked=unasked))

    async def intend_placement(self, key: str, plan: HoldPlan, by: str) -> Placement | None:
        return await store_call(lambda: self._intend(key, plan, by))

    async def move_placement(
        self,
        key: str,
        number: int,
        state: PlacementState,
        *,
        read_at: datetime | None = None,
        reason: str | None = None,
        release: Release | None = None,
    ) -> None:
        await store_call(lambda: self._move(key, number, state, read_at, release))

    async def record_reading(self, key: str, number: int, read_at: datetime) -> None:
        await store_call(lambda: self._read(key, number, read_at))

    async def mark_ready(self, case: str, test_run: MachineTestRun | None = None) -> HoldView | None:
        return await store_call(lambda: self._ready(case, test_run))

    async def approve_release(self, key: str, release: Release) -> None:
        await store_call(lambda: self._approve(key, release))

    async def revalidate_release(self, key: str, release: Release | None) -> bool:
        return await store_call(lambda: self._stands(key, release))

    async def record_release_call(self, key: str, number: int, *, unanswered: bool) -> None:
        called_at = self._clock.now() if unanswered else None
        await store_call(lambda: self._put(key, number, release_called_at=called_at))

    async def doubt_release(self, key: str, number: int) -> None:
        await store_call(lambda: self._doubt(key, number))

    async def begin_test_run(self, key: str) -> None:
        await store_call(lambda: self._begin_run(key))

    async def follow_test_run(self, key: str, running: bool | None, read_at: datetime | None) -> RunStanding:
        return await store_call(lambda: self._follow_run(key, running, read_at))

    async def hold_again(self, key: str, again: HoldAgain) -> str:
        return await store_call(lambda: self._again(key, again))

    async def end(self, key: str, status: HoldStatus, reason: str | None = None) -> None:
        await store_call(lambda: self._end(key, status))

    async def record_twin_update(self, key: str, twin: str) -> None:
        await store_call(lambda: self._set(key, twin_told=twin))

    def _view(self, key: str) -> HoldView:
        claims = [claim for claim in self.claims if claim.hold == key and not claim.dropped]
        working = sum(claim.ready_at is None for claim in claims)
        ready = max((claim.ready_at for claim in claims if claim.ready_at is not None), default=None)
        update = {"claims": len(claims), "working": working, "ready_at": None if working else ready}
        return self._holds[key].model_copy(update=update)

    def _set(self, key: str, **values: object) -> None:
        self._holds[key] = self._holds[key].model_copy(update=values)

    def _claim(self, case: str, system: str, equipment: str, *, unasked: bool) -> HoldView:
        mine = self.claim_of(case)
        if mine is not None:
            return self._view(mine.hold)
        there = next((hold for hold in self.live() if hold.equipment == equipment), None)
        if there is not None and there.state is not HoldStatus.ASKED:
            raise Unavailable("just being released", system=system, operation="place-hold")
        key = case if there is None else there.key
        if there is None:
            proposal = self._cases[case].hold_proposal
            place_at = None if proposal is None else proposal.place_at
            if not unasked and (place_at is None or place_at > self._clock.now()):
                raise Unavailable("production has not accepted it", system="record", operation="place-hold")
            self._holds[key] = HoldView(
                key=key, system=system, equipment=equipment, state=HoldStatus.ASKED, claims=0, working=0
            )
        self.claims.append(Claim(key, case))
        return self._view(key)

    def _intend(self, key: str, plan: HoldPlan, by: str) -> Placement | None:
        now, hold = self._clock.now(), self._holds[key]
        if hold.state is not HoldStatus.ASKED or hold.overruled_at is not None:
            raise Unavailable("released or overruled meanwhile", system="fake", operation="place-hold")
        there = [p for p in hold.live_placements if (p.plan.receiver, p.plan.job) == (plan.receiver, plan.job)]
        if there:
            if not there[0].placeable_by(by, now):
                return None
            self._require_proof(plan)
            self._put(key, there[0].number, intended_at=now, intended_by=by)
            return self._holds[key].placements[there[0].number - 1]
        self._require_proof(plan)
        placement = Placement(
            number=len(hold.placements) + 1, plan=plan, state=PlacementState.INTENDED, intended_at=now, intended_by=by
        )
        self._set(key, placements=(*hold.placements, placement))
        return placement

    def _require_proof(self, plan: HoldPlan) -> None:
        if plan.target is None or self.proofs.get(plan.equipment) != plan.target:
            raise NotProved("nobody has proved it", system="fake", operation="place-hold", field="walk_down")

    def _put(self, key: str, number: int, **values: object) -> None:
        placements = list(self._holds[key].placements)
        placements[number - 1] = placements[number - 1].model_copy(update=values)
        self._set(key, placements=tuple(placements))

    def _read(self, key: str, number: int, read_at: datetime) -> None:
        if self._holds[key].placements[number - 1].state is PlacementState.IN_EFFECT:
            self._put(key, number, read_at=read_at)

    def _move(
        self, key: str, number: int, state: PlacementState, read_at: datetime | None, release: Release | None
    ) -> None:
        placement = self._holds[key].placements[number - 1]
        if placement.state not in PLACEMENT_MOVES[state]:
            return
        values: dict[str, object] = {"state": state}
        if read_at is not None:
            values["read_at"] = read_at
        if state.ours:
            values["accepted_at"] = placement.accepted_at or self._clock.now()
        if state is PlacementState.IN_EFFECT:
            values["in_effect_at"] = read_at
        self._put(key, number, **values)
        if state is PlacementState.OVERRULED or release is not None:
            overruled_at = self._holds[key].overruled_at or self._clock.now()
            self._set(key, overruled_at=overruled_at, release=release or self._holds[key].release)
        hold = self._holds[key]
        ends = not state.live and hold.state is HoldStatus.ASKED and not hold.live_placements
        if ends and hold.overruled_at is not None:
            self._drop_all(key, HoldStatus.OVERRULED if hold.release is None else HoldStatus.RELEASED)

    def _ready(self, case: str, test_run: MachineTestRun | None) -> HoldView | None:
        mine = self.claim_of(case)
        if mine is None:
            return None
        if self._holds[mine.hold].test_run is None and mine.ready_at is None:
            self._set(mine.hold, test_run=test_run)
        others = [claim for claim in self.claims if claim.hold == mine.hold and not claim.dropped and claim is not mine]
        if any(claim.ready_at is None for claim in others):
            mine.dropped = True
            return None
        mine.ready_at = mine.ready_at or self._clock.now()
        for claim in others:
            claim.dropped = True
            self._wake(claim.case)
        return self._view(mine.hold)

    def _approve(self, key: str, release: Release) -> None:
        hold = self._holds.get(key)
        carried_out = hold is not None and hold.state in (HoldStatus.RELEASED, HoldStatus.TESTING)
        repeated = carried_out and hold is not None and _says(hold.release, release)
        if repeated or (hold is not None and hold.state is HoldStatus.RELEASING):
            return
        claims = [claim for claim in self.claims if claim.hold == key and not claim.dropped]
        mine = [claim.case for claim in self.claims if claim.hold == key]
        orders = [self._cases[case].order for case in mine]
        check_release(
            key,
            None if hold is None else self._view(key),
            self._clock.now(),
            release.meaning,
            at_work=[claim.case for claim in claims if claim.ready_at is None],
            reopened=[order.ref.id for order in orders if order is not None and not order.status.finished],
        )
        if release.version is not None and any(self._cases[case].closed_as is not ClosedAs.DONE for case in mine):
            raise ActRejected("an order of this hold was not completed")
        testing = hold is not None and hold.state is HoldStatus.TESTING
        self._set(key, state=HoldStatus.RELEASING, release=release)
        self._wake_claims(key)
        if testing:
            self._drop_all(key, HoldStatus.RELEASED)

    def _stands(self, key: str, release: Release | None) -> bool:
        hold = self._holds[key]
        if hold.state is not HoldStatus.RELEASING or hold.release is None or hold.release != release:
            return False
        mine = [claim for claim in self.claims if claim.hold == key]
        orders = [self._cases[claim.case].order for claim in mine]
        again = any(order is not None and not order.status.finished for order in orders)
        at_work = any(claim.ready_at is None for claim in mine if not claim.dropped)
        if again or at_work or self._clock.now() - hold.release.at > RELEASE_LASTS:
            self._lapse(key)
            return False
        return True

    def _begin_run(self, key: str) -> None:
        hold = self._holds[key]
        if hold.state is HoldStatus.RELEASING and hold.test_run is not None:
            assert hold.release is not None
            assert hold.release.meaning == READY_FOR_TEST_RUN
            begun = hold.test_run.model_copy(update={"begun_at": self._clock.now()})
            self._set(key, state=HoldStatus.TESTING, test_run=begun)

    def _follow_run(self, key: str, running: bool | None, read_at: datetime | None) -> RunStanding:
        hold = self._holds[key]
        run = hold.test_run
        if hold.state is not HoldStatus.TESTING or run is None:
            return RunStanding(None, None, "the test run is over")
        if running is not None and read_at is not None:
            run = run.after_reading(read_at, running=running)
            self._set(key, test_run=run)
        standing = self._standing(key, run)
        if standing.proof is not None:
            self._set(key, test_run=run.model_copy(update={"proof": standing.proof}))
            self._wake_claims(key)
            self._drop_all(key, HoldStatus.RELEASED)
        return standing

    def _standing(self, key: str, run: MachineTestRun) -> RunStanding:
        mine = [self._cases[claim.case] for claim in self.claims if claim.hold == key]
        faults = {(view.asset.id, view.failure_mode) for view in mine}
        since = run.begun_at or self._clock.now()
        seen = {
            fault: [each for each in self.readings.get(fault, ()) if each.anomaly.at >= since]
            for fault in sorted(faults)
        }
        orders = [view.order for view in mine if view.order is not None]
        reopened = [order.ref.id for order in orders if not order.status.finished]
        return standing_of(run, seen, reopened, self._clock.now())

    def _again(self, key: str, again: HoldAgain) -> str:
        hold = self._holds[key]
        run = hold.test_run
        if hold.state is not HoldStatus.TESTING or run is None:
            raise ActRejected(f"{hold.equipment} does not run on test", field="hold")
        standing = self._standing(key, run)
        [claim] = [claim for claim in self.claims if claim.hold == key and not claim.dropped]
        mine = [self._cases[each.case] for each in self.claims if each.hold == key]
        of_fault = [view for view in mine if (view.asset.id, view.failure_mode) == standing.fault]
        rework = self._rework((of_fault or [self._cases[claim.case]])[-1], again, standing.asks or standing.missing)
        anew = MachineTestRun(terms=run.terms, version=run.version)
        self._set(key, state=HoldStatus.ASKED, release=None, test_run=anew)
        claim.dropped = True
        self.claims.append(Claim(key, rework))
        self._wake(claim.case)
        self._wake(rework)
        return rework

    def _rework(self, view: CaseView, again: HoldAgain, found: str) -> str:
        order = None if view.order is None else view.order.ref.id
        said = Rework(case=view.id, order=order, by=again.by, reason=again.reason, found=found, at=self._clock.now())
        for each in self._cases.values():
            same = (each.asset.id, each.failure_mode) == (view.asset.id, view.failure_mode)
            if same and each.closed_as is None:
                if each.withdraw is not None or (each.decision is not None and not each.decision.approved):
                    raise ActRejected("it was called off", field="hold")
                urgency = None if view.rung > each.rung else each.urgency
                raised = {"rework": said, "rung": max(each.rung, view.rung), "urgency": urgency}
                self._cases[each.id] = each.model_copy(update=raised)
                return each.id
        self.reworks += 1
        new = f"MWREWORK{self.reworks:02d}"
        self._open_case(opened_again(view, new, said, self._clock.now()))
        return new

    def _doubt(self, key: str, number: int) -> None:
        if self._holds[key].placements[number - 1].state.ours:
            self._put(key, number, state=PlacementState.UNPROVEN)
        self._lapse(key)

    def _lapse(self, key: str) -> None:
        if self._holds[key].state is HoldStatus.RELEASING:
            self._set(key, state=HoldStatus.ASKED, release=None)

    def _end(self, key: str, status: HoldStatus) -> None:
        if self._holds[key].state.live:
            self._wake_claims(key)
            self._drop_all(key, status)

    def _drop_all(self, key: str, status: HoldStatus) -> None:
        self._set(key, state=status)
        for claim in self.claims:
            if claim.hold == key:
                claim.dropped = True

    def _wake_claims(self, key: str) -> None:
        for claim in self.claims:
            if claim.hold == key and not claim.dropped:
                self._wake(claim.case)


def opened_again(view: CaseView, case: str, rework: Rework, now: datetime) -> CaseView:
    """A case opened on the verdict of another one, of which nothing is done yet."""
    nothing = dict.fromkeys(
        (
            "urgency", "production", "decision", "hold_proposal", "withdraw", "draft", "order", "order_read_at", "hold",
            "outcome", "stated", "waiting_for", "waiting_step", "waiting_until", "lane", "closed_as",
        )
    )  # fmt: skip
    fresh = {"id": case, "opened_at": now, "phase": Phase.PROPOSE, "rework": rework, "order_notes": (), "attempts": 0}
    return view.model_copy(update={**nothing, **fresh, "twin_told": False, "twin_write": None, "labelled": False})


def _says(stored: Release | None, release: Release) -> bool:
    return stored is not None and stored.model_copy(update={"at": release.at}) == release
