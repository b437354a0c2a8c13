"""A plant whose version says when a fault has returned to normal, on a real database."""

from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Quality, Received
from domain.cases import CaseView, ClosedAs
from domain.instances import SiteInstances
from domain.operating import MachineState
from domain.outcomes import Outcome, OutcomeClass
from domain.return_to_normal import NormalLook, NormalTerms
from domain.work_orders import CompletionReport, WorkOrderStatus
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.returns_to_normal import NormalStore
from millwright.storage.operating.readings import OperatingStateStore
from tests.support.completed_work import ordered
from tests.support.judged_plant import Plant
from tests.support.plant import START, UNASKED, code, deviation
from tests.support.steady_policy import MACHINE, MES, said

CLAUSE: Final = f"""{UNASKED}return_to_normal:
  {{ classes: [pump], steady: PT2H, score: 2.0, verify_within: P3D }}
"""
TEN: Final = timedelta(minutes=10)
WITHIN: Final = timedelta(days=3)
_GAP: Final = timedelta(minutes=25)


class NormalPlant:
    """A case on a pump with its machine and its detector. Time passes in steps of ten minutes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.plant = Plant(engine)
        self.clock = self.plant.clock
        self.normals = NormalStore(engine, self.clock)
        self.cases = CaseStore(engine, self.clock, StoredVersions(self.plant.catalogue))
        self.states = OperatingStateStore(engine, self.clock, SiteInstances(otherwise=MES))
        self.case = ""

    async def open(self, more: str = CLAUSE) -> None:
        """Opens a case that asks for an order."""
        await self.plant.prepare(more=more)
        await self.fault()
        [[case]] = await self.plant.rows("SELECT id FROM cases")
        self.case = str(case)

    def hours(self) -> float:
        """The present time, as the events of the plant count it."""
        return (self.clock.now() - START) / timedelta(hours=1)

    async def fault(self) -> None:
        """The detector and a code show the fault now, so that the version asks for an order."""
        await self.plant.take(code(self.hours() - 0.01), deviation(self.hours()))

    async def reads(self, state: MachineState | None) -> None:
        """The MES is read; None is a reading that does not tell of the machine."""
        now = self.clock.now()
        await self.states.record_reading(MES, now, {} if state is None else {MACHINE: said(state, now)}, _GAP)

    async def passes(
        self,
        time: timedelta,
        state: MachineState | None = MachineState.RUNNING,
        score: float | None = 0.5,
        quality: Quality = Quality.GOOD,
    ) -> None:
        """Time passes. In each step the MES is read, and the detector sends a row; None sends none."""
        for _ in range(int(time / TEN)):
            self.clock.time += TEN / 2
            if score is not None:
                await self.plant.take(row(self.hours(), score, quality))
            self.clock.time += TEN / 2
            await self.reads(state)

    def terms(self) -> NormalTerms:
        version = self.plant.digests["1.1.0"]
        found = self.plant.catalogue.normal_terms(version, "pump")
        assert found is not None
        return found

    async def look(self) -> NormalLook:
        return await self.normals.look(self.case, self.terms())

    async def ordered(self, status: WorkOrderStatus) -> None:
        await ordered(self.cases, self.case, status)

    async def done(self, found: OutcomeClass = OutcomeClass.CONFIRMED, unread: str | None = None) -> None:
        """The work is completed, and the case is closed."""
        await self.ordered(WorkOrderStatus.COMPLETED)
        report = CompletionReport()
        outcome = Outcome(case=self.case, outcome=found, cancelled=False, found_at=self.clock.now(), report=report)
        await self.cases.record_outcome(outcome)
        await self.cases.close(self.case, ClosedAs.DONE, unread, self.clock.now() + TEN)

    async def verify(self) -> CaseView:
        """The case after a look at its completed work."""
        await self.normals.verify(self.case, self.terms(), WITHIN)
        return await self.view()

    async def view(self, case: str | None = None) -> CaseView:
        return (await self.cases.view(case or self.case))[0]

    async def acts(self, *kinds: str) -> list[str]:
        """The acts of these kinds, in their order."""
        rows = await self.plant.rows("SELECT kind FROM acts WHERE kind = ANY(:kinds) ORDER BY id", kinds=list(kinds))
        return [str(kind) for [kind] in rows]


def row(hours: float, score: float, quality: Quality = Quality.GOOD) -> Received:
    """A detector's row of the pump's signal."""
    made = deviation(hours, score=score)
    assert made.anomaly is not None
    return made.model_copy(update={"anomaly": made.anomaly.model_copy(update={"quality": quality})})
